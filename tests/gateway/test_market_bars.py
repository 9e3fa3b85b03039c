"""Bars are nothing but their prints: checked against the obvious five lines on random prints."""

import functools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.market.history import bar_span_s, bars_of
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Print
from rules_engine.model.clock import SteppedClock

START_S = datetime(2030, 11, 20, 15, 0, tzinfo=UTC).timestamp()
STEPS = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 500_000), st.integers(1, 900)), min_size=1, max_size=60)
VISA = 49462172
DAY_S = 86_400.0


@functools.cache
def catalogue() -> Catalogue:
    """Read once; its clock is set anew for each market."""
    return Catalogue(clock=SteppedClock(START_S))


def new_market() -> tuple[Market, SteppedClock]:
    clock = catalogue().clock
    assert isinstance(clock, SteppedClock)
    clock.time_s = START_S
    market = Market(catalogue())
    market.start(START_S)
    return market, clock


@given(steps=STEPS, bar_s=st.sampled_from([1.0, 5.0, 60.0, 300.0, 3600.0, 86_400.0]))
def test_bars_aggregate_the_prints_that_were_streamed(steps: list[tuple[int, int, int]], bar_s: float) -> None:
    market, clock = new_market()
    streamed: list[Print] = []
    for wait_s, cents, size in steps:
        clock.time_s += wait_s
        streamed += [
            Print(*tick[1:2], *tick[3:5])
            for tick in market.push(VISA, cents / 100, float(size))
            if tick[2].name == "TRADE"
        ]
    bars = market.bars(VISA, clock.time_s, clock.time_s - START_S + 1, bar_s, "TRADES", False)
    assert sum(bar.count for bar in bars) == len(streamed)
    for number, bar in enumerate(bars):
        end_s = bars[number + 1].time_s if number + 1 < len(bars) else float("inf")
        inside = [one for one in streamed if bar.time_s <= one.time_s < end_s]
        prices = [one.price for one in inside]
        assert (bar.open, bar.high, bar.low, bar.close) == (prices[0], max(prices), min(prices), prices[-1])
        assert bar.volume == sum(one.size for one in inside)
        assert bar.low * (1 - 1e-12) <= bar.wap <= bar.high * (1 + 1e-12)


@given(
    at_s=st.floats(1.0e9, 2.0e9), bar_s=st.sampled_from([1.0, 60.0, 900.0, 3600.0, 86_400.0, 604_800.0, 2_592_000.0])
)
def test_every_instant_lies_in_its_bar_and_the_next_bar_follows(at_s: float, bar_s: float) -> None:
    hours = CALENDARS["us_stock"]
    start_s, end_s = bar_span_s(at_s, bar_s, hours)
    assert start_s <= at_s < end_s
    assert bar_span_s(end_s, bar_s, hours)[0] == end_s


@pytest.mark.parametrize(
    ("calendar", "at", "start"),
    [
        ("us_stock", datetime(2030, 11, 20, 3, 0, tzinfo=UTC), datetime(2030, 11, 19, 5, 0, tzinfo=UTC)),
        ("us_stock", datetime(2030, 7, 20, 5, 0, tzinfo=UTC), datetime(2030, 7, 20, 4, 0, tzinfo=UTC)),
        ("globex", datetime(2030, 11, 20, 23, 30, tzinfo=UTC), datetime(2030, 11, 21, 6, 0, tzinfo=UTC)),
        ("crypto", datetime(2030, 11, 20, 23, 30, tzinfo=UTC), datetime(2030, 11, 20, tzinfo=UTC)),
    ],
)
def test_a_day_is_a_trade_date_of_the_exchange(calendar: str, at: datetime, start: datetime) -> None:
    assert bar_span_s(at.timestamp(), 86_400.0, CALENDARS[calendar])[0] == start.timestamp()


def test_an_evening_of_futures_opens_the_next_day_s_bar() -> None:
    hours = CALENDARS["globex"]
    evening_s = datetime(2030, 11, 20, 23, 30, tzinfo=UTC).timestamp()
    morning_s = datetime(2030, 11, 21, 15, 0, tzinfo=UTC).timestamp()
    after_s = datetime(2030, 11, 21, 23, 30, tzinfo=UTC).timestamp()
    prints = [Print(at_s, price, 1.0) for at_s, price in ((evening_s, 1.0), (morning_s, 2.0), (after_s, 3.0))]
    assert [(bar.open, bar.close) for bar in bars_of(prints, 86_400.0, hours)] == [(1.0, 2.0), (3.0, 3.0)]


PUSHES = st.tuples(st.just("push"), st.integers(0, 9 * 24), st.integers(1, 500))
QUESTIONS = st.tuples(st.just("ask"), st.integers(0, 9 * 24), st.integers(0, 9 * 24))


@given(steps=st.lists(PUSHES | QUESTIONS, min_size=2, max_size=30), use_rth=st.booleans())
def test_days_that_are_remembered_are_the_days_of_the_prints(steps: list[tuple[str, int, int]], use_rth: bool) -> None:
    """Late prints and questions about any stretch, in any order: the answer is always that of all prints so far."""
    market, clock = new_market()
    hours = CALENDARS["us_stock"]
    for what, hour, number in steps:
        at_s = START_S + hour * 3600
        if what == "push":
            clock.time_s = max(clock.time_s, at_s)
            market.push(VISA, float(number), at_s=at_s)
            continue
        first_s = bar_span_s(START_S + min(hour, number) * 3600, DAY_S, hours)[0]
        end_s = min(START_S + max(hour, number) * 3600, clock.time_s)
        if first_s >= end_s:
            continue  # Nobody can ask for a stretch without a length.
        days = market.bars(VISA, end_s, end_s - first_s, DAY_S, "TRADES", use_rth)
        assert days == tuple(bars_of(market.prints(VISA, first_s, end_s, 1_000), DAY_S, hours))
