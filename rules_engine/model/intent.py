"""What we mean to send: committed to the journal before a byte leaves."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rules_engine.model.order import OrderDraft


class IntentState(StrEnum):
    """How far an order has come; `docs/configuration.md` says it of each."""

    INTENT = "intent"
    DRY = "dry"
    BLOCKED = "blocked"
    SENDING = "sending"
    ACKED = "acked"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ADOPTED = "adopted"
    """Unknown to us, but its user has seen it at IB."""
    ABANDONED = "abandoned"

    @property
    def is_over(self) -> bool:
        """Nothing more is expected of it; a late fill is still accepted if it was ever sent."""
        return self not in _OPEN

    @property
    def may_be_at_broker(self) -> bool:
        """Sent, and IB may still fill it for all we know."""
        return self in _OPEN and self is not IntentState.INTENT


_OPEN = frozenset(
    {
        IntentState.INTENT,
        IntentState.SENDING,
        IntentState.ACKED,
        IntentState.WORKING,
        IntentState.PARTIAL,
        IntentState.UNKNOWN,
        IntentState.ADOPTED,
    }
)


@dataclass(frozen=True, slots=True)
class Intent:
    """One leg of a unit. ``key`` is its identity and travels as IB's orderRef; ``seq`` numbers the rule's firings.

    ``held`` legs carry IB's conditions: the firing is IB's trigger. ``expires_s`` ends the wait to be sent, not the
    order's own life. ``order_id`` is the number on the wire, good for one connection; ``perm_id`` is IB's own.
    ``enlarged_to`` is its size at IB where somebody made it larger in TWS.
    """

    key: str
    rule: str
    seq: int
    leg: int
    draft: OrderDraft
    created_s: float
    state: IntentState = IntentState.INTENT
    order_id: int | None = None
    perm_id: int | None = None
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    reason: str = ""
    held: bool = False
    expires_s: float | None = None
    sent_s: float | None = None
    gateway_mark: str = ""
    cancel_wanted: bool = False
    enlarged_to: Decimal | None = None

    @property
    def is_child(self) -> bool:
        """A leg that only works once its parent has filled."""
        return self.draft.parent is not None

    @property
    def quantity(self) -> Decimal:
        """How much it is for at IB, at the most."""
        return self.draft.quantity if self.enlarged_to is None else self.enlarged_to

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, Decimal(0))
