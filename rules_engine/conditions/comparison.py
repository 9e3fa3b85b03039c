"""`V > 200`, `V is above 200`: two values compared, a state."""

from dataclasses import dataclass
from enum import StrEnum

from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression


class Relation(StrEnum):
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

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"
