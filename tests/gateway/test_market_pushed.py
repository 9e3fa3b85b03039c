"""Prints and quotes from outside: a market without sources."""

import pytest

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Spread, Tick, TickKind
from rules_engine.model.clock import SteppedClock

START_S = 1_900_000_000.0


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START_S)


@pytest.fixture
def market(clock: SteppedClock) -> Market:
    market = Market(Catalogue(clock=clock))
    market.start(START_S)
    return market


def number(market: Market, name: str) -> int:
    listing = market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def test_nothing_is_known_and_nothing_is_due_before_the_first_print(market: Market) -> None:
    visa = number(market, "V")
    assert market.next_s() is None
    assert list(market.advance(START_S + 100)) == []
    quote = market.quote(visa)
    assert (quote.bid, quote.ask, quote.last, quote.close) == (None, None, None, None)
    assert market.fill_price(visa, "BUY") is None
    assert market.head_s(visa) is None
    assert market.prints(visa, None, None, 10) == ()
    assert market.bars(visa, START_S, 3600, 60, "TRADES", False) == ()


def test_a_print_draws_a_quote_around_itself_and_fills_at_its_own_price(market: Market) -> None:
    visa = number(market, "V")
    ticks = market.push(visa, 200.0, 300.0)
    drawn = Spread(START_S, 199.99, 200.01, 100.0, 100.0)
    assert ticks == (
        Tick(visa, START_S, TickKind.BID, 199.99, 100.0, drawn),
        Tick(visa, START_S, TickKind.ASK, 200.01, 100.0, drawn),
        Tick(visa, START_S, TickKind.TRADE, 200.0, 300.0, volume=300.0, average=200.0),
    )
    assert market.fill_price(visa, "BUY") == market.fill_price(visa, "SELL") == 200.0


def test_a_repeated_price_is_a_new_print_but_no_new_quote(market: Market) -> None:
    visa = number(market, "V")
    market.push(visa, 200.0)
    assert [tick.kind for tick in market.push(visa, 200.0)] == [TickKind.TRADE]
    assert market.quote(visa).volume == 200.0


def test_a_pushed_quote_is_what_market_orders_get(market: Market) -> None:
    visa = number(market, "V")
    market.push_quote(visa, 199.5, 200.5)
    assert (market.fill_price(visa, "BUY"), market.fill_price(visa, "SELL")) == (200.5, 199.5)
    market.push(visa, 200.0)
    assert (market.quote(visa).bid, market.quote(visa).ask) == (199.5, 200.5)


def test_a_print_outside_the_quote_moves_it(market: Market) -> None:
    visa = number(market, "V")
    market.push_quote(visa, 199.5, 200.5)
    market.push(visa, 205.0)
    assert (market.quote(visa).bid, market.quote(visa).ask) == (204.99, 205.01)
    assert market.fill_price(visa, "BUY") == 205.0


def test_a_currency_pair_has_quotes_and_an_index_has_prints(market: Market) -> None:
    pair, index = number(market, "EURUSD"), number(market, "SPX")
    assert {tick.kind for tick in market.push(pair, 1.1)} == {TickKind.BID, TickKind.ASK}
    assert market.quote(pair).last is None
    assert market.fill_price(pair, "BUY") == pytest.approx(1.1)
    assert {tick.kind for tick in market.push(index, 5000.0)} == {TickKind.TRADE}
    assert market.quote(index).bid is None


def test_the_day_s_figures_add_up(market: Market) -> None:
    visa = number(market, "V")
    for price in (200.0, 203.0, 199.0, 201.0):
        market.push(visa, price, 50.0)
    quote = market.quote(visa)
    assert (quote.open, quote.high, quote.low, quote.last, quote.volume) == (200.0, 203.0, 199.0, 201.0, 200.0)


def test_pushed_prints_are_history_at_once_and_late_ones_take_their_place(market: Market, clock: SteppedClock) -> None:
    visa = number(market, "V")
    market.push(visa, 200.0)
    clock.time_s += 10
    market.push(visa, 202.0)
    market.push(visa, 201.0, at_s=START_S + 5)
    assert [one.price for one in market.prints(visa, START_S, None, 10)] == [200.0, 201.0, 202.0]
    assert [one.price for one in market.prints(visa, None, None, 2)] == [201.0, 202.0]
    assert [one.price for one in market.prints(visa, START_S, None, 2)] == [200.0, 201.0]
    assert market.head_s(visa) == START_S


