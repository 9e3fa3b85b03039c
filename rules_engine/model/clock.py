"""The one port through which the time of day enters the product."""

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Tells the time; only this port may be asked for it."""

    def now_s(self) -> float:
        """POSIX seconds."""
        ...

    def wait_s(self, until_s: float) -> float | None:
        """How many seconds of life pass until it shows this instant; None when it waits for somebody to set it."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        return time.time()

    def wait_s(self, until_s: float) -> float | None:
        return max(0.0, until_s - self.now_s())


@dataclass(slots=True)
class SteppedClock:
    """A clock that stands still until somebody sets it: for rule tests, replay and simulation."""

    time_s: float = 0.0

    def now_s(self) -> float:
        return self.time_s

    def wait_s(self, until_s: float) -> float | None:
        return None if until_s > self.time_s else 0.0


@dataclass(slots=True)
class CompressedClock:
    """A clock that begins at an instant of one's choice and runs so many times faster than life."""

    start_s: float
    speed: float = 1.0
    life: Clock = field(default_factory=SystemClock)
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = self.life.now_s()

    def now_s(self) -> float:
        return self.start_s + (self.life.now_s() - self._began_s) * self.speed

    def wait_s(self, until_s: float) -> float | None:
        return self.life.wait_s(self._began_s + (until_s - self.start_s) / self.speed)
