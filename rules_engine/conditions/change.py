"""`V changes up 5% in 5m`: the last print against the one a window ago, a state."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules_engine.conditions.move import displacement
from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import FALSE, TRUE, UNKNOWN, Judge, Moment, Readings, Verdict


@dataclass(frozen=True, slots=True)
class Change(Condition):
    """True while the newest value is ``amount`` away from the last print at or before now - window_s."""

    of: Expression
    direction: Direction
    amount: Amount
    window_s: float

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        return _ChangeJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "looks back over a window; IB knows the change on the day only"),)

    def __str__(self) -> str:
        way = "" if self.direction is Direction.EITHER else f" {self.direction}"
        return f"{self.of} changes{way} {self.amount} in {spell_duration(self.window_s)}"


class _ChangeJudge(Judge):
    __slots__ = ("amount", "before", "last", "moved", "size", "ways")

    def __init__(self, condition: Change, readings: Readings) -> None:
        self.amount = condition.amount
        self.last = readings.value(condition.of)
        self.before = readings.before(condition.of, condition.window_s)
        self.size = readings.size(condition.of)
        self.ways = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}[condition.direction]
        self.moved: float | None = None

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        self.moved = None
        last, before = self.last(), self.before()
        if last is None or before is None:
            return UNKNOWN
        for way in self.ways:
            self.moved = displacement(last, before, self.amount, way, self.size())
            if self.moved is not None:
                return TRUE
        return FALSE

    def evidence(self) -> Iterable[tuple[str, float]]:
        return () if self.moved is None else (("move", self.moved),)


def _change(of: Expression, way: Direction | None, amount: Amount, window_s: float) -> Change:
    return Change(of, way or Direction.EITHER, amount, window_s)


PHRASES = (Phrase("change", 'value "changes" [way] amount "in" duration', _change),)
