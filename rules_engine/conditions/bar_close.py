"""`V > 200 on bar close 5m`: a state judged only when a bar closes."""

from dataclasses import dataclass

from rules_engine.conditions.phrase import Level, Misspoken, Phrase
from rules_engine.model.condition import Condition, instruments_of, walk_conditions
from rules_engine.model.duration import spell_duration
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import UNKNOWN, Composite, Forget, Judge, Moment, Readings, Verdict


@dataclass(frozen=True, slots=True)
class OnBarClose(Condition):
    """``of`` with each instrument's value replaced by the close of its newest completed bar of ``bar_s``."""

    of: Condition
    bar_s: float

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        return _BarCloseJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "is judged when a bar closes; IB's conditions look at every price"),)

    def __str__(self) -> str:
        inner = f"({self.of})" if self.of.parts() else str(self.of)
        return f"{inner} on bar close {spell_duration(self.bar_s)}"


class _BarCloseJudge(Composite):
    """Repeats its last verdict until the next bar closes."""

    __slots__ = ("bars", "seen", "verdict")

    def __init__(self, condition: OnBarClose, readings: Readings) -> None:
        super().__init__((condition.of.judge(readings.on_bars(condition.bar_s)),))
        read = (expression for part in walk_conditions(condition.of) for expression in part.expressions())
        self.bars = readings.bars(read, condition.bar_s)
        self.seen = self.bars.completed()
        self.verdict = UNKNOWN

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        completed = self.bars.completed()
        if completed == self.seen:
            return self.verdict
        self.seen = completed
        verdict = self.parts[0].judge(now_s, moment)
        self.verdict = Verdict(verdict.truth, holds=verdict.holds)
        return verdict

    def forget(self, depth: Forget) -> None:
        self.verdict = UNKNOWN
        self.seen = self.bars.completed()
        super().forget(depth)

    @property
    def matures(self) -> bool:
        return True

    def due_s(self) -> float | None:
        return self.bars.closing_s()


def _on_bar_close(of: Condition, bar_s: float) -> OnBarClose:
    if of.is_event:
        hint = "write the state, as in 'V > 200 on bar close 5m': a rule fires when it becomes true"
        raise Misspoken("'on bar close' judges a state, and this is an event", hint, 0)
    if not instruments_of(of):
        raise Misspoken("'on bar close' needs an instrument whose bars close", "name one, as in 'V > 200'", 0)
    return OnBarClose(of, bar_s)


PHRASES = (Phrase("on_bar_close", 'qualified "on" "bar" "close" bar', _on_bar_close, Level.QUALIFIED),)
