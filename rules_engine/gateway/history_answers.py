"""Answers to requests about the past, and bars that keep up with the present."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.forming import FormingBar, empty_bar, shown_trade
from rules_engine.gateway.history import Bar, bar_span_s
from rules_engine.gateway.hours import CALENDARS
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.market import Market
from rules_engine.gateway.messages.history_messages import (
    CancelHeadTimestamp,
    CancelHistoricalData,
    HeadTimestamp,
    HistoricalBar,
    HistoricalData,
    HistoricalDataUpdate,
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksLast,
    PastBidAsk,
    PastLast,
    PastMidPoint,
    ReqHeadTimestamp,
    ReqHistoricalData,
    ReqHistoricalTicks,
)
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.quote import Print, Spread, Tick
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session
from rules_engine.gateway.spans import DAY_S, bar_size_s, duration_s
from rules_engine.gateway.times import day_text, read_time, time_text, utc_text

SHOWN = frozenset({"TRADES", "AGGTRADES", "ADJUSTED_LAST", "MIDPOINT", "BID", "ASK", "BID_ASK"})
BARS_MAX = 100_000
TICKS_MAX = 1000
_NO_DATA = "Historical Market Data Service error message:HMDS query returned no data"


class Invalid(Exception):
    """A request that can be read but not served: error 321, or the code given."""

    def __init__(self, text: str, code: int = 321) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class _Kept:
    """A request that keeps up to date, with the bar that is forming."""

    session: Session
    request: ReqHistoricalData
    listing: Listing
    bar_s: float
    bar: FormingBar | None


class HistoryAnswers:
    """Bars and ticks of the past."""

    def __init__(self, market: Market, now_s: Callable[[], float], router: Router) -> None:
        self._market = market
        self._now_s = now_s
        self._kept: dict[tuple[Session, int], _Kept] = {}
        router.on(ReqHistoricalData, self._bars)
        router.on(CancelHistoricalData, self._cancel)
        router.on(ReqHeadTimestamp, self._head)
        router.on(CancelHeadTimestamp, lambda session, request: None)
        router.on(ReqHistoricalTicks, self._ticks)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Bring kept bars up to date with the prices of one instant."""
        if not self._kept:
            return
        moved = {tick.conId for tick in ticks}
        for kept in self._kept.values():
            if kept.listing.conId in moved:
                self._follow(kept, [tick for tick in ticks if tick.conId == kept.listing.conId])

    def left(self, session: Session) -> None:
        """A client is gone; so are the bars that it kept."""
        for key in [key for key in self._kept if key[0] is session]:
            del self._kept[key]

    def _bars(self, session: Session, request: ReqHistoricalData) -> None:
        try:
            self._tell_bars(session, request)
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
        except Invalid as invalid:
            session.send(Error(request.reqId, invalid.code, str(invalid)))
        except ValueError as error:
            session.send(Error(request.reqId, 321, f"Error validating request.-'bD' : cause - {error}"))

    def _tell_bars(self, session: Session, request: ReqHistoricalData) -> None:
        listing = self._historical(request.whatToShow, the_one(self._market.catalogue, request.contract))
        if request.keepUpToDate and request.endDateTime:
            raise ValueError("End time not supported with keepUpToDate")
        end_s = read_time(request.endDateTime) if request.endDateTime else self._now_s()
        bar_s, (length_s, days) = bar_size_s(request.barSize), duration_s(request.duration)
        if days:
            length_s = end_s - self._market.days_start_s(listing.conId, end_s, days)
        if length_s / bar_s > BARS_MAX:
            raise Invalid("Historical Market Data Service error message:Time length exceeds the maximum", 162)
        bars = self._market.bars(listing.conId, end_s, length_s, bar_s, request.whatToShow, request.useRth)
        if not bars:
            raise Invalid(f"{_NO_DATA}: {listing.contract.symbol}@{listing.contract.exchange}", 162)
        zone = listing.timeZoneId
        session.send(
            HistoricalData(
                request.reqId,
                time_text(end_s - length_s, zone),
                time_text(end_s, zone),
                tuple(_wire_bar(bar, request, bar_s, zone) for bar in bars),
            )
        )
        if request.keepUpToDate:
            kept = _Kept(session, request, listing, bar_s, _continued(bars[-1]))
            self._kept[session, request.reqId] = kept

    def _follow(self, kept: _Kept, ticks: Sequence[Tick]) -> None:
        quote = self._market.quote(kept.listing.conId)
        changed = False
        for tick in ticks:
            shown = shown_trade(kept.request.whatToShow, tick, quote)
            if shown is None:
                continue
            start_s, _ = bar_span_s(tick.time_s, kept.bar_s, CALENDARS[kept.listing.calendar])
            if kept.bar is None or start_s > kept.bar.start_s:
                kept.bar = empty_bar(start_s, shown[0])
            kept.bar.see(*shown)
            changed = True
        if changed and kept.bar is not None:
            kept.session.send(_update(kept, kept.bar))

    def _cancel(self, session: Session, request: CancelHistoricalData) -> None:
        if self._kept.pop((session, request.reqId), None) is None:
            text = "Historical Market Data Service error message:API historical data query cancelled"
            session.send(Error(request.reqId, 162, f"{text}: {request.reqId}"))

    def _head(self, session: Session, request: ReqHeadTimestamp) -> None:
        try:
            listing = self._historical(request.whatToShow, the_one(self._market.catalogue, request.contract))
            head_s = self._market.head_s(listing.conId)
            if head_s is None:
                raise Invalid("Historical Market Data Service error message:No head time stamp", 162)
            text = str(int(head_s)) if request.formatDate == 2 else utc_text(head_s)
            session.send(HeadTimestamp(request.reqId, text))
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
        except Invalid as invalid:
            session.send(Error(request.reqId, invalid.code, str(invalid)))

    def _ticks(self, session: Session, request: ReqHistoricalTicks) -> None:
        try:
            session.send(self._past_ticks(request))
        except NotFound as unclear:
            session.send(Error(request.reqId, 200, str(unclear)))
        except ValueError as error:
            session.send(Error(request.reqId, 321, f"Error validating request.-'cQ' : cause - {error}"))

    def _past_ticks(self, request: ReqHistoricalTicks) -> object:
        conId = the_one(self._market.catalogue, request.contract).conId
        if bool(request.startDateTime) == bool(request.endDateTime):
            raise ValueError("either a start or an end time must be given")
        if not 0 < request.count <= TICKS_MAX:
            raise ValueError(f"{request.count} ticks: 1 to {TICKS_MAX} can be asked for")
        start_s = read_time(request.startDateTime) if request.startDateTime else None
        end_s = read_time(request.endDateTime) if request.endDateTime else None
        if request.whatToShow == "TRADES":
            prints = self._market.prints(conId, start_s, end_s, request.count, request.useRth)
            return HistoricalTicksLast(request.reqId, past_lasts(prints), True)
        spreads = self._market.spreads(conId, start_s, end_s, request.count, request.useRth)
        if request.whatToShow == "BID_ASK":
            return HistoricalTicksBidAsk(request.reqId, past_bid_asks(spreads), True)
        if request.whatToShow == "MIDPOINT":
            return HistoricalTicks(request.reqId, past_mid_points(spreads), True)
        raise ValueError(f"{request.whatToShow!r} cannot be shown as ticks")

    def _historical(self, what: str, listing: Listing) -> Listing:
        if what not in SHOWN:
            raise Invalid(f"Error validating request.-'bD' : cause - Invalid what to show {what!r}")
        if what == "TRADES" and not listing.prints_trades:
            name = f"{listing.contract.symbol}.{listing.contract.currency}"
            raise Invalid(f"{_NO_DATA}: {name} has no trades", 162)
        return listing


