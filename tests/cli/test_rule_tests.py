"""`rules test`: the tests beside the rules, and what it shows when one fails."""

from pathlib import Path

from tests.cli.calling import call, run_process
from tests.cli.written import BAD, GOOD, TESTS, write_rules

TIMELINE = """\
FAIL a crossing buys
a crossing buys: first difference at 2s ({place})
  0s  V.last 199
  1s  V.last 199.5
> 2s  V.last 200.5
      expected: {expected}
      happened: ma-when-v-hits-200 fired: buy 100 MA at market
0 passed, 1 failed
"""


def test_what_is_expected_passes(folder: Path) -> None:
    write_rules(folder, GOOD + TESTS + "      - at 2s: buy 100 MA\n      - nothing else\n")
    answer = call("test")
    assert (answer.code, answer.out) == (0, "ok   a crossing buys\n1 passed, 0 failed\n")


def test_a_test_of_last_year_passes_with_the_rule_that_ended_then(folder: Path) -> None:
    ended = GOOD + "    expires: 2020-12-18 16:00\n" + TESTS.replace("2030-11-22", "2020-11-23")
    path = write_rules(folder, ended + "      - at 2s: buy 100 MA\n      - nothing else\n")
    assert call("test").code == 0
    assert call("check", path).code == 1


def test_a_wrong_expectation_fails_with_the_first_difference_on_a_timeline(folder: Path) -> None:
    path = write_rules(folder, GOOD + TESTS + "      - at 2s: sell 100 MA\n")
    answer = run_process("test", path, folder=folder)
    assert answer.code == 1
    expected = TIMELINE.format(place="rules/rules.yaml:14", expected="sell 100 MA")
    assert answer.out == expected


def test_expecting_nothing_of_a_rule_that_fires_fails(folder: Path) -> None:
    answer = call("test", write_rules(folder, GOOD + TESTS + "      - nothing else\n"))
    assert answer.code == 1
    assert "expected: nothing\n      happened: ma-when-v-hits-200 fired" in answer.out


def test_expecting_one_of_two_firings_fails_at_the_second(folder: Path) -> None:
    text = (GOOD + TESTS).replace("    once: true\n", "").replace("199, 199.5, 200.5, 201", "199, 201, 199, 201")
    answer = call("test", write_rules(folder, text + "      - at 1s: buy 100 MA\n"))
    assert answer.code == 1
    assert "first difference at 3s" in answer.out
    assert "expected: nothing\n      happened: ma-when-v-hits-200 fired" in answer.out


def test_an_expectation_that_is_too_large_fails(folder: Path) -> None:
    expect = "      - at 2s: buy 100 MA\n      - at 3s: buy 100 MA\n"
    answer = call("test", write_rules(folder, GOOD + TESTS + expect))
    assert answer.code == 1
    assert "first difference at 3s (rules/rules.yaml:15)" in answer.out


def test_json_has_one_entry_a_test(folder: Path) -> None:
    second = TESTS.removeprefix("tests:\n").replace("a crossing buys", "wrong") + "      - nothing else\n"
    path = write_rules(folder, GOOD + TESTS + "      - at 2s: buy 100 MA\n" + second)
    answer = call("test", "--json", path)
    assert answer.code == 1
    right, wrong = answer.json
    assert right == {"test": "a crossing buys", "passed": True, "report": ""}
    assert (wrong["test"], wrong["passed"]) == ("wrong", False)
    assert "first difference at 2s" in wrong["report"]


def test_rules_with_problems_are_not_tested(folder: Path) -> None:
    answer = call("test", write_rules(folder, BAD), "--json")
    assert (answer.code, answer.out) == (1, "")
    assert "error[R201]" in answer.err


def test_rules_without_tests_pass_and_say_so(folder: Path) -> None:
    answer = call("test", write_rules(folder, GOOD))
    assert (answer.code, answer.out) == (0, "no tests are written\n")
