"""Where rules run, why, and what IB gets; how that reads is in `golden/`."""

from collections.abc import Mapping
from decimal import Decimal
from textwrap import indent

import pytest

from rules_engine.language import Source, load
from rules_engine.model.action import Duration, Remaining, TimeInForce
from rules_engine.model.instrument import Field
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.plan import History, Plan, Where
from rules_engine.model.rule import Rule
from rules_engine.planning import explain, explain_json, plan, plan_all
from rules_engine.planning.defaults import defaults_of

INSTRUMENTS = """
  ES: {future: ES, exchange: CME, expiry: 2030-12}
  EUR: {forex: EURUSD}
"""


def rules(text: str) -> tuple[Rule, ...]:
    """Rules from the lines below `rules:`."""
    whole = f"version: 1\ntimezone: America/New_York\ninstruments:{INSTRUMENTS}rules:\n{indent(text, '  ')}\n"
    loaded = load([Source("a.yaml", whole.encode())], now_s=0.0)
    assert not loaded.problems, loaded.problems
    return loaded.rules


def planned(when: str, do: str = "buy 100 MA", *keys: str, steps: Mapping[str, Decimal] | None = None) -> Plan:
    lines = ["- name: r", f"  when: {when}", f"  do: {do}", *(f"  {key}" for key in keys)]
    return plan(rules("\n".join(lines))[0], price_steps=steps)


def legs(of: Plan) -> tuple[OrderDraft, ...]:
    assert of.where is Where.AT_BROKER, of.reasons
    return of.held[0].unit


def reasons(of: Plan) -> str:
    assert of.where is Where.HERE and not of.held
    return "; ".join(of.reasons)


def test_a_crossing_is_armed_here_by_the_other_side() -> None:
    case = planned("V crosses above 200").held[0]
    assert str(case.arming) == "V < 200"
    (leg,) = case.unit
    assert leg.kind is OrderKind.MARKET and leg.quantity == 100
    assert [str(held) for held in leg.conditions if not isinstance(held, HeldPrice)] == []
    assert leg.conditions_outside_hours


@pytest.mark.parametrize(
    ("when", "arming"),
    [
        ("V crosses below 200", "V > 200"),
        ("V > 200", "V <= 200"),
        ("V >= 200 and MA < 400", "V < 200 or MA >= 400"),
        ("V >= 200 or MA < 400", "V < 200 and MA >= 400"),
        ("V enters 190 to 200", "V is outside 190 to 200"),
        ("V crosses above 200 using double last", "not V >= 200 using double last"),
        ("V crosses above 200 using last", "V < 200 using last"),
        ("any execution in AAPL", "not any execution in AAPL"),
        ("time is after 2030-12-02 09:45", "time is before 2030-12-02 09:45"),
    ],
)
def test_the_order_waits_until_its_condition_was_seen_false(when: str, arming: str) -> None:
    assert str(planned(when).held[0].arming) == arming


def test_if_already_true_fire_sends_a_state_at_once_and_a_crossing_as_ever() -> None:
    assert planned("V > 200", "buy 1 MA", "if_already_true: fire").held[0].arming is None
    assert str(planned("V crosses above 200", "buy 1 MA", "if_already_true: fire").held[0].arming) == "V < 200"
    mixed = planned("V > 200 or MA crosses above 400", "buy 1 AXP", "if_already_true: fire")
    assert str(mixed.held[0].arming) == "MA < 400"


@pytest.mark.parametrize(
    ("when", "again"),
    [("V > 200", "V <= 200"), ("V > 200 or MA crosses above 400", "V <= 200 and MA < 400")],
)
def test_after_a_fill_all_of_the_condition_must_be_seen_false_before_the_next_order(when: str, again: str) -> None:
    fires = "if_already_true: fire"
    assert str(planned(when, "buy 1 AXP", fires).held[0].again) == again
    assert planned(when, "buy 1 AXP").held[0].again is None, "it waits for the same each time"
    assert planned(when, "buy 1 AXP", fires, "once: true").held[0].again is None, "nothing follows"


def test_if_already_true_refuse_is_decided_here() -> None:
    assert "if_already_true: refuse" in reasons(planned("V > 200", "buy 1 MA", "if_already_true: refuse"))


def test_every_obstacle_is_a_reason_not_only_the_first() -> None:
    told = planned(
        "V moves up 5% in 5m or MA == 3", "close MA", "cooldown: 15m", "at_most: 3 per day", "only_if: MA > 1"
    )
    words = ["V moves up 5% in 5m", "MA == 3", "close MA", "only_if: MA > 1", "cooldown: 15m", "at_most: 3 per day"]
    assert [reason.split("'")[1] for reason in told.reasons] == words


