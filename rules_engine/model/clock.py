"""The one port through which the time of day enters the product."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time; only this port may be asked for it."""

    def now_s(self) -> float:
        """POSIX seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        return time.time()


@dataclass(slots=True)
class SteppedClock:
    """A clock that stands still until somebody sets it: for rule tests, replay and simulation."""

    time_s: float = 0.0

    def now_s(self) -> float:
        return self.time_s
