"""`V > 200 using double last`: which quotes may satisfy a price condition."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.trigger_method import TriggerMethod


@dataclass(frozen=True, slots=True)
class Using(Condition):
    """``of`` judged on the quotes that ``method`` names instead of the instrument's own value."""

    of: Condition
    method: TriggerMethod

    @property
    def is_event(self) -> bool:
        return self.of.is_event

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def __str__(self) -> str:
        inner = f"({self.of})" if self.of.parts() else str(self.of)
        return f"{inner} using {self.method}"
