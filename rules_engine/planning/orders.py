"""Actions into the legs that IB can hold, or the words that need us at the moment of firing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rules_engine.model.action import (
    Action,
    AtLimit,
    AtMarket,
    AtMidpoint,
    AtStop,
    Bracket,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    OneCancelsAll,
    PlaceOrder,
    Pricing,
    Remaining,
    Side,
    TimeInForce,
    Trailing,
)
from rules_engine.model.constant import constant
from rules_engine.model.direction import Amount
from rules_engine.model.expression import Expression, Number
from rules_engine.model.holding import Obstacle, Terms
from rules_engine.model.instrument import Instrument
from rules_engine.model.order import OrderDraft, OrderKind, Unit
from rules_engine.model.price_step import round_limit, round_stop
from rules_engine.model.rule import Rule

_LIVE = "is computed from live values at the moment of firing"
GOOD_TILL_CANCELLED = TimeInForce(Duration.GOOD_TILL_CANCELLED)

_PRICELESS = {
    OrderKind.MARKET: "a market order",
    OrderKind.MIDPRICE: "an order at the midpoint",
    OrderKind.TRAILING: "a trailing order",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One order, bracket or group: its legs without conditions, the entries first."""

    legs: Unit
    is_group: bool = False


class _NeedsUs(Exception):
    """An action that cannot wait at the broker, with the words that say why."""

    def __init__(self, words: object, why: str) -> None:
        super().__init__(why)
        self.obstacle = Obstacle(str(words), why)


def held_orders(actions: Sequence[Action], rule: Rule, terms: Terms) -> tuple[tuple[Order, ...], tuple[Obstacle, ...]]:
    """Every order that the actions send, and every word that keeps one of them here."""
    orders: list[Order] = []
    obstacles: list[Obstacle] = []
    for action in actions:
        try:
            if not isinstance(action, Notify):
                orders.append(_held(action, rule, terms))
        except _NeedsUs as needs:
            obstacles.append(needs.obstacle)
    if not orders and not obstacles:
        obstacles.append(Obstacle("; ".join(map(str, actions)), "is a message; IB holds orders only"))
    return tuple(orders), tuple(obstacles)


def _held(action: Action, rule: Rule, terms: Terms) -> Order:
    match action:
        case PlaceOrder():
            return Order((_leg(action, rule, terms),))
        case Bracket():
            return Order(_bracket(action, rule, terms))
        case OneCancelsAll(orders, remaining):
            return Order(tuple(replace(_leg(order, rule, terms), remaining=remaining) for order in orders), True)
        case ClosePosition():
            raise _NeedsUs(action, "needs the position at the moment of firing")
        case CancelOrders():
            raise _NeedsUs(action, "acts on the orders that work at the moment of firing")
        case Notify():
            raise AssertionError("messages are no orders")


def _leg(order: PlaceOrder, rule: Rule, terms: Terms) -> OrderDraft:
    bare = OrderDraft(
        instrument=order.instrument,
        side=order.side,
        quantity=_quantity(order),
        kind=OrderKind.MARKET,
        time_in_force=_time_in_force(order, rule),
        outside_hours=order.outside_hours,
    )
    return _priced(bare, order.pricing, terms)


def _quantity(order: PlaceOrder) -> Decimal:
    if order.quantity.of_equity:
        raise _NeedsUs(order.quantity, "is reckoned from the account at the moment of firing")
    quantity = constant(order.quantity.amount)
    if quantity is None:
        raise _NeedsUs(order.quantity, _LIVE)
    if quantity <= 0:
        raise _NeedsUs(order.quantity, "is not a positive quantity: the firing will be held back")
    return quantity


def _time_in_force(order: PlaceOrder, rule: Rule) -> TimeInForce:
    written = order.time_in_force or GOOD_TILL_CANCELLED
    match written.duration:
        case Duration.DAY:
            raise _NeedsUs(written, "was written: at the broker the order would end with the day on which it is sent")
        case Duration.IMMEDIATE_OR_CANCEL | Duration.FILL_OR_KILL:
            raise _NeedsUs(written, "cannot wait for a condition")
    ends = TimeInForce(Duration.GOOD_TILL_DATE, rule.expires_s, rule.expires)
    if rule.expires_s is None or (written.until_s is not None and written.until_s <= rule.expires_s):
        return written
    return ends


