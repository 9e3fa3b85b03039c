"""What orders come to on recorded prices: which price they get, how long they wait, what they end."""

from decimal import Decimal
from math import inf
from pathlib import Path

import pytest

from rules_engine.model.settings import Limits
from rules_engine.replay.assumptions import Assumptions, Charge, read_charge
from rules_engine.replay.desk import ORDERS_KEPT_MAX
from rules_engine.replay.span import Span
from tests.replay.playing import FREE, START_S, Played, play, prices

DAY_S = 86_400


def fired_by(folder: Path, do: str, v: str, *, ma: str = "", more: str = "", assumptions: Assumptions = FREE) -> Played:
    """A rule that fires when V passes 100 from below, on prices of V, and of MA."""
    rules = f"rules:\n  - {{name: one, when: V crosses above 100, do: {do}{more}}}\n"
    return play(folder, rules, {"V": v, **({"MA": ma} if ma else {})}, assumptions=assumptions)


def test_a_market_order_fills_at_the_next_price(tmp_path: Path) -> None:
    played = fired_by(tmp_path, "buy 10 V", prices(99, 101, 102, 110))
    assert played.orders == [("buy 10 market", "filled", 2, 102)]
    assert played.summary.profit == 80


def test_prices_of_the_instant_of_the_firing_are_not_the_next(tmp_path: Path) -> None:
    both = f"time,price\n{START_S},99\n{START_S + 1},101\n{START_S + 1},102\n{START_S + 2},103\n"
    assert fired_by(tmp_path, "buy 10 V", both).orders == [("buy 10 market", "filled", 2, 103)]
    for v, ma in ((prices(99, 101, 102), prices(50, 51, 52)),):
        assert fired_by(tmp_path, "buy 10 MA", v, ma=ma).orders == [("buy 10 market", "filled", 2, 52)]


def test_a_timer_fires_on_the_prices_known_then_and_fills_at_the_one_that_showed_the_time(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: V > 100 for 5s, do: buy 10 V at limit V.last + 1}\n"
    played = play(tmp_path, rules, {"V": prices(99, 101, 101.5, every=4) + f"{START_S + 20},102\n"})
    assert played.fired_s == [9]
    assert played.orders == [("buy 10 limit", "filled", 20, 102)]


def test_an_order_that_no_price_follows_goes_on_working(tmp_path: Path) -> None:
    assert fired_by(tmp_path, "buy 10 V", prices(99, 101)).orders == [("buy 10 market", "working", None, None)]


def test_an_order_in_what_has_no_price_is_not_sent(tmp_path: Path) -> None:
    played = fired_by(tmp_path, "buy 10 AXP", prices(99, 101, 102))
    assert played.orders == []
    assert played.summary.rules[0].not_sent == {"no fresh price to check the order against": 1}


LIMITS = [
    ("buy 10 V at limit 98", (99, 101, 102, 98, 97), ("filled", 3, 98)),
    ("buy 10 V at limit 98", (99, 101, 102, 90), ("filled", 3, 98)),
    ("buy 10 V at limit 98", (99, 101, 97), ("filled", 2, 97)),
    ("buy 10 V at limit 98", (99, 101, 98.01), ("working", None, None)),
    ("sell 10 V at limit 105", (99, 101, 102, 106), ("filled", 3, 105)),
    ("sell 10 V at limit 105", (99, 101, 107), ("filled", 2, 107)),
    ("buy 10 V at stop 105", (99, 101, 104, 106, 90), ("filled", 3, 106)),
    ("sell 10 V at stop 95", (99, 101, 104, 95, 96), ("filled", 3, 95)),
    ("sell 10 V at stop 95", (99, 101, 90, 99), ("filled", 2, 90)),
    ("buy 10 V at stop 105 limit 106", (99, 101, 104, 107, 106.5, 106), ("filled", 5, 106)),
    ("buy 10 V at stop 105 limit 106", (99, 101, 104, 105.5, 90), ("filled", 3, 105.5)),
    ("buy 10 V at stop 105 limit 106", (99, 101, 104, 100), ("working", None, None)),
    ("sell 10 V trailing 2 points", (99, 101, 110, 108.5, 108, 90), ("filled", 4, 108)),
    ("sell 10 V trailing 2 points", (99, 101, 99), ("filled", 2, 99)),
    ("buy 10 V trailing 10%", (99, 101, 90, 95, 98.99, 99), ("filled", 5, 99)),
    ("buy 10 V at midpoint", (99, 101, 103), ("filled", 2, 103)),
    ("buy 10 V at limit 98 immediate or cancel", (99, 101, 99, 97), ("cancelled", None, None)),
    ("buy 10 V at limit 98 immediate or cancel", (99, 101, 97), ("filled", 2, 97)),
    ("buy 10 V at limit 98 fill or kill", (99, 101, 99, 97), ("refused", None, None)),
]


