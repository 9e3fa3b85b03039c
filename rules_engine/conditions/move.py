"""`V moves up 5% in 5m`: the last print against the extremes of a window, a state."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression


@dataclass(frozen=True, slots=True)
class Move(Condition):
    """True while the newest value is ``amount`` away from the lowest (up) or highest (down) print in the window.

    The window is (now - window_s, now].
    """

    of: Expression
    direction: Direction
    amount: Amount
    window_s: float

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of,)

    def __str__(self) -> str:
        way = "" if self.direction is Direction.EITHER else f" {self.direction}"
        return f"{self.of} moves{way} {self.amount} in {spell_duration(self.window_s)}"
