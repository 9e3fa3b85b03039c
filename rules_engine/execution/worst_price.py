"""The most that one share of an order may change hands for: what its value is counted at."""

from decimal import Decimal

from rules_engine.model.action import Side
from rules_engine.model.order import OrderDraft


def worst_price(leg: OrderDraft, market: Decimal | None) -> Decimal | None:
    """Only the limit of a purchase bounds it. A sale with a low limit, or a stop that is reached already, fills at the
    market; None where that is needed and not known."""
    if leg.limit is not None and leg.side is Side.BUY:
        return leg.limit
    written = written_price(leg)
    if market is None or written is None:
        return market
    return max(written, market, key=abs)


def written_price(leg: OrderDraft) -> Decimal | None:
    """The order's own price; None at market."""
    return leg.limit if leg.limit is not None else leg.stop