@pytest.mark.parametrize(
    "key",
    [
        "cooldown: 1h30m",
        "at_most: 3 per day",
        "only_if: position(MA) == 0",
        "clears_when: V < 190",
        "cancel_when: V < 190",
        "stale_after: 30s",
        "active: {days: mon-fri, hours: 09:45-15:30}",
        "active: {days: 'sat, sun'}",
    ],
)
def test_a_key_that_needs_us_keeps_the_rule_here(key: str) -> None:
    assert f"'{key.split(':')[0]}: " in reasons(planned("V crosses above 200", "buy 100 MA", key))


@pytest.mark.parametrize(
    ("do", "word"),
    [
        ("notify phone", "a message"),
        ("close MA", "the position"),
        ("cancel orders in MA", "the orders that work"),
        ("buy 5% of equity in MA", "from the account"),
        ("buy floor(1000 / MA) MA", "live values"),
        ("buy 1 MA at limit MA.ask", "live values"),
        ("buy 1 MA at stop MA + 1 limit MA + 2", "live values"),
        ("buy 1 MA day", "'day' was written"),
        ("buy 1 MA immediate or cancel", "cannot wait"),
        ("buy 1 MA fill or kill", "cannot wait"),
        ("{buy: 1 MA, take_profit: +2%, stop: 300}", "a market order has no price"),
        ("{buy: 1 MA, at: midpoint, stop: -1%}", "midpoint has no price"),
        ("{buy: 1 MA, at: limit 400, stop: MA - 5}", "live values"),
    ],
)
def test_an_action_that_needs_us_keeps_the_rule_here(do: str, word: str) -> None:
    assert word in reasons(planned("V crosses above 200", do))


def test_notices_beside_an_order_do_not_keep_it_here() -> None:
    assert len(legs(planned("V crosses above 200", "[buy 100 MA, notify phone]"))) == 1


def test_constants_are_folded_and_prices_rounded_away_from_harm() -> None:
    steps = {"MA": Decimal("0.05")}
    (buy,) = legs(planned("V > 2 * 100", "buy 10 * 10 MA at limit 400.02", steps=steps))
    assert (buy.quantity, buy.limit) == (100, Decimal("400"))
    (sell,) = legs(planned("V > 200", "sell 1 MA at stop 400.02 limit 399.97", steps=steps))
    assert (sell.kind, sell.stop, sell.limit) == (OrderKind.STOP_LIMIT, Decimal("400"), Decimal("400"))
    (typed,) = legs(planned("V > 200", "buy 1 MA at limit 0.1234"))
    assert typed.limit == Decimal("0.1234")


@pytest.mark.parametrize(
    ("words", "kind", "percent", "amount"),
    [
        ("trailing 2%", OrderKind.TRAILING, Decimal(2), None),
        ("trailing 2.5 points", OrderKind.TRAILING, None, Decimal("2.5")),
    ],
)
def test_trailing_orders_are_held(words: str, kind: OrderKind, percent: Decimal | None, amount: Decimal | None) -> None:
    (leg,) = legs(planned("V > 200", f"sell 100 V {words}"))
    assert (leg.kind, leg.trail_percent, leg.trail_amount) == (kind, percent, amount)


def test_time_in_force_is_always_explicit_and_expires_wins() -> None:
    def force(do: str, *keys: str) -> TimeInForce:
        return legs(planned("V > 200", do, *keys))[0].time_in_force

    ends = "expires: 2030-12-18 16:00"
    assert force("buy 1 MA").duration is Duration.GOOD_TILL_CANCELLED
    assert str(force("buy 1 MA", ends)) == "good till 2030-12-18 16:00"
    assert str(force("buy 1 MA good till cancelled", ends)) == "good till 2030-12-18 16:00"
    assert str(force("buy 1 MA good till 2030-12-10 16:00", ends)) == "good till 2030-12-10 16:00"
    assert str(force("buy 1 MA good till 2030-12-24 16:00", ends)) == "good till 2030-12-18 16:00"


