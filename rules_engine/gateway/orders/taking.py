"""What an order would take from the market at one instant: pieces with prices, and the rules about their sizes."""

from collections.abc import Sequence
from typing import NamedTuple

from rules_engine.gateway.market.liquidity import DUST, Liquidity
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick, TickKind
from rules_engine.gateway.orders.matching import PEGGED, Pricing, is_within, kind_of, limit_of
from rules_engine.gateway.orders.order import Order


class Piece(NamedTuple):
    """So many shares at a price, taken from what stands at ``level`` (None: from a seller or buyer who came by)."""

    price: float
    size: float
    level: float | None


def pieces_for(order: Order, market: Market, liquidity: Liquidity, ticks: Sequence[Tick]) -> list[Piece]:
    """What a working order trades now, best price first; empty while it rests.

    All or none and fill or kill take everything or nothing, a minimum quantity at least that. Against real quotes a
    resting order with a display size shows, and so trades, only so much at one instant.
    """
    offered = _offered(order, market, liquidity, ticks)
    most = order.remaining
    if order.resting and order.form.displaySize and not _whole(order) and market.quote(order.conId).real:
        most = min(most, float(order.form.displaySize))
    taken = _first(offered, most)
    size = sum(piece.size for piece in taken)
    least = most if _whole(order) else min(most, float(order.form.minQty or 0))
    return taken if size >= least - DUST else []


def _whole(order: Order) -> bool:
    return order.form.allOrNone or order.form.tif == "FOK"


def _first(offered: Sequence[Piece], most: float) -> list[Piece]:
    taken = []
    for piece in offered:
        size = round(min(piece.size, most), 8)
        if size > DUST:
            taken.append(piece._replace(size=size))
            most -= size
    return taken


def _offered(order: Order, market: Market, liquidity: Liquidity, ticks: Sequence[Tick]) -> list[Piece]:
    pricing, limit = kind_of(order).pricing, limit_of(order)
    if pricing is Pricing.MIDDLE:
        return _in_the_middle(order, market, liquidity, limit)
    if limit is None and (pricing is Pricing.LIMIT or pricing in PEGGED):
        return []
    levels = liquidity.within(order.conId, order.form.action, limit)
    if pricing is Pricing.MARKET_TO_LIMIT and limit is None:
        levels = levels[:1]
    pieces = [Piece(level.price, level.size, level.price) for level in levels]
    if pricing in PEGGED and limit is not None and market.quote(order.conId).real:
        pieces += [Piece(limit, tick.size, None) for tick in ticks if _hits(order, tick, limit)]
    return pieces


def _hits(order: Order, tick: Tick, price: float) -> bool:
    """Somebody trades at the price where a pegged order stands, or beyond it."""
    return tick.kind is TickKind.TRADE and is_within(order, tick.price, price)


def _in_the_middle(order: Order, market: Market, liquidity: Liquidity, cap: float | None) -> list[Piece]:
    touch = liquidity.within(order.conId, order.form.action, None)[:1]
    middle = market.quote(order.conId).mid
    prices = [(level, level.price if middle is None else middle) for level in touch]
    return [Piece(price, level.size, level.price) for level, price in prices if is_within(order, price, cap)]
