"""What we mean to tell the user."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """What happened. Receivers may sort by it; the text says it in words."""

    FIRED = "fired"
    HELD_BACK = "held back"
    PLACED = "placed"
    TRIGGERED = "triggered"
    PARTLY_FILLED = "partly filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ORDERS_WAIT = "orders wait"
    UNKNOWN_ORDER = "unknown order"
    MISSED = "missed"
    BROKEN = "broken"
    ALARM = "alarm"
    RELOADED = "reloaded"
    RELOAD_FAILED = "reload failed"
    CONNECTION_LOST = "connection lost"
    CONNECTION_BACK = "connection back"
    DATA_PAUSED = "data paused"
    DATA_BACK = "data back"
    CONTRACT_CHANGED = "contract changed"
    OVERLOAD = "overload"
    OVERLOAD_OVER = "overload over"
    CLOCK_APART = "clock apart"
    CLOCK_AGREES = "clock agrees"
    STARTED = "started"
    STOPPED = "stopped"


TO_ACT_ON = frozenset({NoticeKind.ALARM, NoticeKind.UNKNOWN_ORDER, NoticeKind.BROKEN})
"""What its reader must act on: never shortened, and told before the rest."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, to each of ``channels`` (names in the settings, never URLs); none: nobody asked.

    ``dedup`` names the event: recording the same event again tells nothing new. ``rule`` is empty for news of the
    engine itself, ``key`` is the intent's key where the news is about one order.
    """

    kind: NoticeKind
    text: str
    dedup: str
    at_s: float
    channels: tuple[str, ...] = ()
    rule: str = ""
    title: str = ""
    key: str = ""
