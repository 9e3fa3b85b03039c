"""`V > 200 for 30s`: a state without interruption, or an event whose new side lasts."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration


@dataclass(frozen=True, slots=True)
class Lasting(Condition):
    """True once ``of`` has held that long; matures by the clock. A gap in data starts it anew."""

    of: Condition
    duration_s: float

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def __str__(self) -> str:
        inner = f"({self.of})" if len(self.of.parts()) > 1 or _binds_looser(self.of) else str(self.of)
        return f"{inner} for {spell_duration(self.duration_s)}"


def _binds_looser(condition: Condition) -> bool:
    return str(condition).startswith("not ")
