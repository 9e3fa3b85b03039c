"""What the limits are checked against besides the market, and what comes of the check."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is held back; ``detail`` names the limit and the figures."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Book:
    """Our own orders besides the unit in question: those open, those sent in the last minute, and those of today."""

    open: Sequence[Intent] = ()
    recent: Sequence[Intent] = ()
    today: Sequence[Intent] = ()

    @property
    def sent_today(self) -> int:
        return len(self.today)
