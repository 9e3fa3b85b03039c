"""Our orders and held conditions into IB's, field by field; nothing that IB would fill in itself stays unsaid."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rules_engine.broker.library import (
    Contract,
    ExecutionCondition,
    MarginCondition,
    Order,
    OrderCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from rules_engine.model.action import Duration, Remaining, Side, TimeInForce
from rules_engine.model.instrument import Instrument
from rules_engine.model.order import (
    HeldCondition,
    HeldExecution,
    HeldMargin,
    HeldPercentChange,
    HeldPrice,
    HeldTime,
    HeldVolume,
    OrderDraft,
    OrderKind,
)
from rules_engine.model.trigger_method import TriggerMethod

ContractOf = Callable[[Instrument], Contract]

_ORDER_TYPES = {
    OrderKind.MARKET: "MKT",
    OrderKind.LIMIT: "LMT",
    OrderKind.STOP: "STP",
    OrderKind.STOP_LIMIT: "STP LMT",
    OrderKind.TRAILING: "TRAIL",
    OrderKind.MIDPRICE: "MIDPRICE",
}
_DURATIONS = {
    Duration.DAY: "DAY",
    Duration.GOOD_TILL_CANCELLED: "GTC",
    Duration.GOOD_TILL_DATE: "GTD",
    Duration.IMMEDIATE_OR_CANCEL: "IOC",
    Duration.FILL_OR_KILL: "FOK",
}
_OCA_TYPES = {Remaining.CANCEL: 1, Remaining.REDUCE: 2}
"""Both with block: IB routes one order of the group at a time, so two cannot fill at once."""
_TRIGGER_METHODS = {
    TriggerMethod.DEFAULT: 0,
    TriggerMethod.DOUBLE_BID_ASK: 1,
    TriggerMethod.LAST: 2,
    TriggerMethod.DOUBLE_LAST: 3,
    TriggerMethod.BID_ASK: 4,
    TriggerMethod.MIDPOINT: 8,
}
"""Source: https://interactivebrokers.github.io/tws-api/trigger_method_limit.html"""
_AND = "a"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an order needs besides what it says: its identity and its place in the unit. ``group`` is the OCA name."""

    order_id: int
    key: str
    account: str
    group: str = ""
    parent_id: int = 0
    transmit: bool = True


def ib_order(draft: OrderDraft, ticket: Ticket, contract_of: ContractOf) -> Order:
    """A new Order each time: the library changes the ones it was given."""
    order = Order(
        orderId=ticket.order_id,
        orderRef=ticket.key,
        account=ticket.account,
        parentId=ticket.parent_id,
        transmit=ticket.transmit,
        action="BUY" if draft.side is Side.BUY else "SELL",
        totalQuantity=float(draft.quantity),
        orderType=_ORDER_TYPES[draft.kind],
        outsideRth=draft.outside_hours,
        conditions=[ib_condition(held, contract_of) for held in draft.conditions],
        conditionsIgnoreRth=bool(draft.conditions) and draft.conditions_outside_hours,
        conditionsCancelOrder=False,
    )
    _set_prices(order, draft)
    _set_time_in_force(order, draft.time_in_force)
    if ticket.group:
        order.ocaGroup = ticket.group
        order.ocaType = _OCA_TYPES[draft.remaining or Remaining.CANCEL]
    return order


def ib_condition(held: HeldCondition, contract_of: ContractOf) -> OrderCondition:
    """One condition, joined to its neighbours by `and`."""
    match held:
        case HeldPrice(instrument, at_least, price, method):
            contract = contract_of(instrument)
            trigger = _TRIGGER_METHODS[method]
            return PriceCondition(1, _AND, at_least, float(price), contract.conId, contract.exchange, trigger)
        case HeldTime(after, time_s):
            return TimeCondition(3, _AND, after, ib_time(time_s))
        case HeldMargin(at_least, percent):
            return MarginCondition(4, _AND, at_least, percent)
        case HeldExecution(instrument):
            contract = contract_of(instrument)
            return ExecutionCondition(5, _AND, contract.secType, contract.exchange, contract.symbol)
        case HeldVolume(instrument, at_least, volume):
            contract = contract_of(instrument)
            return VolumeCondition(6, _AND, at_least, volume, contract.conId, contract.exchange)
        case HeldPercentChange(instrument, at_least, percent):
            contract = contract_of(instrument)
            return PercentChangeCondition(7, _AND, at_least, float(percent), contract.conId, contract.exchange)


def ib_time(time_s: float) -> str:
    """An instant as IB reads it, with the zone written out: without one it would be TWS's own."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%d %H:%M:%S UTC")


def _set_prices(order: Order, draft: OrderDraft) -> None:
    if draft.limit is not None:
        order.lmtPrice = float(draft.limit)
    if draft.stop is not None and draft.kind is OrderKind.TRAILING:
        order.trailStopPrice = float(draft.stop)
    elif draft.stop is not None:
        order.auxPrice = float(draft.stop)
    if draft.trail_amount is not None:
        order.auxPrice = float(draft.trail_amount)
    if draft.trail_percent is not None:
        order.trailingPercent = float(draft.trail_percent)


def _set_time_in_force(order: Order, time_in_force: TimeInForce) -> None:
    order.tif = _DURATIONS[time_in_force.duration]
    if time_in_force.duration is Duration.GOOD_TILL_DATE:
        assert time_in_force.until_s is not None, "good till, but till when?"
        order.goodTillDate = ib_time(time_in_force.until_s)
