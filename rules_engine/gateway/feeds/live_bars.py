"""Real-time bars: five seconds each, told when they end."""

import math
from collections.abc import Callable, Sequence

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.market.forming import FormingBar, continued, empty_bar, shown_price, shown_trade
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.messages.price_messages import CancelRealTimeBars, RealTimeBar, ReqRealTimeBars
from rules_engine.gateway.times import Timers
from rules_engine.gateway.wire.refusals import CONTINUOUS, Refused, invalid, told_why, unknown_request
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

BAR_S = 5.0
_SHOWN = frozenset({"TRADES", "MIDPOINT", "BID", "ASK"})
_DELAYED = 10167

Key = tuple[Session, int]


class LiveBars:
    """Real-time bars of all clients."""

    def __init__(
        self, market: Market, timers: Timers, now_s: Callable[[], float], faults: Faults, router: Router
    ) -> None:
        self._market = market
        self._timers = timers
        self._now_s = now_s
        self._faults = faults
        self._streams: dict[Key, _Stream] = {}
        self._by_instrument: dict[int, dict[Key, _Stream]] = {}
        self._due = False
        router.on(ReqRealTimeBars, self._start)
        router.on(CancelRealTimeBars, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant."""
        for tick in ticks:
            streams = self._by_instrument.get(tick.conId)
            if streams:
                for stream in streams.values():
                    stream.see(tick)

    def left(self, session: Session) -> None:
        """A client is gone; so are its bars."""
        for key in [key for key in self._streams if key[0] is session]:
            self._drop(key)

    def _start(self, session: Session, request: ReqRealTimeBars) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            self._check(request, listing)
            key = session, request.reqId
            if key in self._streams:
                raise Refused(102, "Duplicate ticker id")
            stream = _Stream(self._market, session, request, listing.conId)
            stream.begin(self._now_s())
            self._streams[key] = stream
            self._by_instrument.setdefault(listing.conId, {})[key] = stream
            self._schedule()

    def _check(self, request: ReqRealTimeBars, listing: Listing) -> None:
        contract, what = listing.contract, request.whatToShow
        if contract.secType == CONTINUOUS:
            raise invalid("Continuous futures have history only")
        if request.barSize != BAR_S or what not in _SHOWN:
            raise invalid("Only bars of 5 seconds of TRADES, MIDPOINT, BID or ASK")
        if not (listing.prints_trades if what == "TRADES" else listing.quotes):
            raise Refused(420, f"Invalid Real-time Query:No {what} for {contract.secType}")
        code = self._faults.data_codes.get(listing.conId)
        if code and code != _DELAYED:
            raise Refused(code, text_of(code))

    def _cancel(self, session: Session, request: CancelRealTimeBars) -> None:
        if (session, request.reqId) in self._streams:
            self._drop((session, request.reqId))
        else:
            session.send(unknown_request(request.reqId))

    def _drop(self, key: Key) -> None:
        conId = self._streams.pop(key).conId
        streams = self._by_instrument[conId]
        del streams[key]
        if not streams:
            del self._by_instrument[conId]

    def _schedule(self) -> None:
        if not self._due:
            self._due = True
            end_s = _slot_s(self._now_s()) + BAR_S
            self._timers.at(end_s, lambda: self._close(end_s))

    def _close(self, end_s: float) -> None:
        """Tell the bars that have just ended, also those in which nothing happened."""
        self._due = False
        for stream in self._streams.values():
            stream.pass_to(end_s)
        if self._streams:
            self._schedule()


class _Stream:
    """One request, with the bar that is forming. A bar that was begun before the request is told whole."""

    def __init__(self, market: Market, session: Session, request: ReqRealTimeBars, conId: int) -> None:
        self._market = market
        self._session = session
        self._reqId = request.reqId
        self._what = request.whatToShow
        self._use_rth = request.useRth
        self.conId = conId
        self._start_s = 0.0
        self._bar: FormingBar | None = None
        self._last: float | None = None

    def begin(self, now_s: float) -> None:
        """Takes in what has already happened in the present bar."""
        self._start_s = _slot_s(now_s)
        self._last = shown_price(self._what, self._market.quote(self.conId))
        past = self._market.bars(self.conId, now_s, now_s - self._start_s, BAR_S, self._what, self._use_rth)
        if past and past[-1].time_s == self._start_s:
            self._bar = continued(past[-1])

    def see(self, tick: Tick) -> None:
        """One more price. What comes too late for its bar is left to history."""
        shown = shown_trade(self._what, tick)
        if shown is None or not self._market.counts(self.conId, tick.time_s, self._use_rth):
            return
        self.pass_to(_slot_s(tick.time_s))
        if tick.time_s >= self._start_s:
            if self._bar is None:
                self._bar = empty_bar(self._start_s, shown[0])
            self._bar.see(*shown)
            self._last = shown[0]

    def pass_to(self, now_s: float) -> None:
        """Tell every bar that ended by then."""
        while self._start_s + BAR_S <= now_s:
            if self._market.counts(self.conId, self._start_s, self._use_rth):
                self._tell()
            self._bar = None
            self._start_s += BAR_S

    def _tell(self) -> None:
        if self._last is None:
            return
        bar = (self._bar or empty_bar(self._start_s, self._last)).shown(self._what)
        self._session.send(
            RealTimeBar(
                self._reqId, int(self._start_s), bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count
            )
        )


def _slot_s(at_s: float) -> float:
    return math.floor(at_s / BAR_S) * BAR_S
