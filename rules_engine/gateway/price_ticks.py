"""Quotes and prints as the numbered ticks of a market data line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.history import Bar
from rules_engine.gateway.messages.price_messages import TickGeneric, TickPrice, TickSize, TickString
from rules_engine.gateway.quote import Quote, Tick, TickKind
from rules_engine.gateway.session import Session
from rules_engine.gateway.values import number_text

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
RT_VOLUME, RT_TRADE_VOLUME = 48, 77

# What a client asks for by number, beyond the usual ticks.
ASKS_MISCELLANEOUS, ASKS_AUCTION, ASKS_RT_VOLUME, ASKS_SHORTABLE, ASKS_RT_TRADE_VOLUME = 165, 225, 233, 236, 375
ASKS_MARK_PRICE = frozenset({221, 232})
_MARK_PRICE, _AUCTION_VOLUME, _AUCTION_PRICE, _AUCTION_IMBALANCE, _SHORTABLE, _SHARES = 37, 34, 35, 36, 46, 89
_EASY_TO_BORROW = 3.0
_MEAN_VOLUME = 21
_DAYS_OF_WEEK = 5


@dataclass(frozen=True, slots=True)
class TickTypes:
    """The numbers of one family of ticks: live or delayed."""

    bid: int
    ask: int
    last: int
    bidSize: int
    askSize: int
    lastSize: int
    high: int
    low: int
    volume: int
    close: int
    open: int
    lastTime: int
    halted: int


LIVE_TICKS = TickTypes(1, 2, 4, 0, 3, 5, 6, 7, 8, 9, 14, 45, 49)
DELAYED_TICKS = TickTypes(66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 88, 90)


@dataclass(slots=True)
class Line:
    """One client's subscription to one instrument, with the extremes that it has heard of."""

    session: Session
    reqId: int
    listing: Listing
    generic: frozenset[int]
    types: TickTypes
    high: float | None = None
    low: float | None = None


def known_ticks(line: Line, quote: Quote) -> Iterator[object]:
    """Everything that can be said of an instrument at once; -1 stands for a price that there is not."""
    types, reqId = line.types, line.reqId
    if line.listing.quotes:
        yield from _price(line, types.bid, quote.bid, quote.bidSize)
        yield TickSize(reqId, types.bidSize, quote.bidSize if quote.bid is not None else 0)
        yield from _price(line, types.ask, quote.ask, quote.askSize)
        yield TickSize(reqId, types.askSize, quote.askSize if quote.ask is not None else 0)
    if line.listing.prints_trades:
        if quote.last_time_s is not None and quote.last is not None:
            yield TickString(reqId, types.lastTime, str(int(quote.last_time_s)))
            yield TickPrice(reqId, types.last, quote.last, quote.lastSize)
            yield TickSize(reqId, types.lastSize, quote.lastSize)
        elif quote.last is None:
            yield TickPrice(reqId, types.last, -1, 0)
        yield TickSize(reqId, types.volume, quote.volume)
    for number, price in (
        (types.high, quote.high),
        (types.low, quote.low),
        (types.close, quote.close),
        (types.open, quote.open),
    ):
        if price is not None:
            yield TickPrice(reqId, number, price, 0)
    line.high, line.low = quote.high, quote.low
    yield TickGeneric(reqId, types.halted, float(quote.halted))
    yield from _mark(line, quote)
    yield from _extras(line, quote)


def _price(line: Line, number: int, price: float | None, size: float) -> Iterator[object]:
    yield TickPrice(line.reqId, number, -1, 0) if price is None else TickPrice(line.reqId, number, price, size, 1)


def _mark(line: Line, quote: Quote) -> Iterator[object]:
    mark = quote.last if quote.last is not None else quote.mid
    if line.generic & ASKS_MARK_PRICE and mark is not None:
        yield TickPrice(line.reqId, _MARK_PRICE, mark, 0)


def _extras(line: Line, quote: Quote) -> Iterator[object]:
    """What stays the same while the line is open. No auction is simulated, and everything can be borrowed."""
    if ASKS_AUCTION in line.generic and quote.last is not None:
        yield TickPrice(line.reqId, _AUCTION_PRICE, quote.last, 0)
        yield TickSize(line.reqId, _AUCTION_VOLUME, 0)
        yield TickSize(line.reqId, _AUCTION_IMBALANCE, 0)
    if ASKS_SHORTABLE in line.generic and line.listing.contract.secType == "STK":
        yield TickGeneric(line.reqId, _SHORTABLE, _EASY_TO_BORROW)
        yield TickSize(line.reqId, _SHARES, 10_000_000)


def weekly_ticks(line: Line, bars: Sequence[Bar]) -> Iterator[object]:
    """Lows and highs of 13, 26 and 52 weeks and the mean daily volume, from daily bars, the newest last."""
    if not bars:
        return
    for weeks, low, high in ((13, 15, 16), (26, 17, 18), (52, 19, 20)):
        span = bars[-weeks * _DAYS_OF_WEEK :]
        yield TickPrice(line.reqId, low, min(bar.low for bar in span), 0)
        yield TickPrice(line.reqId, high, max(bar.high for bar in span), 0)
    quarter = bars[-13 * _DAYS_OF_WEEK :]
    yield TickSize(line.reqId, _MEAN_VOLUME, round(sum(bar.volume for bar in quarter) / len(quarter)))


def moved_ticks(line: Line, tick: Tick, quote: Quote, average: float) -> Iterator[object]:
    """One tick as TWS tells it: a price, then its size once more. `average` is the mean price of the day."""
    types, reqId = line.types, line.reqId
    if tick.kind is TickKind.TRADE:
        yield from _traded(line, tick, quote, average)
    else:
        bid = tick.kind is TickKind.BID
        yield TickPrice(reqId, types.bid if bid else types.ask, tick.price, tick.size, 1)
        yield TickSize(reqId, types.bidSize if bid else types.askSize, tick.size)
    yield from _mark(line, quote)


def _traded(line: Line, tick: Tick, quote: Quote, average: float) -> Iterator[object]:
    types, reqId = line.types, line.reqId
    yield TickString(reqId, types.lastTime, str(int(tick.time_s)))
    yield TickPrice(reqId, types.last, tick.price, tick.size)
    yield TickSize(reqId, types.lastSize, tick.size)
    yield TickSize(reqId, types.volume, quote.volume)
    for asked, number in ((ASKS_RT_VOLUME, RT_VOLUME), (ASKS_RT_TRADE_VOLUME, RT_TRADE_VOLUME)):
        if asked in line.generic:
            yield TickString(reqId, number, _rt_volume(tick, quote, average))
    if quote.high is not None and quote.high != line.high:
        line.high = quote.high
        yield TickPrice(reqId, types.high, quote.high, 0)
    if quote.low is not None and quote.low != line.low:
        line.low = quote.low
        yield TickPrice(reqId, types.low, quote.low, 0)


def _rt_volume(tick: Tick, quote: Quote, average: float) -> str:
    """Price, size, time in milliseconds, volume of the day, mean price, and whether one market maker filled it."""
    size, volume = number_text(tick.size), number_text(quote.volume)
    return f"{tick.price!r};{size};{round(tick.time_s * 1000)};{volume};{round(average, 8)!r};true"
