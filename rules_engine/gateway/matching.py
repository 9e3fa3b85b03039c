"""When an order trades and at what price: pure rules over one quote and the prints of one instant."""

from dataclasses import dataclass
from enum import Enum

from rules_engine.gateway.orders import Order
from rules_engine.gateway.quote import Quote


class Trigger(Enum):
    """What must happen before an order of a type works in the market."""

    NONE = "none"
    STOP = "stop"
    TRAIL = "trail"


class Pricing(Enum):
    """At what price an order of a type trades once it works."""

    MARKET = "market"
    LIMIT = "limit"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True)
class OrderKind:
    """An order type as its trigger and its pricing."""

    trigger: Trigger
    pricing: Pricing


KINDS = {
    "MKT": OrderKind(Trigger.NONE, Pricing.MARKET),
    "LMT": OrderKind(Trigger.NONE, Pricing.LIMIT),
    "MIDPRICE": OrderKind(Trigger.NONE, Pricing.MIDDLE),
    "STP": OrderKind(Trigger.STOP, Pricing.MARKET),
    "STP LMT": OrderKind(Trigger.STOP, Pricing.LIMIT),
    "TRAIL": OrderKind(Trigger.TRAIL, Pricing.MARKET),
    "TRAIL LIMIT": OrderKind(Trigger.TRAIL, Pricing.LIMIT),
}


def kind_of(order: Order) -> OrderKind:
    """The kind of an order whose type was accepted."""
    return KINDS[order.form.orderType]


def trade_price(order: Order, quote: Quote, touch: float | None) -> float | None:
    """The price at which a working order trades now, None while it rests.

    `touch` is what a market order on its side would get.
    """
    match kind_of(order).pricing:
        case Pricing.MARKET:
            return touch
        case Pricing.MIDDLE:
            return _middle_price(order, quote, touch)
        case Pricing.LIMIT:
            return _limit_price(limit_of(order), order.buys, touch)


def limit_of(order: Order) -> float | None:
    """The limit price: given, or that many away from the stop of a trailing stop limit order."""
    offset = order.form.lmtPriceOffset
    if order.stop_price is not None and offset is not None:
        return order.stop_price + (offset if order.buys else -offset)
    return order.form.lmtPrice


def _limit_price(limit: float | None, buys: bool, touch: float | None) -> float | None:
    """A market that has moved past the limit gives the better price."""
    if limit is None or touch is None:
        return None
    return touch if (touch <= limit if buys else touch >= limit) else None


def _middle_price(order: Order, quote: Quote, touch: float | None) -> float | None:
    middle = quote.mid if quote.mid is not None else touch
    cap = order.form.lmtPrice
    return middle if cap is None or cap == 0 else _limit_price(cap, order.buys, middle)


def stop_reached(order: Order, price: float) -> bool:
    """Whether a price elects the order's stop: at the stop counts."""
    stop = stop_of(order)
    return stop is not None and (price >= stop if order.buys else price <= stop)


def stop_of(order: Order) -> float | None:
    """The price that elects the order."""
    return order.stop_price if kind_of(order).trigger is Trigger.TRAIL else order.form.auxPrice


def trailed_stop(order: Order, price: float) -> float | None:
    """Where the stop of a trailing order stands after a price: it follows the market one way only."""
    distance = _trail_distance(order, price)
    if distance is None:
        return order.stop_price
    candidate = price + distance if order.buys else price - distance
    if order.stop_price is None:
        return candidate
    return min(order.stop_price, candidate) if order.buys else max(order.stop_price, candidate)


def _trail_distance(order: Order, price: float) -> float | None:
    percent = order.form.trailingPercent
    if percent is not None:
        return price * percent / 100.0
    return order.form.auxPrice
