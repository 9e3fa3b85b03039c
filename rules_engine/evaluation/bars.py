"""Prints into completed bars, aligned to the exchange's clock."""

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules_engine.model.instrument import Field
from rules_engine.model.local_time import instant, local_day
from rules_engine.model.tick import Bar
from rules_engine.model.tolerance import EDGE_S

EXCHANGE_CLOCK = "America/New_York"
"""A day is a session; its midnight there parts one from the next."""

_HOUR_S = 3600
_DAY_S = 86_400


def bar_bounds(now_s: float, bar_s: float) -> tuple[float, float]:
    """Start and end of the bar that holds this moment."""
    if bar_s >= _DAY_S:
        return _days(now_s, round(bar_s / _DAY_S))
    origin_s = 0.0 if _HOUR_S % bar_s == 0 else instant(local_day(now_s, EXCHANGE_CLOCK), time(), EXCHANGE_CLOCK)
    start_s = origin_s + (now_s - origin_s + EDGE_S) // bar_s * bar_s
    return start_s, start_s + bar_s if origin_s == 0.0 else min(start_s + bar_s, _days(now_s, 1)[1])


def _days(now_s: float, count: int) -> tuple[float, float]:
    today = datetime.fromtimestamp(now_s + EDGE_S, ZoneInfo(EXCHANGE_CLOCK)).date()
    first = date.fromordinal(today.toordinal() // count * count)
    return instant(first, time(), EXCHANGE_CLOCK), instant(first + timedelta(days=count), time(), EXCHANGE_CLOCK)


class BarSeries:
    """The bars of one length of one value. The forming bar is never read; one that was not seen whole is dropped.

    Memory: about 230 bytes a bar (six floats and what holds them), whatever its prints; the forming one, and of the
    completed ones the newest, as many as anybody has ever needed of this series, at least two.
    """

    __slots__ = ("_end_s", "_forming", "_whole", "bar_s", "closed", "completed", "keeps", "version")

    def __init__(self, bar_s: float, keeps: bool = False) -> None:
        self.bar_s = bar_s
        self.keeps = keeps
        self.completed: deque[Bar] = deque(maxlen=2)
        self.closed = 0
        """Bars that have closed before our eyes."""
        self.version = 0
        """Changes whenever the completed bars do."""
        self._forming: Bar | None = None
        self._end_s = float("inf")
        self._whole = False

    def need(self, count: int) -> None:
        """Keeps at least that many bars."""
        if count > (self.completed.maxlen or 0):
            self.completed = deque(self.completed, maxlen=count)

    def push(self, time_s: float, value: float, size: float, covered_from_s: float) -> None:
        """Takes a print; prints of bars that have closed are too late."""
        self.roll(time_s)
        forming = self._forming
        if forming is None:
            start_s, end_s = bar_bounds(time_s, self.bar_s)
            if self.completed and start_s <= self.completed[-1].start_s:
                return
            self._forming, self._end_s = Bar(start_s, value, value, value, value, size), end_s
            self._whole = covered_from_s <= start_s + EDGE_S
        elif time_s >= forming.start_s - EDGE_S:
            high, low = max(forming.high, value), min(forming.low, value)
            self._forming = Bar(forming.start_s, forming.open, high, low, value, forming.volume + size)

    def roll(self, now_s: float) -> None:
        """Closes the forming bar once its time is over."""
        if self._forming is None or now_s < self._end_s - EDGE_S:
            return
        if self._whole:
            self.completed.append(self._forming)
            self.closed += 1
            self.version += 1
        self._forming, self._end_s = None, float("inf")

    def closing_s(self) -> float | None:
        """When the forming bar ends, if it will count."""
        return self._end_s if self._forming is not None and self._whole else None

    def prepend(self, history: Sequence[Bar], now_s: float) -> None:
        """Takes older bars, oldest first; of the one that is forming, the part that was not seen."""
        known_from_s = self.completed[0].start_s if self.completed else float("inf")
        forming = self._forming
        for bar in history:
            if forming is not None and bar.start_s == forming.start_s:
                self._forming = joined(bar, forming)
                self._whole = True
        limit_s = min(known_from_s, forming.start_s if forming else float("inf"))
        older = [bar for bar in history if bar.start_s < limit_s and bar_bounds(bar.start_s, self.bar_s)[1] <= now_s]
        self.completed = deque([*older, *self.completed], maxlen=self.completed.maxlen)
        self.version += 1
        if history:
            self._adopt(history[-1], now_s)

    def _adopt(self, newest: Bar, now_s: float) -> None:
        """The newest bar of a history may still be forming."""
        end_s = bar_bounds(newest.start_s, self.bar_s)[1]
        is_newer = not self.completed or newest.start_s > self.completed[-1].start_s
        if self._forming is None and is_newer and end_s > now_s:
            self._forming, self._end_s, self._whole = newest, end_s, True

    def clear(self) -> None:
        self.completed.clear()
        self.version += 1
        self._forming, self._end_s = None, float("inf")


def joined(earlier: Bar, later: Bar) -> Bar:
    """Two parts of one bar."""
    high, low = max(earlier.high, later.high), min(earlier.low, later.low)
    return Bar(earlier.start_s, earlier.open, high, low, later.close, earlier.volume + later.volume)


def component(bar: Bar, field: Field) -> float:
    """The part of a bar that a field names; quotes and last prices mean its close."""
    match field:
        case Field.OPEN:
            return bar.open
        case Field.HIGH:
            return bar.high
        case Field.LOW:
            return bar.low
        case Field.VOLUME:
            return bar.volume
        case _:
            return bar.close
