"""What IB tells us, in our own words: the broker adapter makes these, execution and daemon read them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class BrokerStatus(StrEnum):
    """IB's word for an order's state; a report, not yet our conclusion."""

    PENDING = "pending"
    HELD = "held"
    """Accepted and waiting for its conditions, or for the market (PreSubmitted)."""
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    INACTIVE = "inactive"

    @property
    def is_alive(self) -> bool:
        """It may fill."""
        return self in (BrokerStatus.PENDING, BrokerStatus.HELD, BrokerStatus.WORKING)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """openOrder, orderStatus or completedOrder. ``order_id`` is 0 where IB does not give it (completed orders).

    ``contract_id``, ``side`` (`buy` or `sell`), ``account`` and ``group`` are 0 and empty unless an openOrder told
    them. Of those of one ``group`` only one fills.
    """

    order_ref: str
    perm_id: int
    order_id: int
    client_id: int
    status: BrokerStatus
    filled: Decimal
    remaining: Decimal
    average_price: Decimal | None
    completed: bool = False
    """From the list of completed orders."""
    contract_id: int = 0
    side: str = ""
    account: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """One fill. ``exec_id`` without its last part identifies it; the last part is its revision."""

    exec_id: str
    order_ref: str
    perm_id: int
    order_id: int
    client_id: int
    instrument: str
    """The rule-name of the instrument. One that no rule names has a word that is no rule's: IB's symbol, with the
    contract's number where rules mean something else by the symbol or it is no stock."""
    contract_id: int
    side: str
    """`buy` or `sell`."""
    quantity: Decimal
    price: Decimal
    time_s: float
    commission: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """What IB charged for one execution, in ``currency``. It comes after the execution."""

    exec_id: str
    commission: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class OrderError:
    """An error or warning of IB about one of our orders, by order id. Its meaning is execution's to classify."""

    order_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class FeedDown:
    """No data can be trusted from now on: for one instrument, or for all when ``instrument`` is empty."""

    time_s: float
    instrument: str = ""
    code: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class FeedUp:
    """Prices can be trusted from now on. ``contract_id`` is whose they are; 0 where that is not said."""

    time_s: float
    instrument: str = ""
    contract_id: int = 0


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The connection to IB: `up`, `degraded` (1100: IB's own link is lost) or `down`, with IB's code and text.

    ``data_lost`` asks for new subscriptions (1101).
    """

    time_s: float
    state: str
    code: int = 0
    text: str = ""
    data_lost: bool = False


@dataclass(frozen=True, slots=True)
class ClockCompared:
    """IB told its time. ``ahead_s`` is how far at least this machine's clock is ahead of it, less than zero where it is
    behind, and zero where they agree as far as whole seconds and the way of the answer let one tell."""

    time_s: float
    ahead_s: float


@dataclass(frozen=True, slots=True)
class AccountValue:
    """``name`` is an AccountField value; money in the account's base currency, margin_cushion as a share (0.15)."""

    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class PositionReport:
    """``instrument`` as in ExecutionReport."""

    instrument: str
    contract_id: int
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class PositionsTold:
    """What the account held when IB was asked at ``asked_s`` has been told, all of it."""

    asked_s: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The complete answers to the four explicit questions of one reconciliation."""

    open_orders: tuple[OrderReport, ...]
    completed: tuple[OrderReport, ...]
    executions: tuple[ExecutionReport, ...]
    positions: tuple[PositionReport, ...]
    next_order_id: int


@dataclass(frozen=True, slots=True)
class Traded:
    """What IB says of a contract that we order in."""

    contract_id: int
    min_tick: Decimal
    multiplier: Decimal
    currency: str
    kind: str
    """A Kind value: the contract's real kind."""
    symbol: str
    exchange: str
    sessions: tuple[tuple[float, float], ...] = ()
    """Regular hours known ahead, as POSIX seconds (start, end); empty: not known, treated as open."""
    size_step: Decimal = Decimal(0)
    """Orders are for multiples of it; zero: not known, anything goes."""
    min_size: Decimal = Decimal(0)
