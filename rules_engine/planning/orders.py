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
    signed,
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
_STAND_IN = Decimal(1)
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


class _Needs:
    """Collects the words that need us. What is read of an order with such words stands in for it and is never sent."""

    def __init__(self, rule: Rule, terms: Terms) -> None:
        self.rule = rule
        self.terms = terms
        self.obstacles: list[Obstacle] = []

    def us(self, words: object, why: str) -> None:
        """Records an obstacle."""
        self.obstacles.append(Obstacle(str(words), why))

    def constant(self, written: Expression) -> Decimal:
        """A value that no market can change."""
        value = constant(written)
        if value is None:
            self.us(written, _LIVE)
        return _STAND_IN if value is None else value

    def positive(self, words: object, price: Decimal) -> Decimal:
        """A price that an order may carry."""
        if price <= 0:
            self.us(words, "is not a positive price: the firing will be held back")
        return price

    def step(self, instrument: Instrument, written: Amount | Expression) -> Decimal | None:
        """A price as typed is changed only where the contract's own step is known; a computed one is never ragged."""
        known = self.terms.price_steps.get(instrument.name)
        return known if isinstance(written, Number) else self.terms.price_step(instrument)


def held_orders(actions: Sequence[Action], rule: Rule, terms: Terms) -> tuple[tuple[Order, ...], tuple[Obstacle, ...]]:
    """Every order that the actions send, and every word that keeps one of them here."""
    needs = _Needs(rule, terms)
    found = [order for action in actions if (order := _held(action, needs)) is not None]
    if not found and not needs.obstacles:
        needs.us("; ".join(map(str, actions)), "is a message; IB holds orders only")
    return tuple(found), tuple(needs.obstacles)


def _held(action: Action, needs: _Needs) -> Order | None:
    match action:
        case PlaceOrder():
            return Order((_leg(action, needs),))
        case Bracket():
            return Order(_bracket(action, needs))
        case OneCancelsAll(orders, remaining):
            return Order(tuple(replace(_leg(order, needs), remaining=remaining) for order in orders), is_group=True)
        case ClosePosition():
            needs.us(action, "needs the position at the moment of firing")
        case CancelOrders():
            needs.us(action, "acts on the orders that work at the moment of firing")
        case Notify():
            pass
    return None


def _leg(order: PlaceOrder, needs: _Needs) -> OrderDraft:
    bare = OrderDraft(
        instrument=order.instrument,
        side=order.side,
        quantity=_quantity(order, needs),
        kind=OrderKind.MARKET,
        time_in_force=_time_in_force(order, needs),
        outside_hours=order.outside_hours,
    )
    return _priced(bare, order.pricing, needs)


def _quantity(order: PlaceOrder, needs: _Needs) -> Decimal:
    if order.quantity.of_equity:
        needs.us(f"{order.quantity} {order.instrument}", "is reckoned from the account at the moment of firing")
        return _STAND_IN
    return needs.constant(order.quantity.amount)


def _time_in_force(order: PlaceOrder, needs: _Needs) -> TimeInForce:
    written, rule = order.time_in_force or GOOD_TILL_CANCELLED, needs.rule
    match written.duration:
        case Duration.DAY:
            needs.us(written, "was written: at the broker the order would end with the day on which it is sent")
        case Duration.IMMEDIATE_OR_CANCEL | Duration.FILL_OR_KILL:
            needs.us(written, "cannot wait for a condition")
    if rule.expires_s is None or (written.until_s is not None and written.until_s <= rule.expires_s):
        return written
    return TimeInForce(Duration.GOOD_TILL_DATE, rule.expires_s, rule.expires)


def _priced(leg: OrderDraft, pricing: Pricing, needs: _Needs) -> OrderDraft:
    match pricing:
        case AtMarket():
            return leg
        case AtMidpoint():
            return replace(leg, kind=OrderKind.MIDPRICE)
        case AtLimit(limit):
            return replace(leg, kind=OrderKind.LIMIT, limit=_limit(leg, limit, needs))
        case AtStop(stop, None):
            return replace(leg, kind=OrderKind.STOP, stop=_stop(leg, stop, needs))
        case AtStop(stop, limit):
            assert limit is not None, "the case before takes stops without a limit"
            kind = OrderKind.STOP_LIMIT
            return replace(leg, kind=kind, stop=_stop(leg, stop, needs), limit=_limit(leg, limit, needs))
        case Trailing(Amount(value, relative=True)):
            return replace(leg, kind=OrderKind.TRAILING, trail_percent=needs.constant(Number(value * 100)))
        case Trailing(Amount(value)):
            return replace(leg, kind=OrderKind.TRAILING, trail_amount=needs.constant(Number(value)))


def _limit(leg: OrderDraft, written: Expression, needs: _Needs) -> Decimal:
    price, step = needs.constant(written), needs.step(leg.instrument, written)
    return needs.positive(written, round_limit(leg.side, price, step) if step else price)


def _stop(leg: OrderDraft, written: Expression, needs: _Needs) -> Decimal:
    price, step = needs.constant(written), needs.step(leg.instrument, written)
    return needs.positive(written, round_stop(leg.side, price, step) if step else price)


def _bracket(bracket: Bracket, needs: _Needs) -> Unit:
    before = len(needs.obstacles)
    entry = _leg(bracket.entry, needs)
    # Beside an entry that is not known, nothing can be said of sides.
    is_known = len(needs.obstacles) == before
    bare = replace(entry, limit=None, stop=None, trail_amount=None, trail_percent=None)
    child = replace(bare, side=entry.side.opposite, time_in_force=GOOD_TILL_CANCELLED, parent=0)
    legs = [entry]
    if bracket.take_profit is not None:
        limit = _child_price(entry, bracket.take_profit, "take_profit", needs, is_known)
        legs.append(replace(child, kind=OrderKind.LIMIT, limit=limit))
    if bracket.stop is not None:
        stop = _child_price(entry, bracket.stop, "stop", needs, is_known)
        legs.append(replace(child, kind=OrderKind.STOP, stop=stop))
    return tuple(legs)


def _child_price(
    entry: OrderDraft, level: Amount | Expression, key: str, needs: _Needs, entry_is_known: bool
) -> Decimal:
    base = entry.limit if entry.limit is not None else entry.stop
    words = f"{key}: {signed(level)}"
    price = _level(entry, base, level, words, needs)
    if price is None:
        return _STAND_IN
    step = needs.step(entry.instrument, level)
    if step is not None:
        rounding = round_limit if key == "take_profit" else round_stop
        price = rounding(entry.side.opposite, price, step)
    above = (key == "take_profit") is (entry.side is Side.BUY)
    if base is not None and entry_is_known and (price <= base if above else price >= base):
        needs.us(words, "is on the wrong side of the entry: the bracket will be held back")
    return needs.positive(words, price)


def _level(
    entry: OrderDraft, base: Decimal | None, level: Amount | Expression, words: str, needs: _Needs
) -> Decimal | None:
    if not isinstance(level, Amount):
        price = constant(level)
        if price is None:
            needs.us(words, _LIVE)
        return price
    if base is None:
        needs.us(words, f"is relative to the entry, and {_PRICELESS[entry.kind]} has no price beforehand")
        return None
    return _offset(base, level, entry.side)


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
