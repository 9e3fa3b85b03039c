"""`no tick from V for 60s`: the feed is up and the instrument silent, a state."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration
from rules_engine.model.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Silence(Condition):
    """True once ``after_s`` have passed without any tick while the feed was up; unknown while it is down."""

    instrument: Instrument
    after_s: float

    def watched(self) -> frozenset[Instrument]:
        return frozenset({self.instrument})

    def __str__(self) -> str:
        return f"no tick from {self.instrument.name} for {spell_duration(self.after_s)}"
