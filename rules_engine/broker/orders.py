"""Our orders and held conditions into IB's, field by field; nothing that IB would fill in itself stays unsaid."""

from collections.abc import Callable
from dataclasses import dataclass

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
from rules_engine.model.action import Duration, Remaining, TimeInForce
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
from rules_engine.planning.ib_words import (
    ACTIONS,
    AND,
    CONDITION_TYPES,
    DURATIONS,
    OCA_TYPES,
    ORDER_TYPES,
    TRIGGER_METHODS,
    ib_time,
)

ContractOf = Callable[[Instrument], Contract]


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
        action=ACTIONS[draft.side],
        totalQuantity=float(draft.quantity),
        orderType=ORDER_TYPES[draft.kind],
        outsideRth=draft.outside_hours,
        conditions=[ib_condition(held, contract_of) for held in draft.conditions],
        conditionsIgnoreRth=bool(draft.conditions) and draft.conditions_outside_hours,
        conditionsCancelOrder=False,
    )
    _set_prices(order, draft)
    _set_time_in_force(order, draft.time_in_force)
    if ticket.group:
        order.ocaGroup = ticket.group
        order.ocaType = OCA_TYPES[draft.remaining or Remaining.CANCEL]
    return order


def ib_condition(held: HeldCondition, contract_of: ContractOf) -> OrderCondition:
    """One condition, joined to its neighbours by `and`."""
    kind = CONDITION_TYPES[type(held)]
    match held:
        case HeldPrice(instrument, at_least, price, method):
            contract = contract_of(instrument)
            trigger = TRIGGER_METHODS[method]
            return PriceCondition(kind, AND, at_least, float(price), contract.conId, contract.exchange, trigger)
        case HeldTime(after, time_s):
            return TimeCondition(kind, AND, after, ib_time(time_s))
        case HeldMargin(at_least, percent):
            return MarginCondition(kind, AND, at_least, percent)
        case HeldExecution(instrument):
            contract = contract_of(instrument)
            return ExecutionCondition(kind, AND, contract.secType, contract.exchange, contract.symbol)
        case HeldVolume(instrument, at_least, volume):
            contract = contract_of(instrument)
            return VolumeCondition(kind, AND, at_least, volume, contract.conId, contract.exchange)
        case HeldPercentChange(instrument, at_least, percent):
            contract = contract_of(instrument)
            return PercentChangeCondition(kind, AND, at_least, float(percent), contract.conId, contract.exchange)


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
    order.tif = DURATIONS[time_in_force.duration]
    if time_in_force.duration is Duration.GOOD_TILL_DATE:
        assert time_in_force.until_s is not None, "good till, but till when?"
        order.goodTillDate = ib_time(time_in_force.until_s)
