"""Streams beside market data lines: single ticks, and bars of five seconds."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.forming import FormingBar, empty_bar, price_of, shown_trade
from rules_engine.gateway.history_answers import SHOWN, past_bid_asks, past_lasts, past_mid_points
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.market import Market
from rules_engine.gateway.messages.history_messages import HistoricalTicks, HistoricalTicksBidAsk, HistoricalTicksLast
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.price_messages import (
    CancelRealTimeBars,
    CancelTickByTick,
    RealTimeBar,
    ReqRealTimeBars,
    ReqTickByTick,
    TickByTickBidAsk,
    TickByTickLast,
    TickByTickMidPoint,
)
from rules_engine.gateway.quote import Quote, Tick, TickKind
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session
from rules_engine.gateway.times import Timers

TICK_STREAMS_MAX = 5
BAR_S = 5.0
_TYPES = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
_PRINTS = frozenset({"Last", "AllLast"})

Key = tuple[Session, int]


@dataclass(slots=True)
class _TickStream:
    session: Session
    request: ReqTickByTick
    listing: Listing
    middle: float | None = None


@dataclass(slots=True)
class _BarStream:
    session: Session
    request: ReqRealTimeBars
    listing: Listing
    bar: FormingBar | None = None


class StreamAnswers:
    """Tick-by-tick data and real-time bars of all clients."""

    def __init__(self, market: Market, timers: Timers, now_s: Callable[[], float], router: Router) -> None:
        self._market = market
        self._timers = timers
        self._now_s = now_s
        self._ticks: dict[Key, _TickStream] = {}
        self._bars: dict[Key, _BarStream] = {}
        self._bars_due = False
        router.on(ReqTickByTick, self._start_ticks)
        router.on(CancelTickByTick, lambda session, request: self._cancel_ticks(session, request.reqId))
        router.on(ReqRealTimeBars, self._start_bars)
        router.on(CancelRealTimeBars, lambda session, request: self._cancel_bars(session, request.reqId))

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant."""
        for stream in self._ticks.values():
            moved = [tick for tick in ticks if tick.conId == stream.listing.conId]
            if moved:
                for message in _told(stream, moved, self._market.quote(stream.listing.conId)):
                    stream.session.send(message)
        for bars in self._bars.values():
            for tick in ticks:
                if tick.conId == bars.listing.conId:
                    self._see(bars, tick)

    def left(self, session: Session) -> None:
        """A client is gone; so are its streams."""
        for key in [key for key in self._ticks if key[0] is session]:
            del self._ticks[key]
        for key in [key for key in self._bars if key[0] is session]:
            del self._bars[key]

    def _start_ticks(self, session: Session, request: ReqTickByTick) -> None:
        try:
            listing = the_one(self._market.catalogue, request.contract)
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
            return
        problem = self._tick_problem(session, request, listing)
        if problem is not None:
            session.send(problem)
            return
        if request.count > 0:
            session.send(self._past(request, listing.conId))
        self._market.quote(listing.conId)
        self._ticks[session, request.reqId] = _TickStream(session, request, listing)

    def _tick_problem(self, session: Session, request: ReqTickByTick, listing: Listing) -> Error | None:
        if request.tickType not in _TYPES:
            text = f"Error validating request.-'cR' : cause - Invalid tick type {request.tickType!r}"
            return Error(request.reqId, 321, text)
        if request.tickType in _PRINTS and not listing.prints_trades:
            return Error(request.reqId, 10189, "Failed to request tick-by-tick data: there are no trades to tell")
        if sum(1 for key in self._ticks if key[0] is session) >= TICK_STREAMS_MAX:
            return Error(request.reqId, 10190, "Max number of tick-by-tick requests has been reached.")
        return None

    def _past(self, request: ReqTickByTick, conId: int) -> object:
        now_s = self._now_s()
        if request.tickType in _PRINTS:
            prints = self._market.prints(conId, None, now_s, request.count)
            return HistoricalTicksLast(request.reqId, past_lasts(prints), True)
        spreads = self._market.spreads(conId, None, now_s, request.count)
        if request.tickType == "BidAsk":
            return HistoricalTicksBidAsk(request.reqId, past_bid_asks(spreads), True)
        return HistoricalTicks(request.reqId, past_mid_points(spreads), True)

    def _cancel_ticks(self, session: Session, reqId: int) -> None:
        if self._ticks.pop((session, reqId), None) is None:
            session.send(Error(reqId, 300, f"Can't find EId with tickerId:{reqId}"))

    def _start_bars(self, session: Session, request: ReqRealTimeBars) -> None:
        try:
            listing = the_one(self._market.catalogue, request.contract)
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
            return
        if request.barSize != BAR_S or request.whatToShow not in SHOWN - {"BID_ASK", "ADJUSTED_LAST", "AGGTRADES"}:
            text = "Error validating request.-'bP' : cause - Only bars of 5 seconds of TRADES, MIDPOINT, BID or ASK"
            session.send(Error(request.reqId, 321, text))
            return
        self._market.quote(listing.conId)
        self._bars[session, request.reqId] = _BarStream(session, request, listing)
        self._schedule_bars()

    def _cancel_bars(self, session: Session, reqId: int) -> None:
        if self._bars.pop((session, reqId), None) is None:
            session.send(Error(reqId, 300, f"Can't find EId with tickerId:{reqId}"))

    def _schedule_bars(self) -> None:
        if not self._bars_due:
            self._bars_due = True
            end_s = (math.floor(self._now_s() / BAR_S) + 1) * BAR_S
            self._timers.at(end_s, lambda: self._close_bars(end_s))

    def _close_bars(self, end_s: float) -> None:
        """Tell the bar that has just ended, also when nothing happened in it."""
        for stream in self._bars.values():
            bar = stream.bar or self._quiet_bar(stream, end_s - BAR_S)
            stream.bar = None
            if bar is not None:
                stream.session.send(_real_time_bar(stream.request.reqId, end_s - BAR_S, bar))
        self._bars_due = False
        if self._bars:
            self._schedule_bars()

    def _quiet_bar(self, stream: _BarStream, start_s: float) -> FormingBar | None:
        price = price_of(self._market, stream.listing.conId, stream.request.whatToShow)
        return None if price is None else empty_bar(start_s, price)

    def _see(self, stream: _BarStream, tick: Tick) -> None:
        shown = shown_trade(stream.request.whatToShow, tick, self._market.quote(tick.conId))
        if shown is not None:
            if stream.bar is None:
                stream.bar = empty_bar(tick.time_s, shown[0])
            stream.bar.see(*shown)


def _told(stream: _TickStream, ticks: Sequence[Tick], quote: Quote) -> Iterator[object]:
    """Every print, or the quote once an instant."""
    request, epoch = stream.request, int(ticks[0].time_s)
    number = _TYPES[request.tickType]
    if request.tickType in _PRINTS:
        for tick in ticks:
            if tick.kind is TickKind.TRADE:
                yield TickByTickLast(request.reqId, number, epoch, tick.price, tick.size, 0, "", "")
        return
    if all(tick.kind is TickKind.TRADE for tick in ticks) or quote.bid is None or quote.ask is None:
        return
    if request.tickType == "BidAsk":
        yield TickByTickBidAsk(request.reqId, number, epoch, quote.bid, quote.ask, quote.bidSize, quote.askSize, 0)
    elif quote.mid is not None and quote.mid != stream.middle:
        stream.middle = quote.mid
        yield TickByTickMidPoint(request.reqId, number, epoch, quote.mid)


def _real_time_bar(reqId: int, start_s: float, bar: FormingBar) -> RealTimeBar:
    return RealTimeBar(reqId, int(start_s), bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.count)