def test_or_sends_one_order_a_branch_in_one_group_for_each_order() -> None:
    unit = legs(planned("V > 200 or MA > 400 or AXP > 300", "[buy 1 SPY, sell 1 QQQ]"))
    assert [(leg.instrument.name, leg.group) for leg in unit] == [("SPY", "1"), ("QQQ", "2")] * 3
    assert {leg.remaining for leg in unit} == {Remaining.CANCEL}
    assert [[held.instrument.name for held in leg.conditions if isinstance(held, HeldPrice)] for leg in unit[::2]] == [
        ["V"],
        ["MA"],
        ["AXP"],
    ]


def test_or_around_a_bracket_keeps_children_with_their_parent() -> None:
    unit = legs(planned("V > 200 or MA > 400", "{buy: 1 SPY, at: limit 500, take_profit: +2%, stop: -1%}"))
    assert [leg.parent for leg in unit] == [None, 0, 0, None, 3, 3]
    assert [leg.group for leg in unit] == ["1", "", "", "1", "", ""]
    assert [bool(leg.conditions) for leg in unit] == [True, False, False, True, False, False]


def test_one_cancels_all_keeps_its_one_group_under_or() -> None:
    group = "{one_cancels_all: [buy 1 SPY at stop 500, sell 1 SPY at stop 480]}"
    unit = legs(planned("V > 200 or MA > 400", group))
    assert {leg.group for leg in unit} == {"1"} and len(unit) == 4


def test_reduce_is_held_alone_and_runs_here_under_or() -> None:
    group = "{one_cancels_all: [buy 1 SPY at stop 500, sell 1 SPY at stop 480], remaining: reduce}"
    assert {leg.remaining for leg in legs(planned("V > 200", group))} == {Remaining.REDUCE}
    assert "remaining: reduce" in reasons(planned("V > 200 or MA > 400", group))


def test_eight_branches_are_held_and_nine_are_not() -> None:
    branches = [f"S{number} > 10" for number in range(9)]
    assert len(legs(planned(" or ".join(branches[:8])))) == 8
    assert "at most 8" in reasons(planned(" or ".join(branches)))


def test_branches_of_which_one_is_always_true_are_never_sent_and_run_here() -> None:
    assert "never wholly false" in reasons(planned("V crosses above 200 or V crosses below 210"))
    assert "never wholly false" in reasons(planned("V >= 200 or V < 200"))
    assert planned("V crosses above 200 or V crosses below 190").where is Where.AT_BROKER
    assert planned("V crosses above 200 or MA crosses below 210").where is Where.AT_BROKER


CASES = """
- name: r
  cases:
    - {when: V crosses above 200, do: %s}
    - {when: V crosses below 180, do: sell 100 MA}
"""


def test_cases_share_one_group_with_once_and_run_here_without() -> None:
    text = CASES % "buy 100 MA"
    assert "'cases' without `once`" in reasons(plan(rules(text)[0]))
    held = plan(rules(f"{text}  once: true")[0])
    assert [leg.group for leg in legs(held)] == ["1", "1"]
    assert str(held.held[0].arming) == "V < 200 and V > 180"


def test_cases_whose_orders_would_cancel_each_other_run_here() -> None:
    text = CASES % "[buy 100 MA, buy 1 SPY]" + "  once: true"
    assert "several orders" in reasons(plan(rules(text)[0]))
    text = CASES % "[buy 100 MA, notify phone]" + "  once: true"
    assert "differs from case to case" in reasons(plan(rules(text)[0]))


def test_run_here_is_honoured_and_so_is_an_engine_without_a_broker() -> None:
    assert reasons(planned("V > 200", "buy 1 MA", "run: here")) == "you wrote 'run: here'"
    rule = rules("- {name: r, when: V > 200, do: buy 1 MA}")[0]
    assert "no broker" in reasons(plan(rule, at_broker_allowed=False))


def test_at_broker_on_a_rule_that_cannot_be_is_a_problem_naming_each_word() -> None:
    text = """
- {name: fine, when: V > 200, do: buy 1 MA, run: at broker}
- {name: auto, when: V moves 5% in 5m, do: buy 1 MA}
- name: wrong
  when: V moves 5% in 5m
  do: buy 5% of equity in MA
  cooldown: 15m
  run: at broker
"""
    plans, problems = plan_all(rules(text))
    assert [each.where for each in plans] == [Where.AT_BROKER, Where.HERE, Where.HERE]
    (problem,) = problems
    assert (problem.place.file, problem.place.line, problem.place.length) == ("a.yaml", 14, len("at broker"))
    for word in ("'V moves 5% in 5m'", "'5% of equity in MA'", "'cooldown: 15m'"):
        assert word in problem.message