def test_a_market_without_sessions_is_open_on_a_sunday_night_and_one_with_sessions_is_not(market: Market) -> None:
    visa = number(market, "V")
    sunday_s = 1_900_195_200.0
    monday_noon_s = 1_900_252_800.0
    monday_evening_s = monday_noon_s + 6 * 3600
    assert market.is_open(visa, sunday_s, False)
    strict = Market(market.catalogue, sessions=True)
    assert not strict.is_open(visa, sunday_s, True)
    assert strict.is_open(visa, monday_noon_s, False)
    assert not strict.is_open(visa, monday_evening_s, False)
    assert strict.is_open(visa, monday_evening_s, True)


def test_pushing_into_an_expired_or_unknown_contract_is_our_own_mistake(market: Market) -> None:
    assert market.catalogue.find(Contract(conId=4_000_000)) == ()
    with pytest.raises(AssertionError):
        market.push(4_000_000, 1.0)


def test_a_late_print_counts_for_its_time_and_the_day_and_is_not_the_last_price(
    market: Market, clock: SteppedClock
) -> None:
    visa = number(market, "V")
    clock.time_s += 100
    market.push(visa, 200.0, 10)
    (tick,) = market.push(visa, 150.0, 5, at_s=START_S + 40)
    quote = market.quote(visa)
    assert (tick.kind, tick.price, tick.volume) == (TickKind.TRADE, 150.0, 15)
    assert (quote.last, quote.last_time_s, quote.bid) == (200.0, START_S + 100, 199.99)
    assert (quote.low, quote.volume) == (150.0, 15)
    assert [bar.close for bar in market.bars(visa, START_S + 200, 200, 60, "TRADES", False)] == [150.0, 200.0]


def test_nothing_prints_and_nothing_is_remembered_while_trading_is_halted(market: Market, clock: SteppedClock) -> None:
    visa = number(market, "V")
    market.push(visa, 200.0)
    market.halt(visa)
    clock.time_s += 10
    assert market.push(visa, 210.0) == market.push_quote(visa, 209.0, 211.0) == ()
    assert (market.quote(visa).last, market.quote(visa).bid) == (200.0, 199.99)
    clock.time_s += 10
    market.halt(visa, False)
    assert [tick.kind for tick in market.push(visa, 190.0)] == [TickKind.BID, TickKind.ASK, TickKind.TRADE]
    assert [one.price for one in market.prints(visa, START_S, None, 10)] == [200.0, 190.0]
    assert [one.bid for one in market.spreads(visa, START_S, None, 10)] == [199.99, 189.99]


def test_a_trade_date_begins_with_the_first_push_of_it(market: Market, clock: SteppedClock) -> None:
    visa = number(market, "V")
    market.push(visa, 200.0, 50)
    clock.time_s += 86_400
    market.push(visa, 210.0, 7)
    quote = market.quote(visa)
    assert (quote.close, quote.open, quote.volume, quote.count) == (200.0, 210.0, 7, 1)


def test_a_quote_that_says_the_same_again_is_no_history(market: Market, clock: SteppedClock) -> None:
    visa = number(market, "V")
    for bid in (199.0, 199.0, 199.5, 199.5, 199.0):
        market.push_quote(visa, bid, 200.0)
        clock.time_s += 1
    assert [one.bid for one in market.spreads(visa, START_S, None, 10)] == [199.0, 199.5, 199.0]
    assert [one.bid for one in market.spreads(visa, START_S + 1, None, 10)] == [199.5, 199.0]
    assert [one.bid for one in market.spreads(visa, None, None, 2)] == [199.5, 199.0]


def test_what_was_pushed_long_ago_is_forgotten(
    market: Market, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.gateway.market.past.PUSHED_MAX", 100)
    visa = number(market, "V")
    for second in range(1000):
        clock.time_s = START_S + second
        market.push(visa, 200.0 + second % 7)
    kept = market.prints(visa, START_S, None, 1000)
    assert 90 <= len(kept) <= 100
    assert kept[-1].time_s == START_S + 999
