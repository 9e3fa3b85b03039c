"""Market data lines: who follows which instrument, and on what terms."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.feeds.generic_ticks import (
    STATISTICS,
    VOLATILITY_DAYS,
    Asked,
    asks_volatility,
    read_generic,
    standing_ticks,
    volatility_ticks,
    weekly_ticks,
)
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.gateway.feeds.price_line import Line
from rules_engine.gateway.feeds.tick_types import DELAYED, DELAYED_FROZEN, FROZEN, LIVE
from rules_engine.gateway.market.history import DAY_S, Bar
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Quote, Tick
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.price_messages import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    TickReqParams,
    TickSnapshotEnd,
)
from rules_engine.gateway.wire.refusals import CONTINUOUS, Refused, invalid, told_why, unknown_request
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

DISPLAYS_DELAYED = 10167
"""The refusal that leaves the line open, with delayed prices."""
_UNSUBSCRIBED = frozenset({354, 10089, 10168})
"""Who asked for delayed data gets them in place of these."""
_IN_PART = 10090
"""The usual ticks come all the same."""
_BBO = "9c0001"
"""TWS names the exchanges of a consolidated quote by such a code."""
_YEAR_S = 365 * DAY_S


class _Terms(NamedTuple):
    """On what terms a client gets an instrument: the code it hears first, and the market data type, None for none."""

    code: int
    type: int | None


class PriceAnswers:
    """Market data lines of all clients."""

    def __init__(
        self, market: Market, now_s: Callable[[], float], faults: Faults, limits: Limits, router: Router
    ) -> None:
        self._market = market
        self._now_s = now_s
        self._faults = faults
        self._limits = limits
        self._lines: dict[tuple[Session, int], Line] = {}
        self._by_instrument: dict[int, dict[tuple[Session, int], Line]] = {}
        router.on(ReqMarketDataType, self._set_type)
        router.on(ReqMktData, self._subscribe)
        router.on(CancelMktData, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Send prices of one instant to everyone who follows them."""
        by_instrument = self._by_instrument
        for tick in ticks:
            lines = by_instrument.get(tick.conId)
            if lines:
                quote = self._market.quote(tick.conId)
                for line in lines.values():
                    line.tell(tick, quote)

    def halted(self, conId: int) -> None:
        """Trading in an instrument was halted, or goes on."""
        for line in self._by_instrument.get(conId, {}).values():
            line.tell_halt(self._market.quote(conId))

    def left(self, session: Session) -> None:
        """A client is gone; so are its lines."""
        for key in [key for key in self._lines if key[0] is session]:
            self._drop(key)

    def open_lines(self) -> list[tuple[Session, int, str]]:
        """Every line: who opened it, by which request, and the symbol that it follows."""
        return [(*key, line.listing.contract.symbol) for key, line in self._lines.items()]

    def show_again(self) -> None:
        """Tell every line the present quote: prices have moved unseen."""
        for line in self._lines.values():
            self._tell_known(line)

    def refuse(self, conId: int, code: int) -> None:
        """An instrument's lines hear a code: they end, unless it says that they go on or are delayed."""
        for key, line in list(self._by_instrument.get(conId, {}).items()):
            line.session.send(Error(line.reqId, code, text_of(code)))
            if code == DISPLAYS_DELAYED:
                line.become(DELAYED)
                line.session.send(MarketDataType(line.reqId, DELAYED))
            elif code != _IN_PART:
                self._drop(key)

    def _set_type(self, session: Session, request: ReqMarketDataType) -> None:
        """Holds for what is asked from now on; lines that stand stay as they are."""
        if request.type in (LIVE, FROZEN, DELAYED, DELAYED_FROZEN):
            session.marketDataType = request.type

    def _subscribe(self, session: Session, request: ReqMktData) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            asked = read_generic(request.genericTicks, listing.contract.secType)
            self._check(session, request, listing)
            self._open(session, request, listing, asked)

    def _check(self, session: Session, request: ReqMktData, listing: Listing) -> None:
        if listing.contract.secType == CONTINUOUS:
            raise invalid("Continuous futures have history only")
        if request.regulatorySnapshot:
            raise invalid("No permission for regulatory snapshots")
        if request.snapshot and request.genericTicks.strip():
            raise invalid("Snapshot market data subscription is not applicable to generic ticks")
        if (session, request.reqId) in self._lines:
            raise Refused(102, "Duplicate ticker id")
        if not request.snapshot and len(self._lines) >= self._limits.lines:
            raise Refused(101, "Max number of tickers has been reached")

    def _open(self, session: Session, request: ReqMktData, listing: Listing, asked: Asked) -> None:
        code, type_ = self._terms(session, listing.conId)
        if code:
            session.send(Error(request.reqId, code, text_of(code)))
        if type_ is None:
            return
        line = Line(session, request.reqId, listing, asked, type_)
        if not request.snapshot:
            self._lines[session, request.reqId] = line
            self._by_instrument.setdefault(listing.conId, {})[session, request.reqId] = line
        consolidated = _BBO if listing.contract.secType == "STK" else ""
        session.send(MarketDataType(request.reqId, type_))
        session.send(TickReqParams(request.reqId, listing.minTick, consolidated, 3))
        self._tell_known(line)
        self._tell_standing(line)
        if request.snapshot:
            session.send(TickSnapshotEnd(request.reqId))

    def _tell_known(self, line: Line) -> None:
        conId = line.listing.conId
        quoted = line.type in (FROZEN, DELAYED_FROZEN) or self._is_open(conId)
        line.tell_known(self._market.quote(conId), quoted=quoted)

    def _tell_standing(self, line: Line) -> None:
        listing, asked = line.listing, line.asked.numbers
        conId = listing.conId
        has_options = self._market.has_options(conId)
        messages = [*standing_ticks(line.reqId, asked, listing, self._market.quote(conId), has_options=has_options)]
        if STATISTICS in asked:
            messages += weekly_ticks(line.reqId, self._daily(listing))
        if asks_volatility(asked, listing):
            closes = [price for _, price in self._market.closes(conId, self._now_s(), VOLATILITY_DAYS + 1)]
            messages += volatility_ticks(line.reqId, asked, closes, has_options=has_options)
        for message in messages:
            line.session.send(message)

    def _terms(self, session: Session, conId: int) -> _Terms:
        code = self._faults.data_codes.get(conId, 0)
        wants_delayed = session.marketDataType in (DELAYED, DELAYED_FROZEN)
        if code in _UNSUBSCRIBED and wants_delayed:
            code = DISPLAYS_DELAYED
        if code == DISPLAYS_DELAYED:
            return _Terms(
                code, self._type(DELAYED_FROZEN if session.marketDataType == DELAYED_FROZEN else DELAYED, conId)
            )
        if code and code != _IN_PART:
            return _Terms(code, None)
        return _Terms(code, self._type(session.marketDataType, conId))

    def _type(self, wanted: int, conId: int) -> int:
        """Frozen data are those of a market that is closed; of an open one they are live."""
        if not self._is_open(conId):
            return wanted
        return {FROZEN: LIVE, DELAYED_FROZEN: DELAYED}.get(wanted, wanted)

    def _is_open(self, conId: int) -> bool:
        return self._market.is_open(conId, self._now_s(), True)

    def _daily(self, listing: Listing) -> tuple[Bar, ...]:
        """A year of daily bars; the last of them is the present day as the line tells it."""
        today_s = self._market.days_start_s(listing.conId, self._now_s(), 1)
        shown = "TRADES" if listing.prints_trades else "MIDPOINT"
        days = self._market.bars(listing.conId, today_s, _YEAR_S, DAY_S, shown, True)
        return (*days, *_present_day(today_s, self._market.quote(listing.conId)))

    def _cancel(self, session: Session, request: CancelMktData) -> None:
        if (session, request.reqId) in self._lines:
            self._drop((session, request.reqId))
        else:
            session.send(unknown_request(request.reqId))

    def _drop(self, key: tuple[Session, int]) -> None:
        conId = self._lines.pop(key).listing.conId
        followers = self._by_instrument[conId]
        del followers[key]
        if not followers:
            del self._by_instrument[conId]


def _present_day(start_s: float, quote: Quote) -> tuple[Bar, ...]:
    """The prints of the day as one bar; none before the first."""
    if quote.open is None or quote.high is None or quote.low is None or quote.last is None:
        return ()
    average = quote.average or quote.last
    return (Bar(start_s, quote.open, quote.high, quote.low, quote.last, quote.volume, average, quote.count),)
