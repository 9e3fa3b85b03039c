"""Bars of IB's history: which size and duration to ask for, and what the answer says."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from rules_engine.broker.library import BarData
from rules_engine.model.tick import Bar

DAY_S = 86_400.0
BARS_A_WINDOW = 1900
"""How finely a window is read: IB allows about this many bars in one answer."""

_SIZES = {
    1.0: "1 secs",
    5.0: "5 secs",
    10.0: "10 secs",
    15.0: "15 secs",
    30.0: "30 secs",
    60.0: "1 min",
    120.0: "2 mins",
    180.0: "3 mins",
    300.0: "5 mins",
    600.0: "10 mins",
    900.0: "15 mins",
    1200.0: "20 mins",
    1800.0: "30 mins",
    3600.0: "1 hour",
    7200.0: "2 hours",
    10_800.0: "3 hours",
    14_400.0: "4 hours",
    28_800.0: "8 hours",
    DAY_S: "1 day",
}
"""Source: https://interactivebrokers.github.io/tws-api/historical_bars.html"""
_SESSION_S = 6.5 * 3600
"""The shortest usual trading day: IB counts durations of days in sessions."""


@dataclass(frozen=True, slots=True)
class BarRequest:
    """A bar size and how much of it to ask for, in IB's spelling."""

    size_s: float
    duration: str

    @property
    def size(self) -> str:
        return _SIZES[self.size_s]

    @property
    def days(self) -> bool:
        """A daily bar is a session: regular hours only."""
        return self.size_s >= DAY_S


def bar_request(count: int, bar_s: float) -> BarRequest:
    """At least ``count`` completed bars, and the one that is forming. A size that IB lacks is built of smaller ones."""
    size_s = max(size for size in _SIZES if bar_s % size == 0)
    needed_s = (count + 1) * bar_s
    if bar_s >= DAY_S:
        return BarRequest(size_s, _days(math.ceil(needed_s / DAY_S) + 1))
    if needed_s <= _SESSION_S:
        return BarRequest(size_s, f"{math.ceil(needed_s)} S")
    return BarRequest(size_s, _days(math.ceil(needed_s / _SESSION_S) + 1))


def window_request(duration_s: float) -> BarRequest:
    """The finest bars that cover a window in one answer."""
    size_s = next((size for size in _SIZES if duration_s / size <= BARS_A_WINDOW), DAY_S)
    if duration_s <= DAY_S:
        return BarRequest(size_s, f"{math.ceil(max(duration_s, size_s))} S")
    return BarRequest(size_s, _days(math.ceil(duration_s / DAY_S) + 1))


def prints_of(bar: Bar, bar_s: float) -> Iterator[tuple[float, float]]:
    """Four prints at the quarters of the bar: open, the extreme it moved away from, the other one, close."""
    rising = bar.close >= bar.open
    path = (bar.open, bar.low, bar.high, bar.close) if rising else (bar.open, bar.high, bar.low, bar.close)
    for quarter, price in enumerate(path):
        yield bar.start_s + bar_s * quarter / 4, price


class BarReader:
    """IB's bars into ours. ``sessions`` are the regular hours known, to tell whether today's session is over."""

    def __init__(self, zone: tzinfo, sessions: Sequence[tuple[float, float]], now_s: float) -> None:
        self._zone = zone
        self._sessions = sessions
        self._now_s = now_s

    def all(self, raw: Iterable[BarData]) -> tuple[Bar, ...]:
        """Every bar, the forming one too."""
        return tuple(self._bar(one) for one in raw if one.open > 0)

    def completed(self, raw: Iterable[BarData], bar_s: float) -> tuple[Bar, ...]:
        """The bars of ``bar_s`` that will not change any more, aligned to the exchange's midnight."""
        found: dict[float, Bar] = {}
        for bar in self.all(raw):
            start_s = self._aligned_s(bar.start_s, bar_s)
            found[start_s] = _joined(found[start_s], bar) if start_s in found else _starting(bar, start_s)
        return tuple(bar for bar in found.values() if self._end_s(bar.start_s, bar_s) <= self._now_s)

    def _bar(self, raw: BarData) -> Bar:
        return Bar(self._start_s(raw.date), raw.open, raw.high, raw.low, raw.close, max(raw.volume, 0.0))

    def _start_s(self, start: date) -> float:
        """A date is the midnight of the exchange."""
        if isinstance(start, datetime):
            return start.timestamp()
        return datetime.combine(start, time(), self._zone).timestamp()

    def _aligned_s(self, start_s: float, bar_s: float) -> float:
        midnight = datetime.combine(self._day(start_s), time(), self._zone)
        if bar_s >= DAY_S:
            return midnight.timestamp()
        return midnight.timestamp() + (start_s - midnight.timestamp()) // bar_s * bar_s

    def _end_s(self, start_s: float, bar_s: float) -> float:
        if bar_s < DAY_S:
            return start_s + bar_s
        day = self._day(start_s)
        session_ends = [end for _, end in self._sessions if self._day(end) == day]
        tomorrow = datetime.combine(day + timedelta(days=1), time(), self._zone)
        return session_ends[-1] if session_ends else tomorrow.timestamp()

    def _day(self, at_s: float) -> date:
        return datetime.fromtimestamp(at_s, self._zone).date()


def _starting(bar: Bar, start_s: float) -> Bar:
    return Bar(start_s, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _joined(first: Bar, next_one: Bar) -> Bar:
    return Bar(
        first.start_s,
        first.open,
        max(first.high, next_one.high),
        min(first.low, next_one.low),
        next_one.close,
        first.volume + next_one.volume,
    )


def _days(count: int) -> str:
    return f"{count} D" if count <= 365 else f"{math.ceil(count / 250)} Y"