@pytest.mark.parametrize(("do", "path", "end"), LIMITS)
def test_prices_of_orders(
    tmp_path: Path, do: str, path: tuple[float, ...], end: tuple[str, float | None, float | None]
) -> None:
    [order] = fired_by(tmp_path, do, prices(*path), more=", once: true").orders
    assert order[1:] == end


@pytest.mark.parametrize(
    ("do", "end"),
    [
        ("buy 10 V at limit 98", "expired"),
        ("buy 10 V at limit 98 day", "expired"),
        ("buy 10 V at limit 98 good till cancelled", "filled"),
        ("buy 10 V at limit 98 good till 2030-11-22 10:00:01", "expired"),
        ("buy 10 V at limit 98 good till 2030-12-24 10:00", "filled"),
    ],
)
def test_time_in_force(tmp_path: Path, do: str, end: str) -> None:
    v = prices(99, 101, 102) + f"{START_S + DAY_S},103\n{START_S + 2 * DAY_S},98\n"
    [order] = fired_by(tmp_path, do, v, more=", once: true, cooldown: 1s").orders
    assert order[1] == end


def test_the_day_of_an_order_lasts_until_its_first_price(tmp_path: Path) -> None:
    late = prices(99, 101) + f"{START_S + DAY_S},103\n{START_S + DAY_S + 1},98\n"
    assert fired_by(tmp_path, "buy 10 V", late).orders == [("buy 10 market", "filled", DAY_S, 103)]
    [order] = fired_by(tmp_path, "buy 10 V at limit 98 day", late).orders
    assert order[1] == "expired"


@pytest.mark.parametrize("engine", ["streaming", "columns"])
@pytest.mark.parametrize("is_apart", [True, False])
@pytest.mark.parametrize(
    ("do", "end"),
    [
        ("buy 10 V at limit 98", "working"),
        ("buy 10 V at limit 98 day", "expired"),
        ("buy 10 V at limit 98 good till 2030-11-22 11:00", "expired"),
        ("buy 10 V at limit 98 good till 2030-12-24 10:00", "working"),
    ],
)
def test_an_order_ends_in_time_though_its_own_prices_have_ended(
    tmp_path: Path, do: str, end: str, is_apart: bool, engine: str
) -> None:
    """MA's prices go on for two days, whether its rule is one of V's part or not."""
    rules = f"""rules:
  - {{name: one, when: V crosses above 100, do: {do}, once: true}}
  - {{name: other, when: {"MA" if is_apart else "MA + V"} > 1000, do: notify desk}}
"""
    files = {"V": prices(99, 101, 102), "MA": prices(99, 98) + f"{START_S + 2 * DAY_S},97\n"}
    assert play(tmp_path, rules, files, engine=engine).orders[0][1] == end
    if "11:00" not in do:
        early = play(tmp_path, rules, files, engine=engine, span=Span(end_s=START_S + 3600))
        assert early.orders[0][1] == "working"


