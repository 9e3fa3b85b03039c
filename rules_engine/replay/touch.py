"""A row of prices into what an order meets: pure functions of orders and prices."""

from dataclasses import dataclass

from rules_engine.model.action import Side
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.recordings.slices import Row
from rules_engine.replay.assumptions import Charge


@dataclass(frozen=True, slots=True)
class Touch:
    """The market at one instant. ``last`` is None where there are quotes only."""

    bid: float
    ask: float
    last: float | None

    @property
    def middle(self) -> float:
        """What a holding is worth."""
        return (self.bid + self.ask) / 2 if self.last is None else self.last

    def price(self, side: Side) -> float:
        """What a market order pays or gets."""
        return self.ask if side is Side.BUY else self.bid

    def trigger(self, side: Side) -> float:
        """What elects a stop: the last price, else the side that the order would trade at."""
        return self.price(side) if self.last is None else self.last


def touch_of(row: Row, spread: Charge, has_quotes: bool) -> Touch:
    """The market as this row leaves it; without quotes, half of the spread lies to either side of the print."""
    price = row[2]
    if has_quotes:
        return Touch(price, row[3], None)
    half = spread.of(price) / 2
    return Touch(price - half, price + half, price)


def limit_fill(side: Side, limit: float, touch: Touch, *, waited: bool) -> float | None:
    """The price at which a limit order trades now: the market's when it comes to it, its own when it waited."""
    price = touch.price(side)
    if price > limit if side is Side.BUY else price < limit:
        return None
    return limit if waited else price


def is_elected(side: Side, stop: float, touch: Touch) -> bool:
    """Whether this price sets off a stop."""
    price = touch.trigger(side)
    return price >= stop if side is Side.BUY else price <= stop


def trailing_stop(draft: OrderDraft, best: float) -> float:
    """Where a trailing order's stop stands; ``best`` is the lowest price so far for a buy, the highest for a sale."""
    assert draft.kind is OrderKind.TRAILING, draft
    if draft.trail_percent is not None:
        away = best * float(draft.trail_percent) / 100
    else:
        assert draft.trail_amount is not None, draft
        away = float(draft.trail_amount)
    return best + away if draft.side is Side.BUY else best - away
