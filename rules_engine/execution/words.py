"""Orders and what becomes of them, in the words of a message."""

from decimal import Decimal

from rules_engine.model.action import Side
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, OrderKind, Unit


def describe(unit: Unit) -> str:
    """Every order of the unit: `buy 100 MA at limit 401.25 day; sell 100 MA at stop 390 good till cancelled`."""
    return "; ".join(map(order_words, unit))


def order_words(draft: OrderDraft) -> str:
    """One order as people write it."""
    words = [f"{draft.side} {plain(draft.quantity)} {draft.instrument.name} {_pricing(draft)} {draft.time_in_force}"]
    if draft.outside_hours:
        words.append("outside hours")
    return " ".join(words)


def fill_words(intent: Intent) -> str:
    """`bought 100 MA at 401.25`, or `bought 40 of 100 MA at 401.25` of an order that is not complete."""
    verb = "bought" if intent.draft.side is Side.BUY else "sold"
    whole = "" if intent.filled >= intent.draft.quantity else f" of {plain(intent.draft.quantity)}"
    price = "" if intent.average_price is None else f" at {plain(intent.average_price)}"
    return f"{verb} {plain(intent.filled)}{whole} {intent.draft.instrument.name}{price}"


def plain(number: Decimal) -> str:
    """Without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pricing(draft: OrderDraft) -> str:
    match draft.kind:
        case OrderKind.LIMIT:
            return f"at limit {_price(draft.limit)}"
        case OrderKind.STOP:
            return f"at stop {_price(draft.stop)}"
        case OrderKind.STOP_LIMIT:
            return f"at stop {_price(draft.stop)} limit {_price(draft.limit)}"
        case OrderKind.TRAILING if draft.trail_percent is not None:
            return f"trailing {plain(draft.trail_percent)}%"
        case OrderKind.TRAILING:
            return f"trailing {_price(draft.trail_amount)} points"
        case OrderKind.MIDPRICE:
            return "at midpoint"
        case OrderKind.MARKET:
            return "at market"


def _price(price: Decimal | None) -> str:
    return "?" if price is None else plain(price)
