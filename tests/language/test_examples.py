"""The examples of the language's own page load, and mean what the page says."""

from decimal import Decimal

import pytest

from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move
from rules_engine.language import parse_action, parse_condition, parse_expression, render
from rules_engine.model.action import (
    AtLimit,
    AtStop,
    Bracket,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    OneCancelsAll,
    PlaceOrder,
    Remaining,
    Side,
    Trailing,
)
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import Number, Reading, Series
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.rule_test import Row
from tests.language.written import loaded, rule

FILE = """
# yaml-language-server: $schema=../schemas/rules.schema.json
version: 1
timezone: America/New_York          # for every clock time in this file

instruments:                        # only what is not a US stock on SMART in USD
  ES:   {future: ES, exchange: CME, expiry: front}
  HE:   {future: HE, exchange: CME, expiry: 2030-12}
  ESZ0: {future: ES, exchange: CME, local_symbol: ESZ0}
  EUR:  {forex: EURUSD}
  VIX:  {index: VIX, exchange: CBOE}
  put:  {option: AAPL, expiry: 2030-12-20, strike: 250, right: put}
  gold: {cfd: XAUUSD}
  BTC:  {crypto: BTC, exchange: PAXOS}
  BRK_B: {stock: "BRK B"}
  bond: {conId: 495512516}

defaults:
  notify: phone

rules:
  - name: ma-when-v-hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true

  - name: ma-follows-v
    cases:
      - when: V moves up 5% in 5m
        do: buy 100 MA
      - when: V moves down 5% in 5m
        do: sell 100 MA
    once: true

tests:
  - name: visa at 200 buys once
    rules: [ma-when-v-hits-200]
    start: 2030-11-22 10:00
    every: 1s
    prices:
      V: 199.50 x3, 200.10, 199.90, 200.20
      MA.bid: 400
    expect:
      - at 3s: buy 100 MA at market
      - nothing else
"""


def test_the_file_of_section_1_and_7_loads() -> None:
    found = loaded(FILE)
    assert found.ok, render(found.problems)
    first, second = found.rules
    (case,) = first.cases
    assert isinstance(case.when, Crossing) and case.when.direction is Direction.UP
    assert case.text == "V crosses above 200"
    assert first.once and first.notify == ("phone",) and first.timezone == "America/New_York"
    assert [str(one.actions[0]) for one in second.cases] == ["buy 100 MA at market", "sell 100 MA at market"]
    down = second.cases[1].when
    assert isinstance(down, Move)
    assert (down.direction, down.amount, down.window_s) == (Direction.DOWN, Amount(0.05, relative=True), 300.0)


def test_the_test_of_section_7_is_a_tape() -> None:
    (test,) = loaded(FILE).tests
    assert test.rows == (
        Row("V", Field.LAST, (199.5, 199.5, 199.5, 200.1, 199.9, 200.2)),
        Row("MA", Field.BID, (400.0, None, None, None, None, None)),
    )
    assert (test.start_s, test.every_s) == (1_921_590_000.0, 1.0)
    (expected,) = test.expect
    assert (expected.at_s, expected.actions) == (3.0, (parse_action("buy 100 MA"),))


def test_instruments_of_section_1() -> None:
    known = loaded(FILE).instruments
    assert known["ES"] == Instrument("ES", Kind.FUTURE, "ES", exchange="CME", expiry="front")
    assert known["EUR"] == Instrument("EUR", Kind.FOREX, "EUR", exchange="IDEALPRO", currency="USD")
    assert known["BRK_B"].symbol == "BRK B"
    assert (known["put"].strike, known["put"].right, known["put"].expiry) == (Decimal(250), "put", "2030-12-20")
    assert known["bond"].contract_id == 495512516 and known["bond"].kind is Kind.CONTRACT
    assert not known["VIX"].orderable
    assert known["V"] == Instrument("V", Kind.STOCK, "V")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("V > 200", "V > 200"),
        ("V is above 200", "V > 200"),
        ("V is below 200", "V < 200"),
        ("V.last >= 200", "V >= 200"),
        ("V crosses 200", "V crosses 200"),
        ("V crosses below MA / 2", "V crosses below MA / 2"),
        ("V moves 5% in 5 minutes", "V moves 5% in 5m"),
        ("V moves up 3 points in 5m", "V moves up 3 points in 5m"),
        ("V changes down 5% in 1h30m", "V changes down 5% in 1h30m"),
        ("V enters 190 to 200", "V enters 190 to 200"),
        ("V is outside 190 to 200", "V is outside 190 to 200"),
        ("no tick from V for 60s", "no tick from V for 1m"),
        ("time is after 09:45", "time is after 09:45"),
        ("time is before 2030-12-01 9:45", "time is before 2030-12-01 09:45"),
        ("time is between 22:00 and 02:00", "time is between 22:00 and 02:00"),
        ("any execution in AAPL", "any execution in AAPL"),
        ("V.volume >= 500000", "V.volume >= 500000"),
        ("V.change_today <= -3%", "V.change_today <= -3%"),
        ("account.margin_cushion <= 15%", "account.margin_cushion <= 15%"),
        ("V > 200 for 30s", "V > 200 for 30s"),
        ("V > 200 on bar close 5m", "V > 200 on bar close 5m"),
        ("V > 200 using double bid/ask", "V > 200 using double bid/ask"),
        ("not V > 200 for 30s", "not V > 200 for 30s"),
        ("(not V > 200) for 30s", "(not V > 200) for 30s"),
        ("V > 1 or V > 2 and V > 3", "V > 1 or V > 2 and V > 3"),
        ("(V > 1 or V > 2) and V > 3", "(V > 1 or V > 2) and V > 3"),
        ("zscore(MA.mid - 1.85 * V.mid, 2h) > 2", "zscore(MA.mid - 1.85 * V.mid, 2h) > 2"),
        ("highest(NVDA[1d].high, 20) < NVDA", "highest(NVDA[1d].high, 20) < NVDA"),
        ("position(MA) > 0 and working_orders(MA) == 0", "position(MA) > 0 and working_orders(MA) == 0"),
    ],
)
def test_sentences_of_section_2_and_3(written: str, canonical: str) -> None:
    assert str(parse_condition(written)) == canonical


