"""Streams of prices: what is known first, then what changes."""

from collections.abc import Callable, Sequence

from rules_engine.gateway.codes import text_of
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
    TickReqParams,
    TickSnapshotEnd,
)
from rules_engine.gateway.price_ticks import (
    ASKS_MISCELLANEOUS,
    DELAYED,
    DELAYED_FROZEN,
    DELAYED_TICKS,
    FROZEN,
    LIVE,
    LIVE_TICKS,
    Line,
    known_ticks,
    moved_ticks,
    weekly_ticks,
)
from rules_engine.gateway.quote import Tick, TickKind
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session
from rules_engine.gateway.spans import DAY_S

LINES_MAX = 100
_BBO = "9c0001"
"""TWS names the exchanges of a consolidated quote by such a code."""
YEAR_S = 365 * DAY_S


class PriceAnswers:
    """Market data lines of all clients."""

    def __init__(self, market: Market, now_s: Callable[[], float], faults: Faults, router: Router) -> None:
        self._market = market
        self._now_s = now_s
        self._faults = faults
        self._lines: dict[tuple[Session, int], Line] = {}
        self._by_instrument: dict[int, dict[tuple[Session, int], Line]] = {}
        self._traded: dict[int, tuple[float, float]] = {}
        router.on(ReqMarketDataType, self._set_type)
        router.on(ReqMktData, self._subscribe)
        router.on(CancelMktData, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Send prices of one instant to everyone who follows them."""
        for tick in ticks:
            lines = self._by_instrument.get(tick.conId)
            if lines:
                quote = self._market.quote(tick.conId)
                average = self._average(tick)
                for line in lines.values():
                    for message in moved_ticks(line, tick, quote, average):
                        line.session.send(message)

    def _average(self, tick: Tick) -> float:
        """The mean price by volume of what was traded while somebody followed the instrument."""
        turnover, volume = self._traded.get(tick.conId, (0.0, 0.0))
        if tick.kind is TickKind.TRADE:
            turnover, volume = turnover + tick.price * tick.size, volume + tick.size
            self._traded[tick.conId] = (turnover, volume)
        return turnover / volume if volume else tick.price

    def left(self, session: Session) -> None:
        """A client is gone; so are its lines."""
        for key in [key for key in self._lines if key[0] is session]:
            self._drop(key)

    def open_lines(self) -> list[tuple[Session, int]]:
        """Every line with the request that opened it."""
        return list(self._lines)

    def show_again(self) -> None:
        """Tell every line the present quote: prices have moved unseen."""
        for line in self._lines.values():
            for message in known_ticks(line, self._market.quote(line.listing.conId)):
                line.session.send(message)

    def refuse(self, conId: int, code: int) -> None:
        """End an instrument's lines with an error, or make them delayed if that is what the code says."""
        for key, line in list(self._by_instrument.get(conId, {}).items()):
            line.session.send(Error(line.reqId, code, text_of(code)))
            if code == DISPLAYS_DELAYED:
                line.types = DELAYED_TICKS
                line.session.send(MarketDataType(line.reqId, DELAYED))
            else:
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
            if problem.code != DISPLAYS_DELAYED:
                return
        type_ = DELAYED if problem is not None else session.marketDataType
        types = DELAYED_TICKS if type_ in (DELAYED, DELAYED_FROZEN) else LIVE_TICKS
        line = Line(session, request.reqId, listing, _generic(request), types)
        if not request.snapshot:
            self._lines[session, request.reqId] = line
            self._by_instrument.setdefault(listing.conId, {})[session, request.reqId] = line
        consolidated = _BBO if listing.contract.secType == "STK" else ""
        session.send(TickReqParams(request.reqId, listing.minTick, consolidated, 3))
        session.send(MarketDataType(request.reqId, type_))
        for message in known_ticks(line, self._market.quote(listing.conId)):
            session.send(message)
        if ASKS_MISCELLANEOUS in line.generic:
            days = self._market.bars(listing.conId, self._now_s(), YEAR_S, DAY_S, self._shown(listing), True)
            for message in weekly_ticks(line, days):
                session.send(message)
        if request.snapshot:
            session.send(TickSnapshotEnd(request.reqId))

    def _shown(self, listing: Listing) -> str:
        return "TRADES" if listing.prints_trades else "MIDPOINT"

    def _problem(self, session: Session, request: ReqMktData, listing: Listing) -> Error | None:
        if (session, request.reqId) in self._lines:
            return Error(request.reqId, 102, "Duplicate ticker id")
        if not request.snapshot and sum(1 for key in self._lines if key[0] is session) >= LINES_MAX:
            return Error(request.reqId, 101, "Max number of tickers has been reached")
        code = self._faults.data_codes.get(listing.conId)
        return None if code is None else Error(request.reqId, code, text_of(code))

    def _cancel(self, session: Session, request: CancelMktData) -> None:
        if (session, request.reqId) in self._lines:
            self._drop((session, request.reqId))
        else:
            session.send(Error(request.reqId, 300, f"Can't find EId with tickerId:{request.reqId}"))

    def _drop(self, key: tuple[Session, int]) -> None:
        line = self._lines.pop(key)
        del self._by_instrument[line.listing.conId][key]


DISPLAYS_DELAYED = 10167
"""The one refusal that leaves the line open, with delayed prices."""


def _generic(request: ReqMktData) -> frozenset[int]:
    words = request.genericTicks.replace("mdoff", "").split(",")
    return frozenset(int(word) for word in words if word.strip().isdecimal())
