"""Rule tests as users write them: what passes, what fails, and what a failure shows."""

from dataclasses import replace

from rules_engine.engine import plan_here
from rules_engine.language import Source, load
from rules_engine.model.condition import Condition
from rules_engine.model.plan import HeldCase, Plan, Where
from rules_engine.model.rule_test import RuleTest
from rules_engine.replay import TestResult, run_test

RULES = """
version: 1
timezone: America/New_York
rules:
  - name: hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true
  - name: falls
    when: V moves down 5% in 5m
    do: [sell 100 MA, notify desk]
    cooldown: 1h
  - name: lasts
    when: V > 210 for 10s
    do: buy 1 V
tests:
  - name: the test
    rules: [{rules}]
    start: 2030-11-22 10:00
    every: 1s
    prices:
      {prices}
    expect:
{expect}
"""


def loaded(prices: str, *expect: str, rules: str = "hits-200") -> tuple[RuleTest, list[Plan]]:
    lines = "\n".join(f"      - {line}" for line in expect)
    text = RULES.replace("{rules}", rules).replace("{prices}", prices).replace("{expect}", lines)
    found = load([Source("visa.yaml", text.encode())], now_s=0.0)
    assert found.ok, found.problems
    return found.tests[0], [plan_here(rule) for rule in found.rules]


def run(prices: str, *expect: str, rules: str = "hits-200") -> TestResult:
    return run_test(*loaded(prices, *expect, rules=rules))


def test_what_happens_as_expected_passes() -> None:
    result = run("V: 199.50 x3, 200.10, 199.90, 200.20", "at 3s: buy 100 MA at market", "nothing else")
    assert (result.passed, result.differences, result.report) == (True, (), "")


def test_market_need_not_be_said() -> None:
    assert run("V: 199, 200", "at 1s: buy 100 MA").passed


def test_nothing_happens_as_expected() -> None:
    assert run("V: 199, 199.99", "nothing else").passed


def test_an_expectation_that_nothing_meets_fails_on_a_timeline() -> None:
    result = run("V: 199, 199.9, 199.95, 199.99, 199", "at 3s: buy 100 MA")
    assert not result.passed
    assert result.report.splitlines() == [
        "the test: first difference at 3s (visa.yaml:24)",
        "  0s  V.last 199",
        "  1s  V.last 199.9",
        "  2s  V.last 199.95",
        "> 3s  V.last 199.99",
        "      expected: buy 100 MA",
        "      happened: nothing",
    ]


def test_a_firing_that_nobody_expects_fails_the_test() -> None:
    result = run("V: 199, 200", "nothing else")
    assert not result.passed
    assert "expected: nothing" in result.report
    assert "happened: hits-200 fired: buy 100 MA at market" in result.report


def test_the_first_difference_is_shown() -> None:
    result = run("V: 199, 200", "at 5s: buy 100 MA")
    assert [difference.at_s for difference in result.differences] == [1.0, 5.0]
    assert "first difference at 1s" in result.report


def test_the_same_moment_with_another_order_fails() -> None:
    result = run("V: 199, 200", "at 1s: buy 50 MA")
    assert len(result.differences) == 2
    assert "expected: buy 50 MA" in result.report


def test_a_firing_between_two_prints() -> None:
    prices = "V: 209, 211, _ x3, _ x20"
    assert run(prices, "at 11s: buy 1 V", rules="lasts").passed
    assert not run(prices, "at 12s: buy 1 V", rules="lasts").passed


def test_time_runs_on_to_the_last_expectation() -> None:
    assert run("V: 209, 211", "at 11s: buy 1 V", rules="lasts").passed


def test_all_actions_of_a_firing_belong_to_it() -> None:
    assert run("V: 100, 95", "at 1s: [sell 100 MA, notify desk]", rules="falls").passed
    result = run("V: 100, 95", "at 1s: sell 100 MA", rules="falls")
    assert not result.passed
    assert "happened: falls fired: sell 100 MA at market; notify desk" in result.report


def test_what_was_held_back_is_told() -> None:
    firing = "[sell 100 MA, notify desk]"
    result = run("V: 100, 95, 95 x301, 90", f"at 1s: {firing}", f"at 303s: {firing}", rules="falls")
    assert "happened: falls was held back: the rule is cooling down" in result.report


def test_only_the_named_rules_run() -> None:
    assert run("V: 209, 211, _ x20", "nothing else").passed
    assert not run("V: 209, 211, _ x20", "nothing else", rules="hits-200, lasts").passed


def test_a_lost_feed_is_a_gap() -> None:
    assert run("V: 199, x, 201", "at 2s: buy 100 MA").passed
    assert run("V: 211, x, 209, 211, x, _ x20", "nothing else", rules="lasts").passed


def test_an_instrument_is_down_while_any_of_its_rows_is() -> None:
    assert run("V: 199, 201\n      V.bid: 1, x", "nothing else").passed


def test_rules_of_the_broker_are_tested_here() -> None:
    test, plans = loaded("V: 199, 200", "at 1s: buy 100 MA")
    waiting: Condition = plans[0].rule.cases[0].when
    at_broker = [replace(plan, where=Where.AT_BROKER, held=(HeldCase(0, waiting, ()),)) for plan in plans]
    assert run_test(test, at_broker).passed