def test_a_series_over_the_bars_of_the_rule() -> None:
    found = rule(
        "when: HE > sma(HE, 50)\ndo: buy 1 HE\nbars: 15m",
        "instruments: {HE: {future: HE, exchange: CME, expiry: front}}",
    )
    series = found.cases[0].when.expressions()[1]
    assert isinstance(series, Series)
    assert (series.bar_count, series.bar_s, series.duration_s) == (50, 900.0, None)


def test_a_let_names_a_value_and_may_use_earlier_ones() -> None:
    found = rule("let: {spread: MA.mid - 1.85 * V.mid, wide: spread * 2}\nwhen: wide > 3\ndo: buy 1 MA")
    assert [str(named.of) for named in found.lets] == ["MA.mid - 1.85 * V.mid", "spread * 2"]
    assert str(found.cases[0].when) == "wide > 3"


def test_actions_of_section_4() -> None:
    stop_limit = parse_action("buy 100 SPY at stop 500 limit 500.5 outside hours")
    assert isinstance(stop_limit, PlaceOrder)
    assert stop_limit.pricing == AtStop(Number(500.0), Number(500.5)) and stop_limit.outside_hours
    held = parse_action("sell 50 MES at limit 4980.25 good till cancelled")
    assert isinstance(held, PlaceOrder) and held.time_in_force is not None
    assert (held.side, held.time_in_force.duration) == (Side.SELL, Duration.GOOD_TILL_CANCELLED)
    trailing = parse_action("sell 100 V trailing 2 points")
    assert isinstance(trailing, PlaceOrder) and trailing.pricing == Trailing(Amount(2.0, relative=False))
    share = parse_action("buy 5% of equity in AAPL at market")
    assert isinstance(share, PlaceOrder) and share.quantity.of_equity
    computed = parse_action("buy floor(10000 / MA.ask) MA at limit MA.ask")
    assert isinstance(computed, PlaceOrder) and isinstance(computed.pricing, AtLimit)
    assert isinstance(computed.pricing.limit, Reading) and computed.pricing.limit.field is Field.ASK
    assert isinstance(parse_action("close MA"), ClosePosition)
    assert parse_action("cancel orders of ma-follows-v") == CancelOrders(rule="ma-follows-v")
    assert str(parse_action("cancel orders in MA")) == "cancel orders in MA"
    assert parse_action("notify desk") == Notify("desk")


def test_good_till_a_date_is_a_moment_in_the_files_zone() -> None:
    order = parse_action("buy 1 MA good till 2030-07-01 16:00", timezone="America/New_York")
    assert isinstance(order, PlaceOrder) and order.time_in_force is not None
    assert order.time_in_force.until_s == parse_expression("1909166400").value


def test_a_bracket() -> None:
    found = rule("when: V > 1\ndo:\n  buy: 300 NVDA\n  at: limit NVDA.ask + 0.05\n  take_profit: +2%\n  stop: -1.5%")
    (bracket,) = found.cases[0].actions
    assert isinstance(bracket, Bracket)
    assert str(bracket) == "buy 300 NVDA at limit NVDA.ask + 0.05, take profit +2%, stop -1.5%"
    assert (bracket.take_profit, bracket.stop) == (Amount(0.02, relative=True), Amount(-0.015, relative=True))


def test_one_cancels_all() -> None:
    found = rule(
        "when: V > 1\ndo:\n  one_cancels_all:\n    - buy 100 SPY at stop 500\n    - sell 100 SPY at stop 480\n"
        "  remaining: reduce"
    )
    (group,) = found.cases[0].actions
    assert isinstance(group, OneCancelsAll)
    assert group.remaining is Remaining.REDUCE and [order.side for order in group.orders] == [Side.BUY, Side.SELL]
