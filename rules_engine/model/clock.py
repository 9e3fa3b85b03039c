"""The one port through which the time of day enters the product."""

import time
from collections.abc import Callable
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


_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """Seconds since some moment, whatever anybody sets: a machine that sleeps ages too, where that can be told."""
    return time.clock_gettime(_SINCE_BOOT)


class SteadyClock:
    """Another clock as it went on since the beginning, without what was set since: those who ask it see no step."""

    DRIFT_MAX_S = 2.0
    """Two clocks drift apart by less than this between two looks; more, and one of them was set."""
    LOOK_MAX_S = 0.1
    """Looking at both takes less than this, unless the program was held up meanwhile."""

    def __init__(self, wall: Clock, elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._wall = wall
        self._elapsed_s = elapsed_s
        self._began_s = wall.now_s() - elapsed_s()

    def now_s(self) -> float:
        return self._began_s + self._elapsed_s()

    def wait_s(self, until_s: float) -> float | None:
        return max(0.0, until_s - self.now_s())

    def set_by_s(self) -> float:
        """By how many seconds the other clock was set, ahead or (less than zero) back. A drift is followed: 0.

        A program that is stopped between the two looks has not seen them apart: the next time tells.
        """
        before_s = self.now_s()
        apart_s = self._wall.now_s() - before_s
        if self.now_s() - before_s > self.LOOK_MAX_S:
            return 0.0
        if abs(apart_s) > self.DRIFT_MAX_S:
            return apart_s
        self._began_s += apart_s
        return 0.0

    def take_over(self) -> None:
        """Shows what the other clock shows, for those who know that it was set."""
        self._began_s = self._wall.now_s() - self._elapsed_s()


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
