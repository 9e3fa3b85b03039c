"""`any execution in AAPL`: a fill on this account since the rule was armed, a state."""

from dataclasses import dataclass

from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.holding import Held, Holding, Obstacle, Terms
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.judging import Forget, Judge, Moment, Readings, Verdict, state
from rules_engine.model.order import HeldExecution


@dataclass(frozen=True, slots=True)
class ExecutionIn(Condition):
    """True from the first execution in the instrument after arming, until the next arming."""

    instrument: Instrument

    def watched(self) -> frozenset[Instrument]:
        return frozenset({self.instrument})

    def judge(self, readings: Readings) -> Judge:
        return _ExecutionJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        if self.instrument.kind in _ALIKE:
            why = f"would also count fills in other contracts of {self.instrument.symbol}: IB knows only the symbol"
            return (Obstacle(str(self), why),)
        return Holding(((HeldExecution(self.instrument),),))

    def __str__(self) -> str:
        return f"any execution in {self.instrument.name}"


_ALIKE = frozenset({Kind.FUTURE, Kind.OPTION, Kind.CONTRACT})
"""Kinds with many contracts a symbol; IB's execution condition names symbol, exchange and type alone."""


class _ExecutionJudge(Judge):
    __slots__ = ("before", "executions", "seen")

    def __init__(self, condition: ExecutionIn, readings: Readings) -> None:
        self.executions = readings.executions(condition.instrument)
        self.before = self.executions()
        self.seen = False

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        self.seen = self.seen or self.executions() > self.before
        return state(self.seen)

    def forget(self, depth: Forget) -> None:
        if depth >= Forget.EVERYTHING:
            self.seen, self.before = False, self.executions()

    def sides(self) -> str:
        return "x" if self.seen else "-"

    def recall(self, sides: str) -> str:
        self.seen = sides[:1] == "x"
        return sides[1:]


PHRASES = (Phrase("execution", '"any" "execution" "in" instrument', ExecutionIn),)