def test_a_bracket_ends_as_one_when_its_time_is_over(tmp_path: Path) -> None:
    bracket = "{buy: 10 V, at: limit 98 good till 2030-11-22 11:00, take_profit: +5%, stop: -5%}"
    rules = f"rules:\n  - {{name: one, when: V crosses above 100, do: {bracket}}}\n"
    files = {"V": prices(99, 101, 102), "MA": prices(99) + f"{START_S + 2 * DAY_S},97\n"}
    rules += "  - {name: other, when: MA > 1000, do: notify desk}\n"
    assert [order[1] for order in play(tmp_path, rules, files).orders] == ["expired", "cancelled", "cancelled"]


def test_an_order_that_would_wait_at_the_broker_outlasts_the_day(tmp_path: Path) -> None:
    v = prices(99, 101, 102) + f"{START_S + DAY_S},98\n"
    assert fired_by(tmp_path, "buy 10 V at limit 98", v).orders[0][1] == "filled"
    assert fired_by(tmp_path, "buy 10 V at limit 98", v, more=", run: here").orders[0][1] == "expired"


BRACKET = "{buy: 10 V, at: limit 102, take_profit: +5%, stop: -5%}"


def test_the_children_of_a_bracket_wait_for_it_and_end_each_other(tmp_path: Path) -> None:
    won = fired_by(tmp_path, BRACKET, prices(99, 101, 101.5, 107.1, 96.9))
    assert [order[1:] for order in won.orders] == [
        ("filled", 2, 101.5),
        ("filled", 3, 107.1),
        ("cancelled", None, None),
    ]
    lost = fired_by(tmp_path, BRACKET, prices(99, 101, 101.5, 96, 110))
    assert [order[1] for order in lost.orders[:3]] == ["filled", "cancelled", "filled"]
    assert won.summary.profit == pytest.approx(56)


def test_children_go_with_an_entry_that_never_filled(tmp_path: Path) -> None:
    v = prices(99, 101, 103) + f"{START_S + DAY_S},103\n"
    played = fired_by(tmp_path, BRACKET, v, more=", run: here")
    assert [order[1] for order in played.orders] == ["expired", "cancelled", "cancelled"]


def test_one_cancels_all(tmp_path: Path) -> None:
    do = "{one_cancels_all: [buy 10 V at stop 105, sell 10 V at stop 95]}"
    played = fired_by(tmp_path, do, prices(99, 101, 102, 94, 106))
    assert [order[1:] for order in played.orders[:2]] == [("cancelled", None, None), ("filled", 3, 94)]


def test_one_reduces_the_others(tmp_path: Path) -> None:
    do = "{one_cancels_all: [sell 4 V at limit 105, sell 10 V at stop 95], remaining: reduce}"
    played = fired_by(tmp_path, do, prices(99, 101, 102, 105, 94))
    assert played.orders[:2] == [("sell 4 limit", "filled", 3, 105), ("sell 6 stop", "filled", 4, 94)]


def test_closing_sells_what_is_held_and_no_more(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: in, when: V crosses above 100, do: buy 10 V, once: true}
  - {name: out, when: V crosses below 100, do: close V}
"""
    played = play(tmp_path, rules, {"V": prices(99, 101, 102, 99, 98, 101, 99, 98)})
    assert [order[0] for order in played.orders] == ["buy 10 market", "sell 10 market"]
    assert played.summary.profit == -40
    assert played.summary.rules[1].not_sent == {"nothing is left to close": 1}


def test_cancelling_by_rule_by_instrument_and_by_condition(tmp_path: Path) -> None:
    base = "  - {name: one, when: V crosses above 100, do: buy 10 V at limit 90 good till cancelled, once: true%s}\n"
    cancels = {
        "  - {name: two, when: V > 105, do: cancel orders of one}\n": "",
        "  - {name: two, when: V > 105, do: cancel orders in V}\n": "",
        "": ", cancel_when: V > 105",
    }
    for other, more in cancels.items():
        played = play(tmp_path, "rules:\n" + base % more + other, {"V": prices(99, 101, 106, 90)})
        assert played.orders == [("buy 10 limit", "cancelled", None, None)], (other, more)


def test_cancelling_in_an_instrument_goes_by_its_contract(tmp_path: Path) -> None:
    for contract in ("stock: V", "conId: 12"):
        rules = f"""
