"""`V > 200`, `V is above 200`: two values compared, a state."""

from dataclasses import dataclass
from enum import StrEnum

from rules_engine.conditions.apart import Apart
from rules_engine.conditions.level import held_level
from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.constant import constant
from rules_engine.model.direction import Direction
from rules_engine.model.expression import Expression
from rules_engine.model.holding import Held, Holding, Obstacle, Terms
from rules_engine.model.judging import UNKNOWN, Judge, Moment, Readings, Stretch, Threshold, Verdict, state


class Relation(StrEnum):
    """How two values are compared."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """True while the relation holds between the two newest values."""

    left: Expression
    relation: Relation
    right: Expression

    def expressions(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def judge(self, readings: Readings) -> Judge:
        return _ComparisonJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        if self.relation is Relation.EQUAL:
            return (Obstacle(str(self), "asks for one exact value; IB's conditions are at least or at most"),)
        turned = constant(self.left) is not None
        of, level = (self.right, self.left) if turned else (self.left, self.right)
        rises = (self.relation in (Relation.ABOVE, Relation.AT_LEAST)) is not turned
        strict = self.relation in (Relation.ABOVE, Relation.BELOW)
        found = held_level(str(self), of, level, terms, at_least=rises, strict=strict)
        return (found,) if isinstance(found, Obstacle) else Holding(((found,),))

    def opposite(self) -> Condition | None:
        relation = _OPPOSITES.get(self.relation)
        return Comparison(self.left, relation, self.right) if relation else None

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


_OPPOSITES = {
    Relation.ABOVE: Relation.AT_MOST,
    Relation.AT_LEAST: Relation.BELOW,
    Relation.BELOW: Relation.AT_LEAST,
    Relation.AT_MOST: Relation.ABOVE,
}

_SATISFYING = {
    Relation.ABOVE: (1,),
    Relation.AT_LEAST: (0, 1),
    Relation.BELOW: (-1,),
    Relation.AT_MOST: (-1, 0),
    Relation.EQUAL: (0,),
}

_WAYS = {
    Relation.ABOVE: (1, True),
    Relation.AT_LEAST: (1, False),
    Relation.BELOW: (-1, True),
    Relation.AT_MOST: (-1, False),
    Relation.EQUAL: (0, False),
}
"""Which way it turns true, and whether equal is not enough."""


class _ComparisonJudge(Judge):
    __slots__ = ("apart", "relation", "satisfying")

    def __init__(self, condition: Comparison, readings: Readings) -> None:
        self.apart = Apart(readings, condition.left, condition.right)
        self.relation = condition.relation
        self.satisfying = _SATISFYING[condition.relation]

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        side = self.apart.judge()
        return UNKNOWN if side is None else state(side in self.satisfying)

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.apart.levels(*_WAYS[self.relation])

    def calm(self) -> Stretch | None:
        return self.apart.stretch()


def _relation(left: Expression, relation: str, right: Expression) -> Comparison:
    return Comparison(left, Relation(relation), right)


def _side(left: Expression, side: Direction, right: Expression) -> Comparison:
    return Comparison(left, Relation.ABOVE if side is Direction.UP else Relation.BELOW, right)


PHRASES = (
    Phrase("comparison", "value relation value", _relation),
    Phrase("comparison_in_words", 'value "is" side value', _side),
)
