"""When which fault happens: steps that come once, each day, or again and again, put on the gateway's stage."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules_engine.gateway.faults.commands import Call, CommandError, call_of
from rules_engine.gateway.faults.staging import Staging
from rules_engine.gateway.times import ZONE, Timers


@dataclass(frozen=True, slots=True)
class Step:
    """One command and when it comes: so long after the start, every so long, or daily at a time of TWS's zone."""

    call: Call
    at_s: float = 0.0
    every_s: float | None = None
    daily: time | None = None
    for_s: float | None = None
    """After so long it is ended again."""


def nightly_restart(at: time, down_s: float = 60.0) -> Step:
    """TWS's daily restart: connections drop, and it is away for a minute."""
    return Step(call_of("restart", {"down_s": down_s}), daily=at)


def nightly_reset(at: time, for_s: float = 15.0) -> Step:
    """IB's own servers are away for a moment each night: 1100, then 1102."""
    return Step(call_of("lose_link", {}), daily=at, for_s=for_s)


class FaultPlan:
    """Steps that are carried out as time passes. One that cannot be when its time comes is said and left out."""

    def __init__(
        self,
        steps: Iterable[Step],
        gateway: Staging,
        stage: Timers,
        now_s: Callable[[], float],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._say = say
        self._gateway = gateway
        self._stage = stage
        self._now_s = now_s
        self._steps = tuple(steps)

    def start(self) -> None:
        """Time begins to count now."""
        now_s = self._now_s()
        for step in self._steps:
            self._stage.at(_first_s(step, now_s), _Turn(self, step))

    def carry_out(self, step: Step) -> None:
        """Do it now, and see to it that it ends. Raises CommandError for what cannot be."""
        ending = None if step.for_s is None else step.call.ending()
        step.call.on(self._gateway)
        if step.for_s is not None and ending is not None:
            self._stage.at(self._now_s() + step.for_s, lambda: ending.on(self._gateway))

    def take(self, step: Step) -> None:
        """A step's time has come."""
        try:
            self.carry_out(step)
        except CommandError as error:
            self._say(f"{step.call.name}: {error}")
        now_s = self._now_s()
        if step.daily is not None:
            self._stage.at(next_time_s(now_s, step.daily), _Turn(self, step))
        elif step.every_s is not None:
            self._stage.at(now_s + step.every_s, _Turn(self, step))


@dataclass(frozen=True, slots=True)
class _Turn:
    plan: FaultPlan
    step: Step

    def __call__(self) -> None:
        self.plan.take(self.step)


def next_time_s(after_s: float, clock: time, zone: str = ZONE) -> float:
    """The next instant after this one at which clocks in a zone show a time.

    A time that is skipped in spring comes as much later as clocks went forward; one that comes twice in autumn counts
    the first time.
    """
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(after_s, place).date()
    while (at_s := datetime.combine(day, clock, place).timestamp()) <= after_s:
        day += timedelta(days=1)
    return at_s


def _first_s(step: Step, now_s: float) -> float:
    return next_time_s(now_s, step.daily) if step.daily is not None else now_s + step.at_s
