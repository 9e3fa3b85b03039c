"""Tick-by-tick data: every print and every change of a quote, one message each."""

from collections.abc import Callable, Sequence

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.gateway.feeds.tick_history import TickQuery, past_ticks, seen_by
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Spread, Tick, TickKind, middle
from rules_engine.gateway.messages.price_messages import (
    CancelTickByTick,
    ReqTickByTick,
    TickByTickBidAsk,
    TickByTickLast,
    TickByTickMidPoint,
)
from rules_engine.gateway.wire.refusals import CONTINUOUS, Refused, invalid, told_why, unknown_request
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

# The number of each kind on the wire, and what its past is called.
_KINDS = {"Last": (1, "TRADES"), "AllLast": (2, "TRADES"), "BidAsk": (3, "BID_ASK"), "MidPoint": (4, "MIDPOINT")}

Key = tuple[Session, int]


class StreamAnswers:
    """Tick-by-tick streams of all clients."""

    def __init__(
        self, market: Market, now_s: Callable[[], float], faults: Faults, limits: Limits, router: Router
    ) -> None:
        self._market = market
        self._now_s = now_s
        self._faults = faults
        self._limits = limits
        self._conIds: dict[Key, int] = {}
        self._by_instrument: dict[int, dict[Key, _Stream]] = {}
        router.on(ReqTickByTick, self._start)
        router.on(CancelTickByTick, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant."""
        for tick in ticks:
            streams = self._by_instrument.get(tick.conId)
            if streams:
                for stream in streams.values():
                    stream.tell(tick)

    def left(self, session: Session) -> None:
        """A client is gone; so are its streams."""
        for key in [key for key in self._conIds if key[0] is session]:
            self._drop(key)

    def _start(self, session: Session, request: ReqTickByTick) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self._market.catalogue, request.contract)
            self._check(session, request, listing)
            number, what = _KINDS[request.tickType]
            if request.count > 0:
                query = TickQuery(
                    listing.conId, what, request.count, end_s=self._now_s(), ignore_size=request.ignoreSize
                )
                session.send(past_ticks(self._market, request.reqId, query))
            self._conIds[session, request.reqId] = listing.conId
            stream = _Stream(session, request.reqId, number, seen_by(what, request.ignoreSize))
            stream.begin(self._market.quote(listing.conId).spread)
            self._by_instrument.setdefault(listing.conId, {})[session, request.reqId] = stream

    def _check(self, session: Session, request: ReqTickByTick, listing: Listing) -> None:
        contract = listing.contract
        if request.tickType not in _KINDS:
            raise invalid(f"Invalid tick type {request.tickType!r}")
        if contract.secType == CONTINUOUS:
            raise invalid("Continuous futures have history only")
        told = listing.prints_trades if _KINDS[request.tickType][1] == "TRADES" else listing.quotes
        if not told:
            raise Refused(10189, f"Failed to request tick-by-tick data:No {request.tickType} for {contract.secType}")
        if self._faults.data_codes.get(listing.conId):
            permission = f"No market data permissions for {contract.exchange} {contract.secType}"
            raise Refused(10189, f"Failed to request tick-by-tick data:{permission}")
        if (session, request.reqId) in self._conIds:
            raise Refused(102, "Duplicate ticker id")
        if sum(1 for key in self._conIds if key[0] is session) >= self._limits.tick_streams:
            raise Refused(10190, "Max number of tick-by-tick requests has been reached.")

    def _cancel(self, session: Session, request: CancelTickByTick) -> None:
        if (session, request.reqId) in self._conIds:
            self._drop((session, request.reqId))
        else:
            session.send(unknown_request(request.reqId))

    def _drop(self, key: Key) -> None:
        conId = self._conIds.pop(key)
        streams = self._by_instrument[conId]
        del streams[key]
        if not streams:
            del self._by_instrument[conId]


class _Stream:
    """One tick-by-tick request; a quote that looks the same to it as the one before is not told."""

    def __init__(self, session: Session, reqId: int, number: int, seen: Callable[[Spread], object]) -> None:
        self._session = session
        self._reqId = reqId
        self._number = number
        self._seen = seen
        self._shown: object = None

    def begin(self, spread: Spread | None) -> None:
        """The quote that stands is known; what changes it is news."""
        self._shown = None if spread is None else self._seen(spread)

    def tell(self, tick: Tick) -> None:
        """A print, or a bid or ask that belongs to a new quote."""
        number = self._number
        if number <= 2:
            if tick.kind is TickKind.TRADE:
                self._session.send(
                    TickByTickLast(self._reqId, number, int(tick.time_s), tick.price, tick.size, 0, "", "")
                )
        elif tick.spread is not None:
            shown = self._seen(tick.spread)
            if shown != self._shown:
                self._shown = shown
                self._session.send(self._quote(tick.spread))

    def _quote(self, spread: Spread) -> object:
        at_s, bid, ask, bidSize, askSize = spread
        if self._number == 3:
            return TickByTickBidAsk(self._reqId, 3, int(at_s), bid, ask, bidSize, askSize, 0)
        return TickByTickMidPoint(self._reqId, 4, int(at_s), middle(bid, ask))