instruments:
  VISA: {{{contract}}}
  CARD: {{{contract}}}
rules:
  - {{name: one, when: MA crosses above 100, do: buy 10 VISA at limit 90 good till cancelled, once: true}}
  - {{name: other, when: MA crosses above 100, do: buy 10 MA at limit 90 good till cancelled, once: true}}
  - {{name: two, when: AXP > 105, do: cancel orders in CARD}}
"""
        played = play(tmp_path, rules, {"MA": prices(99, 101, 102), "AXP": prices(99, 101, 106)})
        assert [end for _, end, *_ in played.orders] == ["cancelled", "working"], contract


def test_rules_know_what_is_held_worked_and_executed(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: in, when: V crosses above 100, do: buy 10 V, only_if: position(V) == 0 and working_orders(V) == 0}
  - {name: told, when: any execution in V, do: notify desk}
"""
    played = play(tmp_path, rules, {"V": prices(99, 101, 102, 99, 101, 99)})
    assert [(firing.rule, firing.at_s - START_S) for firing in played.firings] == [("in", 1), ("told", 2)]
    assert [one.reason.name for one in played.held_back] == ["ONLY_IF"]


def test_limits_stand_before_every_order(tmp_path: Path) -> None:
    strict = Assumptions(Charge(0), Charge(0), 10_000.0, Limits())
    sold = fired_by(tmp_path, "sell 10 V", prices(99, 101, 102), assumptions=strict)
    assert sold.fired_s == [1]
    assert sold.orders == []
    assert sold.summary.rules[0].not_sent == {"it would open a short position": 1}
    away = fired_by(tmp_path, "buy 10 V at limit 90", prices(99, 101, 102), assumptions=strict)
    assert away.summary.rules[0].not_sent == {"a limit would be exceeded": 1}


def test_an_order_that_may_not_be_sent_does_not_use_up_once(tmp_path: Path) -> None:
    strict = Assumptions(Charge(0), Charge(0), 10_000.0, Limits())
    v = prices(99, 101, 99, 101)
    assert fired_by(tmp_path, "sell 10 V", v, more=", once: true", assumptions=strict).fired_s == [1, 3]
    assert fired_by(tmp_path, "buy 10 V", v, more=", once: true", assumptions=strict).fired_s == [1]


def test_part_of_the_equity_is_spent_at_the_ask(tmp_path: Path) -> None:
    played = fired_by(tmp_path, "buy 50% of equity in V", prices(99, 101, 102))
    assert played.orders == [("buy 49 market", "filled", 2, 102)]


def test_spread_and_commission_are_paid(tmp_path: Path) -> None:
    costs = Assumptions(Charge(0.5), Charge(0.01), 10_000.0, Limits(allow_short=True))
    rules = "rules:\n  - {name: up, when: V crosses 100, do: buy 10 V}\n  - {name: down, when: V > 101, do: close V}\n"
    played = play(tmp_path, rules, {"V": prices(99, 100, 101, 102, 102)}, assumptions=costs)
    assert [order[3] for order in played.orders] == [101.25, 101.75]
    assert played.summary.commission == pytest.approx(0.2)
    assert played.summary.profit == pytest.approx(10 * 0.5 - 0.2)


def test_quotes_of_the_data_are_traded_at(tmp_path: Path) -> None:
    quotes = f"time,bid,ask\n{START_S},98,99\n{START_S + 1},100,101\n{START_S + 2},100,103\n{START_S + 3},104,105\n"
    rules = "rules:\n  - {name: one, when: V.mid crosses above 100, do: buy 10 V}\n"
    played = play(tmp_path, rules, {"V": quotes})
    assert played.orders == [("buy 10 market", "filled", 2, 103)]
    assert played.summary.profit == pytest.approx(10 * (104.5 - 103))


