"""Single prints and quotes of the past as messages."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Print, Spread, middle
from rules_engine.gateway.messages.history_messages import (
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksLast,
    PastBidAsk,
    PastLast,
    PastMidPoint,
)

TRADES = frozenset({"TRADES", "AGGTRADES"})
SHOWN = TRADES | {"BID_ASK", "MIDPOINT"}


class TickQuery(NamedTuple):
    """So many ticks of one kind, from a start forwards or else from an end backwards."""

    conId: int
    what: str
    ticks: int
    start_s: float | None = None
    end_s: float | None = None
    use_rth: bool = False
    ignore_size: bool = False


def past_ticks(market: Market, reqId: int, query: TickQuery) -> object:
    """The message that answers a query."""
    conId, what, ticks, start_s, end_s, use_rth, ignore_size = query
    if what in TRADES:
        prints = market.prints(conId, start_s, end_s, ticks, use_rth)
        return HistoricalTicksLast(reqId, past_lasts(prints), True)
    spreads = market.spreads(conId, start_s, end_s, ticks, use_rth, seen_by(what, ignore_size))
    if what == "BID_ASK":
        return HistoricalTicksBidAsk(reqId, past_bid_asks(spreads), True)
    return HistoricalTicks(reqId, past_mid_points(spreads), True)


def seen_by(what: str, ignore_size: bool) -> Callable[[Spread], object]:
    """What of a quote must change to make a tick of this kind."""
    if what == "MIDPOINT":
        return lambda spread: spread.bid + spread.ask
    if ignore_size:
        return lambda spread: (spread.bid, spread.ask)
    return lambda spread: spread[1:]


def past_lasts(prints: Sequence[Print]) -> tuple[PastLast, ...]:
    """Trades as historical ticks."""
    return tuple(PastLast(int(one.time_s), 0, one.price, one.size, "", "") for one in prints)


def past_bid_asks(spreads: Sequence[Spread]) -> tuple[PastBidAsk, ...]:
    """Quotes as historical ticks."""
    return tuple(PastBidAsk(int(one.time_s), 0, one.bid, one.ask, one.bidSize, one.askSize) for one in spreads)


def past_mid_points(spreads: Sequence[Spread]) -> tuple[PastMidPoint, ...]:
    """The middle of quotes as historical ticks."""
    return tuple(PastMidPoint(int(one.time_s), 0, middle(one.bid, one.ask), 0.0) for one in spreads)
