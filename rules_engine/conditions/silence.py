"""`no tick from V for 60s`: the feed is up and the instrument silent, a state."""

from dataclasses import dataclass

from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.instrument import Instrument
from rules_engine.model.judging import UNKNOWN, Judge, Moment, Readings, Verdict, state
from rules_engine.model.tolerance import EDGE_S


@dataclass(frozen=True, slots=True)
class Silence(Condition):
    """True once ``after_s`` have passed without any tick while the feed was up; unknown while it is down."""

    instrument: Instrument
    after_s: float

    def watched(self) -> frozenset[Instrument]:
        return frozenset({self.instrument})

    def judge(self, readings: Readings) -> Judge:
        return _SilenceJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "watches our own feed, which IB does not"),)

    def __str__(self) -> str:
        return f"no tick from {self.instrument.name} for {spell_duration(self.after_s)}"


class _SilenceJudge(Judge):
    __slots__ = ("after_s", "quiet_since_s", "waits")

    def __init__(self, condition: Silence, readings: Readings) -> None:
        self.quiet_since_s = readings.quiet_since_s(condition.instrument)
        self.after_s = condition.after_s
        self.waits = False
        """Whether it may fall silent, so far as it was judged."""

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        since_s = self.quiet_since_s()
        self.waits = False
        if since_s is None:
            return UNKNOWN
        silent = now_s - since_s >= self.after_s - EDGE_S
        self.waits = not silent
        return state(silent)

    @property
    def matures(self) -> bool:
        return True

    def due_s(self) -> float | None:
        since_s = self.quiet_since_s()
        return since_s + self.after_s if self.waits and since_s is not None else None


PHRASES = (Phrase("silence", '"no" "tick" "from" instrument "for" duration', Silence),)
