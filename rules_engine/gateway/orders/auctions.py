"""The opening and closing auctions: which orders trade there, when, and at what price.

They follow the exchange's calendar, whether or not the market keeps sessions. An opening price is the first one at or
after the opening; a closing price is the last one before the close.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Quote, Tick, TickKind
from rules_engine.gateway.orders.matching import kind_of
from rules_engine.gateway.orders.order import Order

_DAY = timedelta(days=1)


class Called(NamedTuple):
    """An order and the price of its auction, None when there was none."""

    order: Order
    price: float | None


@dataclass(slots=True)
class _Bid:
    order: Order
    at_s: float
    price: float | None
    """The last price before the auction."""


def is_for_auction(order: Order) -> bool:
    """Whether it trades in an auction alone."""
    return kind_of(order).at_close or order.form.tif == "OPG"


class Auctions:
    """Orders that wait for an auction."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._bids: dict[int, _Bid] = {}

    def join(self, order: Order, now_s: float) -> float:
        """The order waits for the next auction of its kind; returns when that is."""
        at_s = self.next_s(order, now_s)
        self._bids[order.permId] = _Bid(order, at_s, _price(self._market.quote(order.conId)))
        return at_s

    def next_s(self, order: Order, from_s: float) -> float:
        """When the first auction of its kind is; ``from_s`` counts."""
        return next_auction_s(CALENDARS[order.listing.calendar], from_s, at_close=kind_of(order).at_close)

    def leave(self, order: Order) -> None:
        """It waits no more."""
        self._bids.pop(order.permId, None)

    def ticked(self, order: Order, ticks: Sequence[Tick]) -> Called | None:
        """What prices of the order's instrument mean for it: its auction, or None while that is still to come."""
        bid = self._bids.get(order.permId)
        if bid is None or not ticks:
            return None
        price = _price_of(ticks, self._market.quote(order.conId), order)
        begun = ticks[-1].time_s >= bid.at_s
        if not kind_of(order).at_close:
            return Called(order, price) if begun and price is not None else None
        if begun:
            return Called(order, bid.price)
        bid.price = bid.price if price is None else price
        return None

    def due(self, order: Order, now_s: float) -> Called | None:
        """Its closing auction, when the time has come; an opening waits for the first price after it."""
        bid = self._bids.get(order.permId)
        if bid is None or now_s < bid.at_s or not kind_of(order).at_close:
            return None
        return Called(order, bid.price)


def next_auction_s(hours: Hours, now_s: float, *, at_close: bool) -> float:
    """The next opening, or close, of the liquid hours; now counts."""
    day = hours.trade_date(now_s)
    while True:
        span = hours.span_s(day, liquid=True)
        if span is not None:
            at_s = span[1] if at_close else span[0]
            if at_s >= now_s:
                return at_s
        day += _DAY


def _price(quote: Quote) -> float | None:
    return quote.last if quote.last is not None else quote.mid


def _price_of(ticks: Sequence[Tick], quote: Quote, order: Order) -> float | None:
    """The print of an instant; the middle of the quote where nothing is printed."""
    if not order.listing.prints_trades:
        return quote.mid
    return next((tick.price for tick in ticks if tick.kind is TickKind.TRADE), None)
