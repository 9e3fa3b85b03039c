"""Prices into what an order meets: pure functions of orders and prices, of one row or of columns of them."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from rules_engine.model.action import Side
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.recordings.columns import Column
from rules_engine.replay.assumptions import Charge

Price = TypeVar("Price", float, Column)


@dataclass(frozen=True, slots=True)
class Touch(Generic[Price]):
    """The market at one instant, or at each of several. ``last`` is None where there are quotes only."""

    bid: Price
    ask: Price
    last: Price | None

    @property
    def middle(self) -> Price:
        """What a holding is worth."""
        return (self.bid + self.ask) / 2 if self.last is None else self.last

    def price(self, side: Side) -> Price:
        """What a market order pays or gets."""
        return self.ask if side is Side.BUY else self.bid

    def trigger(self, side: Side) -> Price:
        """What elects a stop: the last price, else the side that the order would trade at."""
        return self.price(side) if self.last is None else self.last


def touch_of(first: Price, second: Price, spread: Charge, has_quotes: bool) -> Touch[Price]:
    """The market as a row leaves it: bid and ask, or a price and its size; then half of the spread lies to either side
    of it."""
    if has_quotes:
        return Touch(first, second, None)
    half = (first * spread.value if spread.relative else spread.value) / 2
    return Touch(first - half, first + half, first)


def part(touch: Touch[Column], start: int, end: int) -> Touch[Column]:
    """Some of the instants."""
    last = None if touch.last is None else touch.last[start:end]
    return Touch(touch.bid[start:end], touch.ask[start:end], last)


def past_limit(side: Side, limit: float, touch: Touch[Price]) -> Price:
    """How far the market lies beyond a limit: the order trades where that is not negative."""
    price = touch.price(side)
    return limit - price if side is Side.BUY else price - limit


def past_stop(side: Side, stop: Price, touch: Touch[Price]) -> Price:
    """How far prices lie beyond a stop: it is set off where that is not negative."""
    price = touch.trigger(side)
    return price - stop if side is Side.BUY else stop - price


def trailing_stop(draft: OrderDraft, best: Price) -> Price:
    """Where a trailing order's stop stands; ``best`` is the lowest price so far for a buy, the highest for a sale."""
    assert draft.kind is OrderKind.TRAILING, draft
    if draft.trail_percent is not None:
        away = best * float(draft.trail_percent) / 100
        return best + away if draft.side is Side.BUY else best - away
    assert draft.trail_amount is not None, draft
    amount = float(draft.trail_amount)
    return best + amount if draft.side is Side.BUY else best - amount
