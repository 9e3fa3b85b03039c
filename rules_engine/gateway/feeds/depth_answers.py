"""Market depth: the ladder of an instrument, row by row, kept equal to what can be traded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.feeds.ladder import steps
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.gateway.market.liquidity import Level, Liquidity
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.messages.depth_messages import (
    CancelMktDepth,
    ReqMktDepth,
    UpdateMktDepth,
    UpdateMktDepthL2,
)
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.wire.refusals import CONTINUOUS, Refused, told_why
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

_ASKS, _BIDS = 0, 1
_ROWS_MAX = 60

Key = tuple[Session, int]


@dataclass(slots=True, eq=False)
class _Ladder:
    """One request, with the rows that its client has."""

    session: Session
    request: ReqMktDepth
    conId: int
    exchange: str
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()


@dataclass(slots=True)
class DepthAnswers:
    """Ladders of all clients."""

    market: Market
    liquidity: Liquidity
    faults: Faults
    limits: Limits
    router: Router
    _ladders: dict[Key, _Ladder] = field(default_factory=dict)
    _by_instrument: dict[int, list[_Ladder]] = field(default_factory=dict)
    _traded: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.router.on(ReqMktDepth, self._start)
        self.router.on(CancelMktDepth, self._cancel)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant."""
        if self._by_instrument:
            for conId in {tick.conId for tick in ticks}:
                self._show(conId)

    def traded(self, conId: int) -> None:
        """An order took something out of this book."""
        if conId in self._by_instrument:
            self._traded.add(conId)

    def settle(self) -> None:
        """Show what orders left of the books that they traded in."""
        while self._traded:
            self._show(self._traded.pop())

    def left(self, session: Session) -> None:
        """A client is gone; so are its ladders."""
        for key in [key for key in self._ladders if key[0] is session]:
            self._drop(key)

    def _start(self, session: Session, request: ReqMktDepth) -> None:
        with told_why(session, request.reqId):
            listing = the_one(self.market.catalogue, request.contract)
            self._check(session, request, listing)
            contract = listing.contract
            exchange = contract.primaryExchange or contract.exchange
            ladder = _Ladder(session, request, listing.conId, exchange)
            self._ladders[session, request.reqId] = ladder
            self._by_instrument.setdefault(listing.conId, []).append(ladder)
            self._show_one(ladder)

    def _check(self, session: Session, request: ReqMktDepth, listing: Listing) -> None:
        contract = listing.contract
        if not listing.quotes or contract.secType == CONTINUOUS:
            text = "Deep market data is not supported for this combination of security type/exchange"
            raise Refused(10092, text)
        code = self.faults.data_codes.get(listing.conId)
        if code:
            raise Refused(code, text_of(code))
        if (session, request.reqId) in self._ladders:
            raise Refused(102, "Duplicate ticker id")
        if len(self._ladders) >= self.limits.depth_lines:
            raise Refused(309, f"Max number ({self.limits.depth_lines}) of market depth requests has been reached")

    def _cancel(self, session: Session, request: CancelMktDepth) -> None:
        if (session, request.reqId) in self._ladders:
            self._drop((session, request.reqId))
        else:
            text = f"Can't find the subscribed market depth with tickerId:{request.reqId}"
            session.send(Error(request.reqId, 310, text))

    def _drop(self, key: Key) -> None:
        ladder = self._ladders.pop(key)
        ladders = self._by_instrument[ladder.conId]
        ladders.remove(ladder)
        if not ladders:
            del self._by_instrument[ladder.conId]

    def _show(self, conId: int) -> None:
        for ladder in self._by_instrument.get(conId, ()):
            self._show_one(ladder)

    def _show_one(self, ladder: _Ladder) -> None:
        rows = min(max(1, ladder.request.rows), _ROWS_MAX)
        bids, asks = self.liquidity.bids(ladder.conId)[:rows], self.liquidity.asks(ladder.conId)[:rows]
        for side, old, new, best_first in ((_BIDS, ladder.bids, bids, -1), (_ASKS, ladder.asks, asks, 1)):
            for operation, position, (price, size) in steps(old, new, best_first):
                self._tell(ladder, position, operation, side, price, size)
        ladder.bids, ladder.asks = bids, asks

    def _tell(self, ladder: _Ladder, position: int, operation: int, side: int, price: float, size: float) -> None:
        """A consolidated ladder says whose each row is; there is one maker for all."""
        reqId = ladder.request.reqId
        if ladder.request.isSmart:
            message: object = UpdateMktDepthL2(reqId, position, ladder.exchange, operation, side, price, size, True)
        else:
            message = UpdateMktDepth(reqId, position, operation, side, price, size)
        ladder.session.send(message)
