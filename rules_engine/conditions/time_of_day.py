"""`time is between 09:45 and 15:30`: the clock, a state."""

from dataclasses import dataclass
from datetime import date, time
from math import isfinite

from rules_engine.conditions.phrase import Misspoken, Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.holding import Held, Holding, Obstacle, Terms
from rules_engine.model.judging import Judge, Moment, Readings, Verdict, state
from rules_engine.model.local_time import daily_span, instant
from rules_engine.model.order import HeldTime


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day, or a moment when ``on`` gives the date."""

    at: time
    on: date | None = None

    def __str__(self) -> str:
        at = self.at.strftime("%H:%M:%S" if self.at.second else "%H:%M")
        return f"{self.on.isoformat()} {at}" if self.on else at


@dataclass(frozen=True, slots=True)
class TimeIs(Condition):
    """True from ``start`` (inclusive) until ``end`` (exclusive), in ``timezone``.

    Times without a date hold every day; a daily range whose end comes first crosses midnight.
    """

    start: ClockTime | None
    end: ClockTime | None
    timezone: str

    def judge(self, readings: Readings) -> Judge:
        return _ClockJudge(self)

    def held(self, terms: Terms) -> Held:
        moments = []
        for edge, after in ((self.start, True), (self.end, False)):
            if edge and not edge.on:
                return (Obstacle(str(self), "holds every day; IB holds one dated moment"),)
            if edge and edge.on:
                moments.append(HeldTime(after, instant(edge.on, edge.at, self.timezone) - (0.0 if after else _STEP_S)))
        return Holding((tuple(moments),))

    def opposite(self) -> Condition | None:
        if self.start and self.end:
            return None
        return TimeIs(self.end, self.start, self.timezone)

    def __str__(self) -> str:
        if self.start and self.end:
            return f"time is between {self.start} and {self.end}"
        return f"time is after {self.start}" if self.start else f"time is before {self.end}"


_STEP_S = 1.0
"""IB's times are whole seconds, and its comparison includes the moment itself: `before` ends a second earlier."""


class _ClockJudge(Judge):
    __slots__ = ("condition", "inside", "until_s")

    def __init__(self, condition: TimeIs) -> None:
        self.condition = condition
        self.inside = False
        self.until_s = float("-inf")

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        if now_s >= self.until_s:
            self.inside, self.until_s = _span(self.condition, now_s)
        return state(self.inside)

    @property
    def matures(self) -> bool:
        return True

    def due_s(self) -> float | None:
        return self.until_s if isfinite(self.until_s) else None


def _span(condition: TimeIs, now_s: float) -> tuple[bool, float]:
    """Whether now is inside, and until when that stays so."""
    start, end = condition.start, condition.end
    day = (start and start.on) or (end and end.on)
    if day is None:
        return daily_span(now_s, start.at if start else None, end.at if end else None, condition.timezone)
    from_s = instant(start.on or day, start.at, condition.timezone) if start else float("-inf")
    to_s = instant(end.on or day, end.at, condition.timezone) if end else float("inf")
    return from_s <= now_s < to_s, min((edge_s for edge_s in (from_s, to_s) if edge_s > now_s), default=float("inf"))


def _between(start: ClockTime, end: ClockTime, timezone: str) -> TimeIs:
    if (start.on is None) != (end.on is None):
        raise Misspoken("one time has a date and the other has none", "date both, or neither", 1)
    if (start.on, start.at) == (end.on, end.at) or (start.on and end.on and (start.on, start.at) > (end.on, end.at)):
        raise Misspoken(f"no time is between {start} and {end}", "write the earlier time first", 1)
    return TimeIs(start, end, timezone)


PHRASES = (
    Phrase("after", '"time" "is" "after" clock', lambda start, zone: TimeIs(start, None, zone), zoned=True),
    Phrase("before", '"time" "is" "before" clock', lambda end, zone: TimeIs(None, end, zone), zoned=True),
    Phrase("between", '"time" "is" "between" clock "and" clock', _between, zoned=True),
)
