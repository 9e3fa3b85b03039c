"""One order as the gateway keeps it, from placing to its end, whichever client is connected."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from rules_engine.gateway.accounts.ledger import Execution, commission_of
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.messages.order_form import Condition, OrderForm
from rules_engine.gateway.messages.order_messages import CompletedOrder, OpenOrder, OrderStatus, PlaceOrder


class Status(StrEnum):
    """The words that IB uses for the state of an order."""

    PRE_SUBMITTED = "PreSubmitted"
    PENDING_CANCEL = "PendingCancel"
    """Told once, while a cancel is on its way; the order itself stands where it stood."""
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"


ENDED = frozenset({Status.FILLED, Status.CANCELLED, Status.INACTIVE})
TWS_WINDOW = -1
"""Who owns an order that somebody entered in TWS itself, until client 0 binds it."""
UNBOUND = 0
"""The order id of such an order until then."""
NOT_GIVEN = "None"
"""TWS writes this word where an order names no delta-neutral or adjusted type, and old decoders trip over it."""


@dataclass(slots=True)
class Order:
    """An order and how far it has come."""

    clientId: int
    permId: int
    request: PlaceOrder
    listing: Listing
    placed_s: float
    status: Status = Status.PRE_SUBMITTED
    staged: bool = False
    """Held back by its client: transmit was 0."""
    manual: bool = False
    """Somebody entered it in TWS's own window."""
    locating: bool = False
    """It sells short what cannot be borrowed now."""
    elected_s: float | None = None
    """When its conditions were met."""
    traded: tuple[int, ...] = ()
    """The places of its execution conditions that have seen their trade."""
    triggered: bool = False
    """Its stop price was reached."""
    stop_price: float | None = None
    """Where a trailing stop stands."""
    peg_price: float | None = None
    """Where a pegged order stands."""
    arrived: bool = False
    """It has reached the exchange."""
    resting: bool = False
    """It has met the market before: from now on others come to it."""
    reduced: float = 0.0
    """Shares that fills of its one-cancels-all group took away, or that its parent never got."""
    filled: float = 0.0
    avgFillPrice: float = 0.0
    lastFillPrice: float = 0.0
    ended_s: float | None = None
    ended_because: str = ""
    reported: tuple[OrderForm, float | None, OrderForm] | None = field(default=None, compare=False, repr=False)
    """Of which form and at which stop it was last reported, and how: very many orders are told again and again."""

    @property
    def orderId(self) -> int:
        """The number its client gave it."""
        return self.request.orderId

    @property
    def told_client(self) -> int:
        """The client number that reports name: an order of TWS's own window is reported as one of client 0."""
        return max(self.clientId, 0)

    @property
    def form(self) -> OrderForm:
        """What its client asked for."""
        return self.request.order

    @property
    def contract(self) -> Contract:
        """What it trades, on the exchange that its client named."""
        return self.listing.contract

    @property
    def orderRef(self) -> str:
        """The name that its client gave it."""
        return self.form.orderRef

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it waits for, or what cancels it."""
        return self.form.conditions

    @property
    def conId(self) -> int:
        """The contract number."""
        return self.listing.conId

    @property
    def elected(self) -> bool:
        """Its conditions were met."""
        return self.elected_s is not None

    @property
    def live(self) -> bool:
        """It can still be filled or cancelled."""
        return self.status not in ENDED

    @property
    def buys(self) -> bool:
        """Whether it is on the buying side."""
        return self.form.action == "BUY"

    @property
    def remaining(self) -> float:
        """Shares still to be filled."""
        return round(self.form.totalQuantity - self.reduced - self.filled, 8)

    def end(self, status: Status, at_s: float, why: str) -> None:
        """It is filled, or will never be."""
        assert status in ENDED, status
        self.status = status
        self.ended_s = at_s
        self.ended_because = why

    @property
    def conditional(self) -> bool:
        """It is held until its conditions are met."""
        return bool(self.form.conditions) and not self.form.conditionsCancelOrder


def open_order(order: Order) -> OpenOrder:
    """The report of a live order: what its client wrote, and where it stands."""
    form = _as_reported(order)
    return OpenOrder(order.orderId, _reported(order.contract), form, order.told_client, order.permId, order.status)


def order_status(order: Order, why_held: str = "", status: Status | None = None) -> OrderStatus:
    """The report of an order's progress, with its own status unless another is given."""
    return OrderStatus(
        orderId=order.orderId,
        status=status or order.status,
        filled=order.filled,
        remaining=max(0.0, order.remaining),
        avgFillPrice=order.avgFillPrice,
        permId=order.permId,
        parentId=order.form.parentId,
        lastFillPrice=order.lastFillPrice,
        clientId=order.told_client,
        whyHeld=why_held,
    )


def completed_order(order: Order, parent: Order | None, when: str) -> CompletedOrder:
    """The report of an order that has ended today."""
    return CompletedOrder(
        contract=_reported(order.contract),
        order=_as_reported(order),
        permId=order.permId,
        status=order.status,
        filledQuantity=order.filled,
        parentPermId=parent.permId if parent else None,
        completedTime=when,
        completedStatus=order.ended_because,
    )


def _as_reported(order: Order) -> OrderForm:
    form, stop_price = order.form, order.stop_price
    known = order.reported
    if known is not None and known[0] is form and known[1] == stop_price:
        return known[2]
    told = replace(
        form,
        deltaNeutralOrderType=form.deltaNeutralOrderType or NOT_GIVEN,
        adjustedOrderType=form.adjustedOrderType or NOT_GIVEN,
        trailStopPrice=form.trailStopPrice if stop_price is None else stop_price,
    )
    order.reported = form, stop_price, told
    return told


@lru_cache(maxsize=1000)
def _reported(contract: Contract) -> Contract:
    """TWS prints a question mark as the right of what is no option."""
    return contract if contract.right else replace(contract, right="?")


def execution_of(order: Order, price: float, shares: float, number: int, now_s: float, liquidity: int) -> Execution:
    """A fill of some of an order's shares, before it is counted in the order; ``liquidity`` in IB's numbers.

    Each fill costs what it adds to the commission of the whole order, so that a minimum is paid once.
    """
    contract, listing = order.contract, order.listing
    filled = round(order.filled + shares, 8)
    average = mean_price((order.avgFillPrice * order.filled + price * shares) / filled)
    paid = commission_of(listing, order.filled, order.avgFillPrice) if order.filled else 0.0
    return Execution(
        execId=f"0000e0d5.{order.permId & 0xFFFFFFFF:08x}.{number:08x}.01",
        time_s=now_s,
        account=order.form.account,
        contract=contract,
        exchange=contract.exchange if contract.exchange != "SMART" else contract.primaryExchange,
        side="BOT" if order.buys else "SLD",
        shares=shares,
        price=price,
        orderId=order.orderId,
        clientId=order.told_client,
        permId=order.permId,
        cumQty=filled,
        avgPrice=average,
        orderRef=order.form.orderRef,
        commission=max(0.0, commission_of(listing, filled, average) - paid),
        lastLiquidity=liquidity,
    )


def mean_price(price: float) -> float:
    """A mean as it is told: without the last bits that parts of one price leave behind."""
    return round(price, 10)
