"""Answers to requests about the past."""

from collections.abc import Callable, Sequence

from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.feeds.bar_requests import (
    VOLATILITIES,
    BarQuery,
    check_shown,
    no_data,
    read_bar_request,
    read_end,
    service_error,
)
from rules_engine.gateway.feeds.kept_bars import KeptBars
from rules_engine.gateway.feeds.schedules import schedule
from rules_engine.gateway.feeds.tick_history import SHOWN, TickQuery, past_ticks
from rules_engine.gateway.feeds.volatility_bars import volatility_bars
from rules_engine.gateway.market.forming import TRADED
from rules_engine.gateway.market.history import Bar
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.market.spans import DAY_S, period_s
from rules_engine.gateway.messages.history_messages import (
    CancelHeadTimestamp,
    CancelHistogramData,
    CancelHistoricalData,
    HeadTimestamp,
    HistogramData,
    HistogramEntry,
    HistoricalBar,
    HistoricalData,
    ReqHeadTimestamp,
    ReqHistogramData,
    ReqHistoricalData,
    ReqHistoricalTicks,
)
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.times import day_text, time_text, utc_text
from rules_engine.gateway.wire.refusals import Refused, invalid, told_why
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

TICKS_MAX = 1000
_PRINTS_MAX = 1_000_000
"""A histogram counts so many prints at most, the first of its period."""


class HistoryAnswers:
    """Bars, ticks, histograms and head timestamps."""

    def __init__(self, market: Market, now_s: Callable[[], float], router: Router) -> None:
        self._market = market
        self._now_s = now_s
        self._kept = KeptBars(market)
        router.on(ReqHistoricalData, self._bars)
        router.on(CancelHistoricalData, self._cancel)
        router.on(ReqHeadTimestamp, self._head)
        router.on(CancelHeadTimestamp, lambda session, request: None)
        router.on(ReqHistoricalTicks, self._ticks)
        router.on(ReqHistogramData, self._histogram)
        router.on(CancelHistogramData, lambda session, request: None)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Bring kept bars up to date with the prices of one instant."""
        self._kept.ticked(ticks)

    def left(self, session: Session) -> None:
        """A client is gone; so are the bars that it kept."""
        self._kept.left(session)

    def _bars(self, session: Session, request: ReqHistoricalData) -> None:
        with told_why(session, request.reqId):
            if (session, request.reqId) in self._kept:
                raise Refused(322, "Duplicate ticker ID for API historical data query")
            query = read_bar_request(request, self._market, self._now_s())
            if request.whatToShow == "SCHEDULE":
                session.send(schedule(request.reqId, self._market, query))
                return
            bars = self._read(query)
            if not bars:
                raise no_data(query.listing, query.what)
            self._tell(session, request, query, bars)

    def _read(self, query: BarQuery) -> tuple[Bar, ...]:
        if query.what in VOLATILITIES:
            return volatility_bars(self._market, query)
        conId, what = query.listing.conId, query.what
        return self._market.bars(conId, query.end_s, query.length_s, query.bar_s, what, query.use_rth)

    def _tell(self, session: Session, request: ReqHistoricalData, query: BarQuery, bars: tuple[Bar, ...]) -> None:
        zone = query.listing.timeZoneId

        def date(at_s: float) -> str:
            """Days are dates in any format; shorter bars are local times (1) or seconds since the epoch (2)."""
            if query.bar_s >= DAY_S:
                return day_text(at_s, zone)
            return str(int(at_s)) if request.formatDate == 2 else time_text(at_s, zone)

        start, end = time_text(query.end_s - query.length_s, zone), time_text(query.end_s, zone)
        shown = tuple(_wire_bar(bar, date(bar.time_s), query.what in TRADED) for bar in bars)
        session.send(HistoricalData(request.reqId, start, end, shown))
        if request.keepUpToDate:
            self._kept.keep((session, request.reqId), query, bars[-1], date)

    def _cancel(self, session: Session, request: CancelHistoricalData) -> None:
        if (session, request.reqId) not in self._kept:
            text = f"No historical data query found for ticker id:{request.reqId}"
            session.send(Error(request.reqId, 366, text))
            return
        self._kept.drop((session, request.reqId))
        cancelled = service_error(f"API historical data query cancelled: {request.reqId}")
        session.send(Error(request.reqId, cancelled.code, str(cancelled)))

    def _head(self, session: Session, request: ReqHeadTimestamp) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            check_shown(request.whatToShow, listing)
            head_s = self._market.head_s(listing.conId)
            if head_s is None:
                raise service_error("No head time stamp")
            text = str(int(head_s)) if request.formatDate == 2 else utc_text(head_s)
            session.send(HeadTimestamp(request.reqId, text))

    def _ticks(self, session: Session, request: ReqHistoricalTicks) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            if bool(request.startDateTime) == bool(request.endDateTime):
                raise invalid("Either a start or an end time must be given")
            if not 0 < request.count <= TICKS_MAX:
                raise invalid(f"{request.count} ticks: 1 to {TICKS_MAX} can be asked for")
            if request.whatToShow not in SHOWN:
                raise invalid(f"{request.whatToShow!r} cannot be shown as ticks")
            now_s = self._now_s()
            start_s = read_end(request.startDateTime, now_s) if request.startDateTime else None
            end_s = read_end(request.endDateTime, now_s) if request.endDateTime else None
            what, use_rth, ignore_size = request.whatToShow, request.useRth, request.ignoreSize
            query = TickQuery(listing.conId, what, request.count, start_s, end_s, use_rth, ignore_size)
            session.send(past_ticks(self._market, request.reqId, query))

    def _histogram(self, session: Session, request: ReqHistogramData) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            try:
                start_s = self._now_s() - period_s(request.period)
            except ValueError as error:
                raise invalid(str(error)) from error
            sizes: dict[float, float] = {}
            for trade in self._market.prints(listing.conId, start_s, None, _PRINTS_MAX, request.useRth):
                sizes[trade.price] = sizes.get(trade.price, 0.0) + trade.size
            entries = tuple(HistogramEntry(price, sizes[price]) for price in sorted(sizes))
            session.send(HistogramData(request.reqId, entries))


def _wire_bar(bar: Bar, date: str, traded: bool) -> HistoricalBar:
    """What has no volume says -1."""
    volume, wap, count = (bar.volume, bar.wap, bar.count) if traded else (-1.0, -1.0, -1)
    return HistoricalBar(date, bar.open, bar.high, bar.low, bar.close, volume, wap, count)