def _priced(leg: OrderDraft, pricing: Pricing, terms: Terms) -> OrderDraft:
    match pricing:
        case AtMarket():
            return leg
        case AtMidpoint():
            return replace(leg, kind=OrderKind.MIDPRICE)
        case AtLimit(limit):
            return replace(leg, kind=OrderKind.LIMIT, limit=_limit(leg, limit, terms))
        case AtStop(stop, None):
            return replace(leg, kind=OrderKind.STOP, stop=_stop(leg, stop, terms))
        case AtStop(stop, limit):
            assert limit is not None, "the case before takes stops without a limit"
            kind = OrderKind.STOP_LIMIT
            return replace(leg, kind=kind, stop=_stop(leg, stop, terms), limit=_limit(leg, limit, terms))
        case Trailing(Amount(value, relative=True)):
            return replace(leg, kind=OrderKind.TRAILING, trail_percent=_price(Number(value * 100)))
        case Trailing(Amount(value)):
            return replace(leg, kind=OrderKind.TRAILING, trail_amount=_price(Number(value)))


def _limit(leg: OrderDraft, written: Expression, terms: Terms) -> Decimal:
    step = _step(leg.instrument, written, terms)
    return round_limit(leg.side, _price(written), step) if step else _price(written)


def _stop(leg: OrderDraft, written: Expression, terms: Terms) -> Decimal:
    step = _step(leg.instrument, written, terms)
    return round_stop(leg.side, _price(written), step) if step else _price(written)


def _step(instrument: Instrument, written: Amount | Expression, terms: Terms) -> Decimal | None:
    """A price as typed is changed only where the contract's own step is known; a computed one is never left ragged."""
    return terms.price_steps.get(instrument.name) if isinstance(written, Number) else terms.price_step(instrument)


def _price(written: Expression) -> Decimal:
    price = constant(written)
    if price is None:
        raise _NeedsUs(written, _LIVE)
    return _positive(written, price)


def _positive(words: object, price: Decimal) -> Decimal:
    if price <= 0:
        raise _NeedsUs(words, "is not a positive price: the firing will be held back")
    return price


def _bracket(bracket: Bracket, rule: Rule, terms: Terms) -> Unit:
    entry = _leg(bracket.entry, rule, terms)
    bare = replace(entry, limit=None, stop=None, trail_amount=None, trail_percent=None)
    child = replace(bare, side=entry.side.opposite, time_in_force=GOOD_TILL_CANCELLED, parent=0)
    legs = [entry]
    if bracket.take_profit is not None:
        limit = _child_price(entry, bracket.take_profit, "take_profit", terms)
        legs.append(replace(child, kind=OrderKind.LIMIT, limit=limit))
    if bracket.stop is not None:
        stop = _child_price(entry, bracket.stop, "stop", terms)
        legs.append(replace(child, kind=OrderKind.STOP, stop=stop))
    return tuple(legs)


def _child_price(entry: OrderDraft, level: Amount | Expression, key: str, terms: Terms) -> Decimal:
    base = entry.limit if entry.limit is not None else entry.stop
    words = f"{key}: {level}"
    price = _level(entry, base, level, words)
    profits = (key == "take_profit") is (entry.side is Side.BUY)
    if base is not None and (price <= base if profits else price >= base):
        raise _NeedsUs(words, "is on the wrong side of the entry: the bracket will be held back")
    step = _step(entry.instrument, level, terms)
    if step is None:
        return price
    rounding = round_limit if key == "take_profit" else round_stop
    return _positive(words, rounding(entry.side.opposite, price, step))


def _level(entry: OrderDraft, base: Decimal | None, level: Amount | Expression, words: str) -> Decimal:
    if isinstance(level, Amount):
        if base is None:
            raise _NeedsUs(words, f"is relative to the entry, and {_PRICELESS[entry.kind]} has no price beforehand")
        return _offset(base, level, entry.side)
    price = constant(level)
    if price is None:
        raise _NeedsUs(words, _LIVE)
    return price


def _offset(base: Decimal, by: Amount, side: Side) -> Decimal:
    amount = constant(Number(by.value))
    assert amount is not None, "an offset is a number"
    signed = amount if side is Side.BUY else -amount
    return base * (1 + signed) if by.relative else base + signed


def group_orders(order: Order, group: str, remaining: Remaining = Remaining.CANCEL) -> Order:
    """The order with its entries in a one-cancels-all group; a group keeps its own way with what remains."""
    legs = (
        replace(leg, group=group, remaining=leg.remaining or remaining) if leg.parent is None else leg
        for leg in order.legs
    )
    return replace(order, legs=tuple(legs))
