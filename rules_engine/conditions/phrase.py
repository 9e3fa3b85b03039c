"""How a kind of condition is said: its part of the grammar, and what that part means."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rules_engine.model.condition import Condition


class Level(StrEnum):
    """Where a phrase binds, tightest first. The values are the grammar's names for it."""

    SENTENCE = "sentence"
    QUALIFIED = "qualified"
    NEGATED = "negated"
    BOTH = "both"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to say a condition.

    ``grammar`` is an alternative of its level in lark's notation. It may use the levels and `value amount duration
    bar instrument clock side way relation method`. ``meaning`` gets what they became, in order: Condition, Expression,
    Amount, seconds, seconds, Instrument, ClockTime, Direction, Direction, str and TriggerMethod; an absent `[part]` is
    None. A ``zoned`` meaning gets the file's timezone as its last argument.
    """

    name: str
    grammar: str
    meaning: Callable[..., Condition]
    level: Level = Level.SENTENCE
    zoned: bool = False


class Misspoken(Exception):
    """The words are in order but together they mean nothing; ``part`` counts the meaning's arguments from 0."""

    def __init__(self, message: str, hint: str, part: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.part = part
