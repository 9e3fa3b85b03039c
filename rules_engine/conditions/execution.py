"""`any execution in AAPL`: a fill on this account since the rule was armed, a state."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.instrument import Instrument


@dataclass(frozen=True, slots=True)
class ExecutionIn(Condition):
    """True from the first execution in the instrument after arming, until the next arming."""

    instrument: Instrument

    def watched(self) -> frozenset[Instrument]:
        return frozenset({self.instrument})

    def __str__(self) -> str:
        return f"any execution in {self.instrument.name}"
