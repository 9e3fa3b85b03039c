"""What we mean to send: committed to the journal before a byte leaves."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rules_engine.model.order import OrderDraft


class IntentState(StrEnum):
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
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Intent:
    """One leg of a unit. ``key`` is its identity and travels as IB's orderRef; ``seq`` numbers the rule's firings."""

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
