"""`rules explain`: one rule in plain words, or field by field."""

from pathlib import Path

from tests.cli.calling import call
from tests.cli.written import BAD, GOOD, write_rules


def test_plain_words_say_what_it_waits_for_and_where(folder: Path) -> None:
    write_rules(folder, GOOD)
    answer = call("explain", "ma-when-v-hits-200")
    assert answer.code == 0
    assert answer.out.startswith("ma-when-v-hits-200\n")
    for words in ("V crosses above 200", "runs at the broker", "buy 100 MA at market", "this program stops"):
        assert words in answer.out


def test_json_gives_the_order_field_by_field(folder: Path) -> None:
    plan = call("explain", "--json", "ma-when-v-hits-200", write_rules(folder, GOOD)).json
    assert (plan["rule"], plan["where"]) == ("ma-when-v-hits-200", "at broker")
    (order,) = plan["held"][0]["orders"]
    assert (order["action"], order["totalQuantity"], order["orderType"], order["tif"]) == ("BUY", 100, "MKT", "GTC")
    assert order["contract"]["symbol"] == "MA"
    (condition,) = order["conditions"]
    assert (condition["condType"], condition["symbol"], condition["isMore"], condition["price"]) == (1, "V", True, 200)


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(folder: Path) -> None:
    write_rules(folder, GOOD)
    answer = call("explain", "ma-when-v-hits-20")
    assert (answer.code, answer.out) == (2, "")
    assert "there is no rule 'ma-when-v-hits-20'; did you mean ma-when-v-hits-200?" in answer.err


def test_a_name_like_no_other_is_answered_with_all(folder: Path) -> None:
    write_rules(folder, GOOD)
    write_rules(folder, GOOD.replace("ma-when-v-hits-200", "second"), "second.yaml")
    answer = call("explain", "zzz")
    assert answer.code == 2
    assert "known: ma-when-v-hits-200, second" in answer.err


def test_broken_rules_are_not_explained(folder: Path) -> None:
    answer = call("explain", "visa", write_rules(folder, BAD), "--json")
    assert (answer.code, answer.out) == (1, "")
    assert "rules/rules.yaml:4:13" in answer.err
