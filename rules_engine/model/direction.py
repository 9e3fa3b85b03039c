"""Up, down or either, and by how much."""

from dataclasses import dataclass
from enum import StrEnum

from rules_engine.model.expression import spell_number


class Direction(StrEnum):
    """Which way a price goes."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Amount:
    """`5%` is (0.05, relative), `3 points` is (3, absolute). May carry a sign where an offset is meant."""

    value: float
    relative: bool

    def __str__(self) -> str:
        if self.relative:
            return f"{spell_number(self.value * 100)}%"
        return f"{spell_number(self.value)} points"
