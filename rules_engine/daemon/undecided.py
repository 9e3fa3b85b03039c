"""Firings that are not decided yet, since a price is missing: what waits, and what is not to be acted on any more."""

from dataclasses import dataclass, field

from rules_engine.model.firing import Firing
from rules_engine.model.life import Outcome
from rules_engine.model.rule import Rule


@dataclass(slots=True)
class Undecided:
    """A firing that waits for a price, with the rule as it was, and what came of the rule since, as it was then."""

    firing: Firing
    rule: Rule
    behind: list[tuple[Rule, Outcome]] = field(default_factory=list)
    off: str = ""
    """Why it is not to be acted on, also where its rule is as it was."""
    _off_behind: int = 0

    def call_off(self, why: str) -> None:
        """Neither it nor what came behind it until now is to be acted on."""
        self.off, self._off_behind = why, len(self.behind)

    def off_behind(self, place: int) -> str:
        """The same of what came behind it, by its place from 0."""
        return self.off if place < self._off_behind else ""
