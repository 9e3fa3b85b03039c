"""`any execution in AAPL`: a fill on this account since the rule was armed, a state."""

from dataclasses import dataclass

from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.instrument import Instrument
from rules_engine.model.judging import Forget, Judge, Readings, Verdict, state


@dataclass(frozen=True, slots=True)
class ExecutionIn(Condition):
    """True from the first execution in the instrument after arming, until the next arming."""

    instrument: Instrument

    def watched(self) -> frozenset[Instrument]:
        return frozenset({self.instrument})

    def judge(self, readings: Readings) -> Judge:
        return _ExecutionJudge(self, readings)

    def __str__(self) -> str:
        return f"any execution in {self.instrument.name}"


class _ExecutionJudge(Judge):
    __slots__ = ("before", "executions", "seen")

    def __init__(self, condition: ExecutionIn, readings: Readings) -> None:
        self.executions = readings.executions(condition.instrument)
        self.before = self.executions()
        self.seen = False

    def judge(self, now_s: float, live: bool) -> Verdict:
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
