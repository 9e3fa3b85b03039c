"""What execution tells the rest of the engine as it happens."""

from dataclasses import dataclass
from typing import Protocol

from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to an intent; already committed. ``away``: it happened while we were not connected."""

    kind: NoticeKind
    intent: Intent
    text: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """A firing whose entries are all over. ``used``: it uses up `once` (something filled, or we cannot know).

    ``state`` is what the entries came to: FILLED if any of them filled. ``wanted``: we asked for the cancellation.
    ``digest`` is that of the rule as it was. A late fill after an end brings a second end of the same firing.
    """

    rule: str
    seq: int
    case: int
    held: bool
    state: IntentState
    used: bool
    wanted: bool
    digest: str
    reason: str


class Listener(Protocol):
    """Hears of changes after their commit; must not await and must not call back into the desk's sending."""

    def changed(self, change: Change) -> None: ...

    def ended(self, end: UnitEnd) -> None:
        """Take it into the rule's memory, then `Journal.settle` it: until then it is told again at every start."""
        ...


class Silence:
    """A listener that does nothing."""

    def changed(self, change: Change) -> None:
        """Ignores it."""

    def ended(self, end: UnitEnd) -> None:
        """Ignores it."""
