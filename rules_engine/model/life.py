"""What a rule has lived through, and what the evaluator says of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rules_engine.model.firing import Firing, HeldBack, RuleState


@dataclass(frozen=True, slots=True)
class Arming:
    """The arming condition of a broker-held case was seen: its order may be sent now."""

    rule: str
    case: int
    at_s: float


@dataclass(frozen=True, slots=True)
class CancelWanted:
    """The rule's `cancel_when` became true: its working orders are to be cancelled."""

    rule: str
    at_s: float


Outcome = Firing | HeldBack | Arming | CancelWanted


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """What a rule is doing, since when (POSIX seconds), and why."""

    rule: str
    state: RuleState
    since_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Life:
    """What of a rule survives a restart. Plain numbers and text, so that it can be stored as JSON.

    ``known`` has a character a case: t, f or - for what was last known of its condition; ``sides`` are its judges'
    memories, joined by commas; ``placed`` are the cases held at the broker, joined by commas.
    """

    seq: int = 0
    """Firings and armings so far: the last one's number."""
    when_digest: str = ""
    """Of the conditions that this was lived under."""
    done: bool = False
    day: str = ""
    """The calendar day (ISO) that ``fired_today`` counts."""
    fired_today: int = 0
    fired_s: float | None = None
    cooldown_until_s: float | None = None
    cleared: bool = True
    paused: bool = False
    broken: str = ""
    placed: str = ""
    filled: bool = False
    """Whether the order that the broker held was filled, and its other side has not been seen since."""
    known: str = ""
    sides: str = ""
    known_s: float | None = None
    """When this was so."""


Memory = tuple[int, str, bool, str, int, float | None, float | None, bool, bool, str, str, bool, str, str]
"""All of a life but when it was so, in the order of a life's fields: made in a quarter of the time, to be compared."""


@dataclass(frozen=True, slots=True)
class Known:
    """Every rule still remembered at ``at_s`` what was saved of it last, but for some: of those each memory is as old
    as it says."""

    at_s: float = 0.0
    but_for: frozenset[str] = frozenset()

    def brought_up(self, rule: str, life: Life) -> Life:
        """The memory of a rule, with the newest time at which it was so."""
        if rule in self.but_for or life.known_s is None or life.known_s >= self.at_s:
            return life
        return replace(life, known_s=self.at_s)

    def besides(self, rules: Iterable[str]) -> "Known":
        """The same, but for these rules too."""
        return replace(self, but_for=self.but_for.union(rules))


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a reload changed, by rule name. ``rearmed`` of the changed ones start anew; the rest kept their state."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    rearmed: tuple[str, ...]
    unchanged: tuple[str, ...]
