"""`V is inside 190 to 200` and `V enters 190 to 200`: a value and a band, its bounds inclusive."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression


@dataclass(frozen=True, slots=True)
class BandState(Condition):
    """True while the value is inside (or outside) low to high."""

    of: Expression
    inside: bool
    low: Expression
    high: Expression

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.of} is {'inside' if self.inside else 'outside'} {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class BandEvent(Condition):
    """True at the print that enters (or leaves) low to high, having been seen on the other side before."""

    of: Expression
    entering: bool
    low: Expression
    high: Expression

    @property
    def is_event(self) -> bool:
        return True

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.of} {'enters' if self.entering else 'leaves'} {self.low} to {self.high}"
