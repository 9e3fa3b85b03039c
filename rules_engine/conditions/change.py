"""`V changes up 5% in 5m`: the last print against the one a window ago, a state."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression


@dataclass(frozen=True, slots=True)
class Change(Condition):
    """True while the newest value is ``amount`` away from the last print at or before now - window_s."""

    of: Expression
    direction: Direction
    amount: Amount
    window_s: float

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of,)

    def __str__(self) -> str:
        way = "" if self.direction is Direction.EITHER else f" {self.direction}"
        return f"{self.of} changes{way} {self.amount} in {spell_duration(self.window_s)}"
