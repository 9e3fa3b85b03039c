"""`time is between 09:45 and 15:30`: the clock, a state."""

from dataclasses import dataclass
from datetime import date, time

from rules_engine.model.condition import Condition


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

    def __str__(self) -> str:
        if self.start and self.end:
            return f"time is between {self.start} and {self.end}"
        return f"time is after {self.start}" if self.start else f"time is before {self.end}"
