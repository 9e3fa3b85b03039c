"""Streams of prices: what is known first, then what changes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.faults import Faults
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.market import Market
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.price_messages import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    TickGeneric,
    TickPrice,
    TickReqParams,
    TickSize,
    TickSnapshotEnd,
    TickString,
)
from rules_engine.gateway.quote import Quote, Tick, TickKind
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session

LINES_MAX = 100
LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
RT_VOLUME, RT_TRADE_VOLUME = 48, 77


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


@dataclass(frozen=True, slots=True)
class Line:
    """One client's subscription to one instrument."""

    session: Session
    reqId: int
    listing: Listing
    generic: frozenset[int]
    types: TickTypes


class PriceAnswers:
    """Market data lines of all clients."""

    def __init__(self, market: Market, now_s: Callable[[], float], faults: Faults, router: Router) -> None:
        self._market = market
        self._now_s = now_s
        self._faults = faults
        self._lines: dict[tuple[Session, int], Line] = {}
        self._by_instrument: dict[int, dict[tuple[Session, int], Line]] = {}
        self._turnover: dict[int, float] = {}
        router.on(ReqMarketDataType, self._set_type)
        router.on(ReqMktData, self._subscribe)
        router.on(CancelMktData, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Send prices of one instant to everyone who follows them."""
        for tick in ticks:
            lines = self._by_instrument.get(tick.conId)
            if lines:
                quote = self._market.quote(tick.conId)
                for line in lines.values():
                    for message in _moved(line, tick, quote):
                        line.session.send(message)

    def left(self, session: Session) -> None:
        """A client is gone; so are its lines."""
        for key in [key for key in self._lines if key[0] is session]:
            self._drop(key)

    def refuse(self, conId: int, code: int) -> None:
        """Stop an instrument's lines with an error."""
        for key, line in list(self._by_instrument.get(conId, {}).items()):
            line.session.send(Error(line.reqId, code, DATA_TEXTS.get(code, "No market data")))
            self._drop(key)

    def _set_type(self, session: Session, request: ReqMarketDataType) -> None:
        if request.type in (LIVE, FROZEN, DELAYED, DELAYED_FROZEN):
            session.marketDataType = request.type

    def _subscribe(self, session: Session, request: ReqMktData) -> None:
        try:
            listing = the_one(self._market.catalogue, request.contract)
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
            return
        problem = self._problem(session, request, listing)
        if problem is not None:
            session.send(problem)
            return
        delayed = session.marketDataType in (DELAYED, DELAYED_FROZEN)
        line = Line(session, request.reqId, listing, _generic(request), DELAYED_TICKS if delayed else LIVE_TICKS)
        if not request.snapshot:
            self._lines[session, request.reqId] = line
            self._by_instrument.setdefault(listing.conId, {})[session, request.reqId] = line
        session.send(TickReqParams(request.reqId, listing.minTick, _bbo_exchange(listing), 3))
        session.send(MarketDataType(request.reqId, session.marketDataType))
        for message in _known(line, self._market.quote(listing.conId)):
            session.send(message)
        if request.snapshot:
            session.send(TickSnapshotEnd(request.reqId))

    def _problem(self, session: Session, request: ReqMktData, listing: Listing) -> Error | None:
        if (session, request.reqId) in self._lines:
            return Error(request.reqId, 102, "Duplicate ticker id")
        if not request.snapshot and sum(1 for key in self._lines if key[0] is session) >= LINES_MAX:
            return Error(request.reqId, 101, "Max number of tickers has been reached")
        code = self._faults.data_codes.get(listing.conId)
        return None if code is None else Error(request.reqId, code, DATA_TEXTS.get(code, "No market data"))

    def _cancel(self, session: Session, request: CancelMktData) -> None:
        if (session, request.reqId) in self._lines:
            self._drop((session, request.reqId))
        else:
            session.send(Error(request.reqId, 300, f"Can't find EId with tickerId:{request.reqId}"))

    def _drop(self, key: tuple[Session, int]) -> None:
        line = self._lines.pop(key)
        del self._by_instrument[line.listing.conId][key]


DATA_TEXTS = {
    354: "Requested market data is not subscribed.",
    10089: "Requested market data requires additional subscription for API.",
    10090: "Part of requested market data is not subscribed.",
    10167: "Requested market data is not subscribed. Displaying delayed market data.",
    10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
    10197: "No market data during competing live session",
}


def _generic(request: ReqMktData) -> frozenset[int]:
    words = request.genericTicks.replace("mdoff", "").split(",")
    return frozenset(int(word) for word in words if word.strip().isdecimal())


def _bbo_exchange(listing: Listing) -> str:
    return "9c0001" if listing.contract.secType == "STK" else ""


def _known(line: Line, quote: Quote) -> Iterator[object]:
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
    yield TickGeneric(reqId, types.halted, float(quote.halted))


def _price(line: Line, number: int, price: float | None, size: float) -> Iterator[object]:
    yield TickPrice(line.reqId, number, -1, 0) if price is None else TickPrice(line.reqId, number, price, size, 1)


def _moved(line: Line, tick: Tick, quote: Quote) -> Iterator[object]:
    """One tick as TWS tells it: a price, then its size once more."""
    types, reqId = line.types, line.reqId
    match tick.kind:
        case TickKind.BID:
            yield TickPrice(reqId, types.bid, tick.price, tick.size, 1)
            yield TickSize(reqId, types.bidSize, tick.size)
        case TickKind.ASK:
            yield TickPrice(reqId, types.ask, tick.price, tick.size, 1)
            yield TickSize(reqId, types.askSize, tick.size)
        case TickKind.TRADE:
            yield from _traded(line, tick, quote)


def _traded(line: Line, tick: Tick, quote: Quote) -> Iterator[object]:
    types, reqId = line.types, line.reqId
    yield TickString(reqId, types.lastTime, str(int(tick.time_s)))
    yield TickPrice(reqId, types.last, tick.price, tick.size)
    yield TickSize(reqId, types.lastSize, tick.size)
    yield TickSize(reqId, types.volume, quote.volume)
    for generic, number in ((233, RT_VOLUME), (375, RT_TRADE_VOLUME)):
        if generic in line.generic:
            yield TickString(reqId, number, _rt_volume(tick, quote))
    if quote.high == tick.price:
        yield TickPrice(reqId, types.high, tick.price, 0)
    if quote.low == tick.price:
        yield TickPrice(reqId, types.low, tick.price, 0)


def _rt_volume(tick: Tick, quote: Quote) -> str:
    """Price, size, time in milliseconds, volume of the day, mean price, and whether one market maker filled it."""
    return f"{tick.price};{tick.size};{int(tick.time_s * 1000)};{quote.volume};{tick.price};true"
