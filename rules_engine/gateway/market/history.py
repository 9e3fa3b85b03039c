"""Prints into bars, aligned to the exchange's clock."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from rules_engine.gateway.contracts.hours import Hours
from rules_engine.gateway.market.quote import Print, Spread

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
MONTH_S = 28 * DAY_S
"""A bar of this length or longer is a calendar month."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices of `[time_s, time_s + length)`; only intervals in which something happened have one."""

    time_s: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    wap: float
    count: int


def bars_of(prints: Iterable[Print], bar_s: float, hours: Hours, *, from_open: bool = False) -> Iterator[Bar]:
    """Aggregates prints in time order. A bar starts on the exchange's clock, a day is a trade date.

    ``from_open``: the first bar of a session starts with the session, as IB's regular-hours bars do.
    """
    current: list[Print] = []
    start_s, end_s = 0.0, -math.inf
    for one in prints:
        if one.time_s >= end_s:
            if current:
                yield _bar(start_s, current)
            current = []
            start_s, end_s = bar_span_s(one.time_s, bar_s, hours, from_open=from_open)
        current.append(one)
    if current:
        yield _bar(start_s, current)


def bar_span_s(at_s: float, bar_s: float, hours: Hours, *, from_open: bool = False) -> tuple[float, float]:
    """Start and end of the bar that an instant belongs to; ``from_open`` as in `bars_of`."""
    day = hours.trade_date(at_s)
    if bar_s < DAY_S:
        midnight_s = hours.midnight_s(day)
        start_s = midnight_s + (at_s - midnight_s) // bar_s * bar_s
        end_s = start_s + bar_s
        return (_not_before_open(start_s, at_s, hours) if from_open else start_s), end_s
    first, following = _calendar_span(day, bar_s)
    return hours.midnight_s(first), hours.day_start_s(following)


def range_of(spreads: Iterable[Spread], bar_s: float, hours: Hours, *, from_open: bool = False) -> Iterator[Bar]:
    """BID_ASK bars: opens with the mean bid, closes with the mean ask, from the lowest bid to the highest ask."""
    quotes = list(spreads)
    bids = bars_of((Print(one.time_s, one.bid, 0.0) for one in quotes), bar_s, hours, from_open=from_open)
    asks = bars_of((Print(one.time_s, one.ask, 0.0) for one in quotes), bar_s, hours, from_open=from_open)
    for bid, ask in zip(bids, asks, strict=True):
        yield Bar(bid.time_s, bid.wap, ask.high, bid.low, ask.wap, -1.0, -1.0, -1)


def _not_before_open(start_s: float, at_s: float, hours: Hours) -> float:
    span = hours.span_s(hours.trade_date(at_s), liquid=True)
    return max(start_s, span[0]) if span is not None and span[0] <= at_s else start_s


def _calendar_span(day: date, bar_s: float) -> tuple[date, date]:
    if bar_s >= MONTH_S:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    if bar_s >= WEEK_S:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(weeks=1)
    return day, day + timedelta(days=1)


def _bar(start_s: float, prints: list[Print]) -> Bar:
    prices = [one.price for one in prints]
    volume = sum(one.size for one in prints)
    turnover = sum(one.price * one.size for one in prints)
    wap = turnover / volume if volume else sum(prices) / len(prices)
    return Bar(start_s, prices[0], max(prices), min(prices), prices[-1], volume, wap, len(prices))
