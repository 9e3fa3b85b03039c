"""`V crosses above 200`: one value passes another, an event."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.direction import Direction
from rules_engine.model.expression import Expression


@dataclass(frozen=True, slots=True)
class Crossing(Condition):
    """True at the print with which the left side, last seen strictly on the other side, reaches or passes the right."""

    left: Expression
    direction: Direction
    right: Expression

    @property
    def is_event(self) -> bool:
        return True

    def expressions(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def __str__(self) -> str:
        words = {Direction.UP: "crosses above", Direction.DOWN: "crosses below", Direction.EITHER: "crosses"}
        return f"{self.left} {words[self.direction]} {self.right}"
