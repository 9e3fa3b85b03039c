"""One order as the gateway keeps it, from placing to its end, whichever client is connected."""

from dataclasses import dataclass, replace
from enum import StrEnum

from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.ledger import Execution, commission_of
from rules_engine.gateway.messages.order_form import Condition, OrderForm
from rules_engine.gateway.messages.order_messages import CompletedOrder, OpenOrder, OrderStatus, PlaceOrder


class Status(StrEnum):
    """The words that IB uses for the state of an order."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"


ENDED = frozenset({Status.FILLED, Status.CANCELLED, Status.INACTIVE})
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
    elected: bool = False
    """Its conditions were met."""
    triggered: bool = False
    """Its stop price was reached."""
    stop_price: float | None = None
    """Where a trailing stop stands."""
    reduced: float = 0.0
    """Shares that fills of its one-cancels-all group took away."""
    filled: float = 0.0
    avgFillPrice: float = 0.0
    lastFillPrice: float = 0.0
    ended_s: float | None = None
    ended_because: str = ""

    @property
    def orderId(self) -> int:
        """The number its client gave it."""
        return self.request.orderId

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
        return self.form.totalQuantity - self.reduced - self.filled

    @property
    def conditional(self) -> bool:
        """It is held until its conditions are met."""
        return bool(self.form.conditions) and not self.form.conditionsCancelOrder


def open_order(order: Order) -> OpenOrder:
    """The report of a live order: what its client wrote, and where it stands."""
    form = _as_reported(order)
    return OpenOrder(order.orderId, _reported_contract(order), form, order.clientId, order.permId, order.status)


def order_status(order: Order, why_held: str = "") -> OrderStatus:
    """The report of an order's progress."""
    return OrderStatus(
        orderId=order.orderId,
        status=order.status,
        filled=order.filled,
        remaining=max(0.0, order.remaining),
        avgFillPrice=order.avgFillPrice,
        permId=order.permId,
        parentId=order.form.parentId,
        lastFillPrice=order.lastFillPrice,
        clientId=order.clientId,
        whyHeld=why_held,
    )


def completed_order(order: Order, parent: Order | None, when: str) -> CompletedOrder:
    """The report of an order that has ended today."""
    return CompletedOrder(
        contract=_reported_contract(order),
        order=_as_reported(order),
        permId=order.permId,
        status=order.status,
        filledQuantity=order.filled,
        parentPermId=parent.permId if parent else None,
        completedTime=when,
        completedStatus=order.ended_because,
    )


def _as_reported(order: Order) -> OrderForm:
    return replace(
        order.form,
        deltaNeutralOrderType=order.form.deltaNeutralOrderType or NOT_GIVEN,
        adjustedOrderType=order.form.adjustedOrderType or NOT_GIVEN,
        trailStopPrice=order.form.trailStopPrice if order.stop_price is None else order.stop_price,
    )


def _reported_contract(order: Order) -> Contract:
    """TWS prints a question mark as the right of what is no option."""
    contract = order.contract
    return contract if contract.right else replace(contract, right="?")


def execution_of(order: Order, price: float, number: int, now_s: float) -> Execution:
    """The fill of everything that remains of an order, at this price."""
    contract = order.contract
    shares = order.remaining
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
        clientId=order.clientId,
        permId=order.permId,
        cumQty=order.filled + shares,
        avgPrice=price,
        orderRef=order.form.orderRef,
        commission=commission_of(order.listing, shares, price),
    )
