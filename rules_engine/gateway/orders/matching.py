"""What order types mean: what sets an order off, at what price it trades, and which fields it needs."""

from dataclasses import dataclass
from enum import Enum

from rules_engine.gateway.market.quote import Quote
from rules_engine.gateway.orders.order import Order


class Trigger(Enum):
    """What must happen before an order of a type works in the market."""

    NONE = "none"
    STOP = "stop"
    """The price comes to the order from its worse side: a buy waits for a rise."""
    TOUCH = "touch"
    """The price comes to the order from its better side: a buy waits for a fall."""
    TRAIL = "trail"


class Pricing(Enum):
    """At what price an order of a type trades once it works."""

    MARKET = "market"
    MARKET_TO_LIMIT = "market to limit"
    """The best level at any price; what remains rests there."""
    PROTECTED = "protected"
    """The market, but not too far from where it stood; what remains rests there."""
    LIMIT = "limit"
    MIDDLE = "middle"
    """Half way between bid and ask, against whoever stands at the touch."""
    PEGGED_TO_SIDE = "pegged to its own side"
    PEGGED_TO_MIDDLE = "pegged to the middle"


PEGGED = frozenset({Pricing.PEGGED_TO_SIDE, Pricing.PEGGED_TO_MIDDLE})
# Types that have no price to rest at before they traded: what the market leaves open is not yet a resting order.
MARKETABLE = frozenset({Pricing.MARKET, Pricing.MARKET_TO_LIMIT, Pricing.PROTECTED})

AT_ONCE = frozenset({"IOC", "FOK"})
"""Times in force that end an order when it has met the market."""

_PROTECTION = 0.01
"""How far from the touch a protected order may trade, as a share of the price; real exchanges have points of theirs."""

_LIMIT = ("lmtPrice",)
_STOP = ("auxPrice",)
_TRAIL = ("auxPrice", "trailingPercent")


@dataclass(frozen=True, slots=True)
class OrderKind:
    """An order type as its trigger and its pricing.

    ``needs`` are the fields that must be set, of each group at least one; ``on_tick`` are prices that must lie on the
    instrument's price step where they are set.
    """

    trigger: Trigger
    pricing: Pricing
    needs: tuple[tuple[str, ...], ...] = ()
    on_tick: tuple[str, ...] = ()
    at_close: bool = False
    """It trades in the closing auction."""


KINDS = {
    "MKT": OrderKind(Trigger.NONE, Pricing.MARKET),
    "MTL": OrderKind(Trigger.NONE, Pricing.MARKET_TO_LIMIT, on_tick=_LIMIT),
    "MKT PRT": OrderKind(Trigger.NONE, Pricing.PROTECTED),
    "LMT": OrderKind(Trigger.NONE, Pricing.LIMIT, (_LIMIT,), _LIMIT),
    "STP": OrderKind(Trigger.STOP, Pricing.MARKET, (_STOP,), _STOP),
    "STP LMT": OrderKind(Trigger.STOP, Pricing.LIMIT, (_LIMIT, _STOP), _LIMIT + _STOP),
    "STP PRT": OrderKind(Trigger.STOP, Pricing.PROTECTED, (_STOP,), _STOP),
    "TRAIL": OrderKind(Trigger.TRAIL, Pricing.MARKET, (_TRAIL,)),
    "TRAIL LIMIT": OrderKind(Trigger.TRAIL, Pricing.LIMIT, (("lmtPrice", "lmtPriceOffset"), _TRAIL), _LIMIT),
    "MIT": OrderKind(Trigger.TOUCH, Pricing.MARKET, (_STOP,), _STOP),
    "LIT": OrderKind(Trigger.TOUCH, Pricing.LIMIT, (_LIMIT, _STOP), _LIMIT + _STOP),
    "MOC": OrderKind(Trigger.NONE, Pricing.MARKET, at_close=True),
    "LOC": OrderKind(Trigger.NONE, Pricing.LIMIT, (_LIMIT,), _LIMIT, at_close=True),
    "MIDPRICE": OrderKind(Trigger.NONE, Pricing.MIDDLE, on_tick=_LIMIT),
    "REL": OrderKind(Trigger.NONE, Pricing.PEGGED_TO_SIDE, on_tick=_LIMIT),
    "PEG MID": OrderKind(Trigger.NONE, Pricing.PEGGED_TO_MIDDLE, on_tick=_LIMIT),
}


def kind_of(order: Order) -> OrderKind:
    """The kind of an order whose type was accepted."""
    return KINDS[order.form.orderType]


def limit_of(order: Order) -> float | None:
    """The worst price at which the order may trade, None when it has none.

    That of a trailing stop limit order may lie so many away from its stop; a discretionary amount reaches further.
    """
    match kind_of(order).pricing:
        case Pricing.MARKET:
            return None
        case Pricing.LIMIT:
            return _worse(order, _given_limit(order), order.form.discretionaryAmt or 0.0)
        case Pricing.PEGGED_TO_SIDE | Pricing.PEGGED_TO_MIDDLE:
            return order.peg_price
        case Pricing.MARKET_TO_LIMIT | Pricing.PROTECTED | Pricing.MIDDLE:
            return order.form.lmtPrice or None


def _given_limit(order: Order) -> float | None:
    offset = order.form.lmtPriceOffset
    if kind_of(order).trigger is Trigger.TRAIL and order.stop_price is not None and offset is not None:
        return _worse(order, order.stop_price, offset)
    return order.form.lmtPrice


def peg_of(order: Order, quote: Quote) -> float | None:
    """Where a pegged order stands under this quote, not beyond its cap; None without a quote.

    A relative order stands so much above the bid (or below the ask); an order pegged to the middle stands so much
    away from it on its own side.
    """
    offset = order.form.auxPrice or 0.0
    if kind_of(order).pricing is Pricing.PEGGED_TO_MIDDLE:
        price = _worse(order, quote.mid, -offset)
    else:
        own = quote.bid if order.buys else quote.ask
        offset += (own or 0.0) * (order.form.percentOffset or 0.0)
        price = _worse(order, own, offset)
    if price is None:
        return None
    price = round(price, 8)
    return price if not order.form.lmtPrice else _nearer(order, price, order.form.lmtPrice)


def protection_of(order: Order, touch: float) -> float:
    """The limit that a protected order gets when it meets the market, on a price step."""
    tick = order.listing.minTick
    steps = touch * (1.0 + _PROTECTION if order.buys else 1.0 - _PROTECTION) / tick
    return round(round(steps) * tick, 8)


def is_within(order: Order, price: float, limit: float | None) -> bool:
    """Whether a price is the limit or better for this order; without a limit every price is."""
    return limit is None or (price <= limit if order.buys else price >= limit)


def _worse(order: Order, price: float | None, amount: float) -> float | None:
    """A price that is so much worse for the order: higher for a buy."""
    if price is None:
        return None
    return price + (amount if order.buys else -amount)


def _nearer(order: Order, price: float, cap: float) -> float:
    return min(price, cap) if order.buys else max(price, cap)


def trigger_up(order: Order) -> bool:
    """Whether a rise sets the order off; else a fall does."""
    return order.buys is not (kind_of(order).trigger is Trigger.TOUCH)


def trigger_reached(order: Order, price: float) -> bool:
    """Whether a price sets the order off: at its level counts."""
    level = trigger_level(order)
    return level is not None and (price >= level if trigger_up(order) else price <= level)


def trigger_level(order: Order) -> float | None:
    """The price that sets the order off."""
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
