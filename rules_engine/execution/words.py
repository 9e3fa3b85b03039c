"""Orders and what becomes of them, in the words of a message."""

from rules_engine.model.action import Side
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, Unit
from rules_engine.model.order_words import plain, pricing_words


def describe(unit: Unit) -> str:
    """Every order of the unit: `buy 100 MA at limit 401.25 day; sell 100 MA at stop 390 good till cancelled`."""
    return "; ".join(map(order_words, unit))


def order_words(draft: OrderDraft) -> str:
    """One order as people write it."""
    words = [
        f"{draft.side} {plain(draft.quantity)} {draft.instrument.name} {pricing_words(draft)} {draft.time_in_force}"
    ]
    if draft.outside_hours:
        words.append("outside hours")
    return " ".join(words)


def fill_words(intent: Intent) -> str:
    """`bought 100 MA at 401.25`, or `bought 40 of 100 MA at 401.25` of an order that is not complete."""
    verb = "bought" if intent.draft.side is Side.BUY else "sold"
    whole = "" if intent.filled >= intent.quantity else f" of {plain(intent.quantity)}"
    price = "" if intent.average_price is None else f" at {plain(intent.average_price)}"
    return f"{verb} {plain(intent.filled)}{whole} {intent.draft.instrument.name}{price}"