def past_lasts(prints: Sequence[Print]) -> tuple[PastLast, ...]:
    """Trades as historical ticks."""
    return tuple(PastLast(int(one.time_s), 0, one.price, one.size, "", "") for one in prints)


def past_bid_asks(spreads: Sequence[Spread]) -> tuple[PastBidAsk, ...]:
    """Quotes as historical ticks."""
    return tuple(PastBidAsk(int(one.time_s), 0, one.bid, one.ask, one.bidSize, one.askSize) for one in spreads)


def past_mid_points(spreads: Sequence[Spread]) -> tuple[PastMidPoint, ...]:
    """The middle of quotes as historical ticks."""
    return tuple(PastMidPoint(int(one.time_s), 0, (one.bid + one.ask) / 2, 0.0) for one in spreads)


def _date(at_s: float, request: ReqHistoricalData, bar_s: float, zone: str) -> str:
    """Days are dates in any format; shorter bars are local times (1) or seconds since the epoch (2)."""
    if bar_s >= DAY_S:
        return day_text(at_s, zone)
    return str(int(at_s)) if request.formatDate == 2 else time_text(at_s, zone)


def _wire_bar(bar: Bar, request: ReqHistoricalData, bar_s: float, zone: str) -> HistoricalBar:
    date = _date(bar.time_s, request, bar_s, zone)
    return HistoricalBar(date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count)


def _continued(bar: Bar) -> FormingBar:
    volume = max(0.0, bar.volume)
    return FormingBar(bar.time_s, bar.open, bar.high, bar.low, bar.close, volume, bar.wap * volume, max(1, bar.count))


def _update(kept: _Kept, bar: FormingBar) -> HistoricalDataUpdate:
    return HistoricalDataUpdate(
        reqId=kept.request.reqId,
        count=bar.count,
        date=_date(bar.start_s, kept.request, kept.bar_s, kept.listing.timeZoneId),
        open=bar.open,
        close=bar.close,
        high=bar.high,
        low=bar.low,
        average=bar.average,
        volume=bar.volume,
    )
