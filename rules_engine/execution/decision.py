"""What comes of one outcome of a rule, ready to be committed."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules_engine.model.action import CancelOrders
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.intent import Intent
from rules_engine.model.notice import Notice
from rules_engine.model.order import Unit


@dataclass(frozen=True, slots=True)
class Decision:
    """One firing with its orders, its cancellations and its messages.

    ``held``: the unit carries IB's conditions, so this is an arming and IB's trigger will be the firing.
    ``channels`` are told what becomes of the orders. ``expires_s`` ends the wait to be sent. ``digest`` is the rule's.
    The dedup of a notice is made unique by the firing's key.
    """

    outcome: Firing | HeldBack
    unit: Unit = ()
    cancels: tuple[CancelOrders, ...] = ()
    notices: tuple[Notice, ...] = ()
    channels: tuple[str, ...] = ()
    expires_s: float | None = None
    held: bool = False
    digest: str = ""

    @property
    def firing(self) -> Firing:
        """The edge itself, whether it fired or was held back."""
        return self.outcome.firing if isinstance(self.outcome, HeldBack) else self.outcome


@dataclass(frozen=True, slots=True)
class Recorded:
    """``firing_key`` names the firing that was committed, ``unit`` are its intents as they were, leg by leg."""

    decision: Decision
    seq: int
    firing_key: str
    unit: Sequence[Intent] = ()

    @property
    def keys(self) -> Sequence[str]:
        """The names of those."""
        return [leg.key for leg in self.unit]
