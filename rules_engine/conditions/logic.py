"""`and`, `or`, `not`, and their list forms `all`, `any`."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition


@dataclass(frozen=True, slots=True)
class All(Condition):
    """Kleene's `and`. With one event among its parts it is an event: the states must hold at that print."""

    conditions: tuple[Condition, ...]

    def parts(self) -> tuple[Condition, ...]:
        return self.conditions

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Any) else str(part) for part in self.conditions)


@dataclass(frozen=True, slots=True)
class Any(Condition):
    """Kleene's `or`. Each event among its parts is an edge of its own."""

    conditions: tuple[Condition, ...]

    def parts(self) -> tuple[Condition, ...]:
        return self.conditions

    def __str__(self) -> str:
        return " or ".join(map(str, self.conditions))


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The opposite of a state; unknown stays unknown."""

    condition: Condition

    def parts(self) -> tuple[Condition, ...]:
        return (self.condition,)

    def __str__(self) -> str:
        inner = f"({self.condition})" if isinstance(self.condition, All | Any) else str(self.condition)
        return f"not {inner}"
