"""`V > 200 on bar close 5m`: a state judged only when a bar closes."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration


@dataclass(frozen=True, slots=True)
class OnBarClose(Condition):
    """``of`` with each instrument's value replaced by the close of its newest completed bar of ``bar_s``."""

    of: Condition
    bar_s: float

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def __str__(self) -> str:
        inner = f"({self.of})" if self.of.parts() else str(self.of)
        return f"{inner} on bar close {spell_duration(self.bar_s)}"
