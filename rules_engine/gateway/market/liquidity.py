"""What can be traded right now: the touch, the levels behind it, and what orders have already taken away."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.path import mixed
from rules_engine.gateway.market.quote import Quote

LEVELS = 10
"""Price levels on either side."""
_LOTS_MAX = 9
"""A level behind the touch holds one to so many lots."""
DUST = 1e-9
"""Less than this is nothing."""


class Level(NamedTuple):
    """So many shares at a price."""

    price: float
    size: float


@dataclass(slots=True)
class _Taken:
    """What orders took out of one quote, by price; another quote begins with nothing taken."""

    quote: tuple[float | None, float | None, float, float]
    sizes: dict[float, float] = field(default_factory=dict)


class Liquidity:
    """The books of all instruments, as functions of their quotes, a seed, and what was taken from them.

    The touch holds the quoted size. Behind it lie levels one price step apart, whose sizes depend on seed, contract and
    price alone. What is taken is gone until the quote changes. A quote drawn around prints shows levels, but an order
    trades there at the print, whatever its size.
    """

    def __init__(self, market: Market, seed: int = 0) -> None:
        self._market = market
        self._seed = seed
        self._taken: dict[int, _Taken] = {}

    def bids(self, conId: int) -> tuple[Level, ...]:
        """What is bid for now, best first; empty without a bid."""
        quote = self._market.quote(conId)
        return tuple(self._left(conId, quote, quote.bid, quote.bidSize, -1))

    def asks(self, conId: int) -> tuple[Level, ...]:
        """What is offered now, best first; empty without an ask."""
        quote = self._market.quote(conId)
        return tuple(self._left(conId, quote, quote.ask, quote.askSize, 1))

    def within(self, conId: int, side: str, limit: float | None) -> tuple[Level, ...]:
        """What an order (side BUY, or else it sells) could take now at its limit or better, best first."""
        buys = side == "BUY"
        if self._market.quote(conId).real:
            levels = self.asks(conId) if buys else self.bids(conId)
        else:
            printed = self._market.fill_price(conId, side)
            levels = () if printed is None else (Level(printed, math.inf),)
        if limit is None:
            return levels
        return tuple(level for level in levels if (level.price <= limit if buys else level.price >= limit))

    def take(self, conId: int, price: float, size: float) -> None:
        """An order traded against what stood at this price."""
        quote = self._market.quote(conId)
        if not quote.real:
            return
        taken = self._taken_from(conId, quote)
        if taken is None:
            taken = self._taken[conId] = _Taken(_seen(quote))
        taken.sizes[price] = taken.sizes.get(price, 0.0) + size

    def _left(self, conId: int, quote: Quote, touch: float | None, size: float, away: int) -> Iterator[Level]:
        if touch is None:
            return
        taken = self._taken_from(conId, quote)
        gone = taken.sizes if taken is not None else {}
        listing = self._market.catalogue.listing(conId)
        assert listing is not None, conId
        price, stands = touch, size
        for _ in range(LEVELS):
            left = stands - gone.get(price, 0.0)
            if left > DUST:
                yield Level(price, left)
            price = _next(listing, price, away)
            if price <= 0.0:
                return
            stands = self._size(listing, price)

    def _taken_from(self, conId: int, quote: Quote) -> _Taken | None:
        taken = self._taken.get(conId)
        return taken if taken is not None and taken.quote == _seen(quote) else None

    def _size(self, listing: Listing, price: float) -> float:
        units = round(price / listing.minTick)
        number = mixed(self._seed * 0x9E3779B97F4A7C15 ^ listing.conId << 24 ^ units)
        return listing.lot * (1 + number % _LOTS_MAX)


def _next(listing: Listing, price: float, away: int) -> float:
    """The price one step up or down; at the edge of two steps the lower price has the smaller one."""
    step = listing.tick_at(price if away > 0 else price - listing.minTick / 2)
    return round(price + away * step, 8)


def _seen(quote: Quote) -> tuple[float | None, float | None, float, float]:
    return quote.bid, quote.ask, quote.bidSize, quote.askSize