@pytest.mark.parametrize("engine", ["streaming", "columns"])
@pytest.mark.parametrize("end_s", [inf, START_S + 5])
def test_what_rules_hold_against_each_other_is_worth_the_last_price(tmp_path: Path, engine: str, end_s: float) -> None:
    rules = """rules:
  - {name: long, when: V crosses above 100, do: buy 10 V, once: true}
  - {name: short, when: V crosses above 110, do: sell 10 V, once: true}
"""
    path = prices(99, 101, 102, 111, 112, 150)
    played = play(tmp_path, rules, {"V": path}, engine=engine, span=Span(end_s=end_s))
    last = 112 if end_s < inf else 150
    assert [rule.profit for rule in played.summary.rules] == [10 * (last - 102), 10 * (112 - last)]
    assert played.summary.profit == 100


def test_contracts_are_worth_their_multiplier(tmp_path: Path) -> None:
    rules = (
        "instruments: {F: {future: ES, exchange: CME, expiry: front, multiplier: 50}}\n"
        "rules:\n  - {name: one, when: F crosses above 100, do: buy 2 F}\n"
    )
    assert play(tmp_path, rules, {"F": prices(99, 101, 102, 103)}).summary.profit == 100


@pytest.mark.parametrize(
    ("kind", "quantity", "price", "commission"),
    [
        ("stock", 100, 50, 1.0),
        ("stock", 1000, 50, 5.0),
        ("forex", 1_000_000, 1.1, 22.0),
        ("option", 10, 500, 6.5),
        ("crypto", 2, 50_000, 180.0),
        ("future", 3, 4000, 6.75),
    ],
)
def test_usual_commissions(kind: str, quantity: float, price: float, commission: float) -> None:
    assert Assumptions().commission_of(kind, quantity, price) == pytest.approx(commission)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "charge"),
    [
        ("0.02", Charge(0.02)),
        ("0.02%", Charge(0.0002, True)),
        ("0", Charge(0.0)),
        ("-1", None),
        ("a", None),
        ("", None),
    ],
)
def test_charges_are_amounts_or_shares(text: str, charge: Charge | None) -> None:
    assert read_charge(text) == charge


def test_a_report_keeps_so_many_orders_and_counts_the_others(tmp_path: Path) -> None:
    v = prices(*[99, 101] * (ORDERS_KEPT_MAX + 5), every=61)
    summary = fired_by(tmp_path, "buy 1 V", v).summary
    assert summary.rules[0].firings == ORDERS_KEPT_MAX + 5
    assert (len(summary.orders), summary.orders_left_out) == (ORDERS_KEPT_MAX, 5)


@pytest.mark.parametrize("engine", ["streaming", "columns"])
@pytest.mark.parametrize(
    ("price", "limit"),
    [
        ("MA.mid - 0.25", 50.75),
        ("sma(MA.bid, 10s)", 50.5),
        ("V[1s].high", 99),
        ("highest(MA.ask - MA.bid, 9s) * 9", 9),
    ],
)
def test_the_first_order_knows_what_orders_alone_read(engine: str, price: str, limit: float, tmp_path: Path) -> None:
    rules = f"rules:\n  - {{name: one, when: V crosses above 100, do: 'buy 1 V at limit {price}'}}\n"
    v = prices(*(99.0 for _ in range(12)), 101, 101)
    ma = "time,bid,ask\n" + "".join(f"{START_S + step},50.5,51.5\n" for step in range(14))
    played = play(tmp_path, rules, {"V": v, **({"MA": ma} if "MA" in price else {})}, engine=engine)
    assert [order.draft.limit for order in played.summary.orders] == [Decimal(str(limit))]