def test_a_strict_level_goes_to_the_broker_once_the_price_step_is_known() -> None:
    rule = rules("- {name: r, when: ES > 4980, do: buy 1 ES, run: at broker}")[0]
    assert len(plan_all([rule])[1]) == 1
    plans, problems = plan_all([rule], price_steps={"ES": Decimal("0.25")})
    assert not problems
    (condition,) = legs(plans[0])[0].conditions
    assert isinstance(condition, HeldPrice) and condition.price == Decimal("4980.25")


def test_reads_orders_and_the_longest_history_of_each_series() -> None:
    text = """
- name: r
  bars: 15m
  let: {spread: MA.mid - 1.85 * V.mid}
  cases:
    - {when: V moves up 5% in 5m, do: buy 1 SPY at limit QQQ.ask}
    - {when: V moves up 9% in 1h for 30s, do: sell 1 SPY}
    - {when: "sma(V, 20) > sma(V, 50)", do: close AXP}
    - {when: "highest(V[1d].high, 20) < 5 or zscore(spread, 2h) > 2", do: notify phone}
    - {when: V > 2 on bar close 5m or no tick from AAPL for 60s, do: notify phone}
    - {when: V changes 5% in 5m, do: notify phone}
"""
    found = plan(rules(text)[0])
    assert sorted(map(str, found.reads)) == ["AAPL", "MA", "QQQ", "V"]
    assert sorted(map(str, found.orders_in)) == ["AXP", "SPY"]
    v = next(one for one in found.reads if one.name == "V")
    ma = next(one for one in found.reads if one.name == "MA")
    assert set(found.history) == {
        History(v, Field.LAST, duration_s=3630.0),
        History(v, Field.LAST, bar_count=50, bar_s=900.0),
        History(v, Field.LAST, bar_count=20, bar_s=86400.0),
        History(v, Field.LAST, bar_count=1, bar_s=300.0),
        History(v, Field.MID, duration_s=7200.0),
        History(ma, Field.MID, duration_s=7200.0),
    }


def test_defaults_are_read_back_unless_they_were_written() -> None:
    def keys(*written: str) -> set[str]:
        return {default.key for default in defaults_of(planned("V > 200", "buy 1 MA", *written))}

    assert {"once", "if_already_true", "time in force", "outside hours", "using"} <= keys()
    assert {"once", "cooldown", "if_already_true"} & keys(
        "once: true", "cooldown: 1m", "if_already_true: wait"
    ) == set()


def test_explanations_agree_between_words_and_fields() -> None:
    each = planned("V crosses above 200", "buy 100 MA", "once: true")
    fields = explain_json(each)
    told = explain(each)
    assert fields["where"] == "at broker" and "runs at the broker" in told
    for default in defaults_of(each):
        assert default.key in told and default.value in told
    for reason in each.reasons:
        assert reason in told


def test_every_word_of_one_order_is_named() -> None:
    group = """{one_cancels_all: ["buy floor(9 / MA) MA at stop MA + 1 limit MA + 2 day", sell 1 MA at limit MA.ask]}"""
    told = [reason.split("'")[1] for reason in planned("V > 200", group).reasons]
    assert told == ["floor(9 / MA)", "day", "MA + 1", "MA + 2", "MA.ask"]
    bracket = "{buy: floor(9 / MA) MA, at: limit MA.ask, take_profit: +2%, stop: MA - 5}"
    told = [reason.split("'")[1] for reason in planned("V > 200", bracket).reasons]
    assert told == ["floor(9 / MA)", "MA.ask", "stop: MA - 5"]


def test_a_bracket_whose_rounded_prices_meet_runs_here_where_it_is_held_back() -> None:
    bracket = "{buy: 1 MA, at: limit 400.1, take_profit: 402, stop: 400.05}"
    assert "'stop: 400.05' is on the wrong side" in reasons(planned("V > 200", bracket, steps={"MA": Decimal(2)}))
    assert [leg.limit or leg.stop for leg in legs(planned("V > 200", bracket))] == [
        Decimal("400.1"),
        Decimal(402),
        Decimal("400.05"),
    ]


def test_the_zone_is_read_back_where_the_file_names_none() -> None:
    text = b"version: 1\nrules: [{name: r, when: time is after 09:45, do: notify phone}]"
    (rule,) = load([Source("a.yaml", text)], now_s=0.0).rules
    assert [default.value for default in defaults_of(plan(rule)) if default.key == "timezone"] == [rule.timezone]
