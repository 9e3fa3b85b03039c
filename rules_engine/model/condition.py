"""What every kind of condition has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from rules_engine.model.expression import Expression, instruments_in
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.instrument import Instrument
from rules_engine.model.judging import Judge, Readings


@dataclass(frozen=True, slots=True)
class Condition(ABC):
    """A sentence that the market makes true. Immutable; two conditions that say the same are equal.

    ``str()`` is the canonical sentence: it parses back to an equal condition.
    """

    @property
    def is_event(self) -> bool:
        """True at single prints (a crossing), rather than for stretches of time (a state)."""
        return any(part.is_event for part in self.parts())

    def parts(self) -> tuple["Condition", ...]:
        """The conditions directly inside this one."""
        return ()

    def expressions(self) -> tuple[Expression, ...]:
        """The values that this condition itself compares (not those of its parts)."""
        return ()

    def watched(self) -> frozenset[Instrument]:
        """Instruments that this condition itself listens to besides those in its expressions."""
        return frozenset()

    @abstractmethod
    def judge(self, readings: Readings) -> Judge:
        """A new judge of this condition, with nothing to remember yet."""

    def held(self, terms: Terms) -> Held:
        """IB's form of it; or every word that IB cannot hold. An event's form is that of its level."""
        return (Obstacle(str(self), "is not one of the six conditions that IB holds"),)

    def level(self) -> "Condition | None":
        """The state that a broker can watch for in its place: an event's new side, or a state itself."""
        return None if self.is_event else self

    def opposite(self) -> "Condition | None":
        """The state that is true exactly when this one is false, where it can be said without `not`."""
        return None

    @abstractmethod
    def __str__(self) -> str: ...


def walk_conditions(condition: Condition) -> Iterator[Condition]:
    """The condition and everything inside it, outermost first."""
    yield condition
    for part in condition.parts():
        yield from walk_conditions(part)


def instruments_of(condition: Condition) -> frozenset[Instrument]:
    """Every instrument at whose prints this condition is judged."""
    found: set[Instrument] = set()
    for part in walk_conditions(condition):
        found |= part.watched()
        for expression in part.expressions():
            found |= instruments_in(expression)
    return frozenset(found)
