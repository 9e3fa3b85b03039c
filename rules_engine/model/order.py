"""An order in our own words, before IB has heard of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rules_engine.model.action import Remaining, Side, TimeInForce
from rules_engine.model.instrument import Instrument
from rules_engine.model.trigger_method import TriggerMethod


class OrderKind(StrEnum):
    """How an order's price comes about."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop limit"
    TRAILING = "trailing"
    MIDPRICE = "midpoint"


@dataclass(frozen=True, slots=True)
class HeldPrice:
    """IB's price condition: an inclusive level on a contract, not a crossing."""

    instrument: Instrument
    at_least: bool
    price: Decimal
    method: TriggerMethod


@dataclass(frozen=True, slots=True)
class HeldTime:
    """After (or before) a moment, POSIX seconds."""

    after: bool
    time_s: float


@dataclass(frozen=True, slots=True)
class HeldMargin:
    """The account's margin cushion in whole percent."""

    at_least: bool
    percent: int


@dataclass(frozen=True, slots=True)
class HeldExecution:
    """Any execution in the instrument on the account."""

    instrument: Instrument


@dataclass(frozen=True, slots=True)
class HeldVolume:
    """The day's volume of a contract."""

    instrument: Instrument
    at_least: bool
    volume: int


@dataclass(frozen=True, slots=True)
class HeldPercentChange:
    """Change against the previous close, in percent: 5 is up five percent."""

    instrument: Instrument
    at_least: bool
    percent: Decimal


HeldCondition = HeldPrice | HeldTime | HeldMargin | HeldExecution | HeldVolume | HeldPercentChange


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """One leg of what we mean to send. A unit is a tuple of these, sent together in order.

    ``parent`` is the index of this leg's parent within its unit. ``group`` distinguishes one-cancels-all groups within
    the unit ("" is none); its name at IB is derived from the unit's key. Several ``conditions`` are joined by `and`.
    """

    instrument: Instrument
    side: Side
    quantity: Decimal
    kind: OrderKind
    time_in_force: TimeInForce
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    outside_hours: bool = False
    group: str = ""
    remaining: Remaining | None = None
    parent: int | None = None
    conditions: tuple[HeldCondition, ...] = ()
    conditions_outside_hours: bool = True
    closes: bool = False
    """Flattens a position: checked once more before sending, so that it never crosses zero."""


Unit = tuple[OrderDraft, ...]


def transmits(unit: Unit, leg: int) -> bool:
    """IB holds a bracket until its last order; orders without parent or children each go out by themselves."""
    parent = unit[leg].parent
    family = leg if parent is None else parent
    return not any(later.parent == family for later in unit[leg + 1 :])
