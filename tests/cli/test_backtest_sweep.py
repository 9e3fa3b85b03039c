"""`rules backtest --sweep`: one line a variant, equal to a backtest of its own."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from rules_engine.recordings import Recording
from tests.cli.calling import Answer, call
from tests.cli.test_backtest import DATA, GOLDEN, RULES
from tests.cli.written import write_rules


def sweep(*words: str, rules: str = str(GOLDEN / "rules.yaml")) -> Answer:
    return call("backtest", rules, *DATA, *words)


def lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def test_each_variant_measures_what_a_backtest_of_its_own_does(folder: Path) -> None:
    found = lines(sweep("--json", "--sweep", "rules.dip.threshold=1..3:0.5", "--sweep", "rules.fade.cooldown=1h,1d"))
    asked = list(product(("1", "1.5", "2", "2.5", "3"), ("1h", "1d")))
    assert [tuple(line["values"].values()) for line in found] == [(float(one), other) for one, other in asked]
    for (down, cooldown), line in zip(asked, found, strict=True):
        text = RULES.replace("down 3%", f"down {down}%").replace("cooldown: 1d", f"cooldown: {cooldown}")
        alone = json.loads(sweep("--summary", "json", rules=write_rules(folder, text)).out)
        assert line == {"values": line["values"], **{name: alone[name] for name in list(line)[1:]}}
    assert len({json.dumps(list(line.values())[1:]) for line in found}) > 2


def test_the_table_has_a_line_a_variant() -> None:
    answer = sweep("--sweep", "rules.dip.threshold=2..4", "--sweep", "rules.dip.do.buy=10,20")
    assert (answer.code, answer.err) == (0, "")
    head, *rest = answer.out.split("\n\n")[1].splitlines()
    assert head.split()[:4] == ["dip.threshold", "dip.do.buy", "firings", "orders"]
    assert [row.split()[:2] for row in rest] == [[one, other] for one in "234" for other in ("10", "20")]


def test_a_summary_asked_for_in_json_is_what_json_says_of_a_sweep() -> None:
    words = ("--sweep", "rules.dip.threshold=2..4")
    assert lines(sweep("--summary", "json", *words)) == lines(sweep("--json", *words))
    both = sweep("--json", "--summary", "text", *words)
    assert lines(both) == lines(sweep("--json", *words))
    assert both.err == sweep(*words).out


def test_the_data_are_read_once_for_all_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    blocks = Recording.blocks

    def counted(self: Recording, *words: Any) -> Iterator[Any]:
        read.append(self.instrument)
        return blocks(self, *words)

    monkeypatch.setattr(Recording, "blocks", counted)
    assert len(lines(sweep("--json", "--sweep", "rules.dip.threshold=1..9"))) == 9
    assert sorted(read) == ["MA", "V"]


@pytest.mark.parametrize(
    ("words", "column", "message", "hint"),
    [
        ("rules.dipp.threshold=1", 7, "there is no rule 'dipp'", "did you mean dip?"),
        ("rules.nothing.like=1", 7, "there is no rule 'nothing'", "the rules are ma-when-v-hits-200, dip, fade"),
        ("rules.dip.treshold=1..2", 11, "the rule has no number 'treshold'", "did you mean threshold? its numbers:"),
        ("rules.dip.when=1", 11, "'when' are 2 numbers", "name one of: threshold = 3%, window = 2d"),
        ("rules.fade.threshold=1", 12, "'threshold' are 2 numbers", "name one of: threshold.1 = 330"),
        ("rules.dip.threshold=1,x", 21, "'1,x' are no values", "write 1..10, 1..2:0.25 or 5,10,20"),
        ("rules.dip.threshold=", 21, "'' are no values", "write 1..10"),
        ("rules.dip.threshold=3..1", 21, "'3..1' never gets from 3 to 1", "the smaller first"),
        ("rules.dip.threshold=1..2:0", 26, "a step of 0 never gets anywhere", "write one above 0"),
        ("rules.dip.threshold=2..1:0.0", 26, "a step of 0.0 never gets anywhere", "write one above 0"),
        ("rules.dip.threshold=1..2:0.00001", 21, "more than 10,000 values", "take a larger step"),
        ("rules.dip.window=1h..5m", 18, "'1h..5m' has several units", "write one, or a list: 30s,1m,5m"),
        ("rules.dip.window=1m..5m:30s", 18, "'1m..5m:30s' has several units", "write one"),
        ("rules.dip.window=1..5:30s", 18, "'1..5:30s' has several units", "write one"),
        ("dip.threshold=1", 1, "this is not RULE's number = values", "write rules.NAME.threshold=1..10"),
    ],
)
def test_words_that_name_nothing_are_told_with_their_place(words: str, column: int, message: str, hint: str) -> None:
    answer = sweep("--sweep", words)
    assert (answer.code, answer.out) == (2, "")
    assert f"error[S001]: {message}\n --> --sweep:1:{column}\n" in answer.err
    assert hint in answer.err


def test_one_number_is_swept_once() -> None:
    answer = sweep("--sweep", "rules.dip.threshold=1..2", "--sweep", "rules.dip.when.1=1..2")
    assert answer.code == 2
    assert "rules.dip.threshold is the same number" in answer.err


def test_too_many_variants_are_refused() -> None:
    numbers = ("threshold", "window", "do.buy", "do.take_profit", "do.stop")
    answer = sweep(*(word for name in numbers for word in ("--sweep", f"rules.dip.{name}=1..10")))
    assert answer.code == 2
    assert "these are 100,000 variants, more than 10,000" in answer.err


def test_a_value_that_makes_no_rule_is_told_as_check_tells_it() -> None:
    answer = sweep("--sweep", "rules.dip.threshold=0..1")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("with rules.dip.threshold=0:\nerror[R313]: an amount must be more than zero\n")
    assert "when: V moves down 0% in 2d" in answer.err
