"""Welcomes clients: hello, client number, accounts, next id; hands their requests on and sees them off."""

from collections.abc import Callable, Sequence

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.faults.uplink import Uplink
from rules_engine.gateway.messages.link import (
    SYSTEM,
    CurrentTime,
    Error,
    NextValidId,
    ReqCurrentTime,
    ReqManagedAccounts,
    SetServerLogLevel,
)
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.passage import Passage
from rules_engine.gateway.times import time_text
from rules_engine.gateway.wire.frames import VERSION_MAX
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session
from rules_engine.gateway.wire.switchboard import Switchboard


class Reception:
    """The gateway as sessions see it."""

    def __init__(
        self,
        switchboard: Switchboard,
        router: Router,
        book: OrderBook,
        faults: Faults,
        uplink: Uplink,
        passage: Passage,
        version_max: int = VERSION_MAX,
    ) -> None:
        self.version_max = version_max
        self._switchboard = switchboard
        self._router = router
        self._book = book
        self._faults = faults
        self._uplink = uplink
        self._passage = passage
        self.passes = faults.tampering.passes
        """Whether a reply is sent as usual; asked for every tick, so without a step in between."""
        self._on_left: list[Callable[[Session], None]] = []
        self._on_settled: list[Callable[[], None]] = []
        self.is_too_fast = faults.interception.is_too_fast
        """Whether a client sends faster than it may; it has been told."""
        for part in (faults.tampering, faults.interception, uplink):
            self.on_left(part.left)
        router.on(ReqCurrentTime, lambda session, _: session.send(CurrentTime(int(self._shown_s()))))
        router.on(SetServerLogLevel, lambda session, _: None)

    def on_left(self, action: Callable[[Session], None]) -> None:
        """Do this when a client has gone."""
        self._on_left.append(action)

    def on_settled(self, action: Callable[[], None]) -> None:
        """Do this when everything that came in one read was handled."""
        self._on_settled.append(action)

    def session(self) -> Session:
        """A session for a socket that opens."""
        session = Session(self)
        self._switchboard.connected(session)
        return session

    @property
    def frozen(self) -> bool:
        """Bytes are taken and nothing is answered."""
        return self._passage.frozen

    @property
    def down(self) -> bool:
        """It is restarting: nobody gets a connection."""
        return self._faults.down

    @property
    def piece_bytes(self) -> int:
        """Bytes leave in pieces of this size; 0 leaves them whole."""
        return self._faults.piece_bytes

    def hello(self, version: int) -> Sequence[str]:
        """The fields of the server's hello: the version and the time."""
        return str(self._faults.hello_version or version), time_text(self._shown_s())

    def start(self, session: Session, clientId: int) -> None:
        """Give a client its number and tell it what it may use, or turn it away."""
        if clientId in self._faults.refused_clients or not self._switchboard.enter(session, clientId):
            session.send(Error(SYSTEM, 326, text_of(326)))
            session.close()
            return
        self._router.answer(session, ReqManagedAccounts())
        session.send(NextValidId(self._book.next_id(clientId)))
        for notice in self._uplink.notices():
            session.send(notice)

    def request(self, session: Session, message: object) -> None:
        """Have one request answered, unless a fault is in the way."""
        if not (self._faults.interception.takes(session, message) or self._uplink.holds(session, message)):
            self._router.answer(session, message)
        if self._faults.interception.ends(session, message):
            session.reset()

    def settle(self) -> None:
        """Everything that came in one read was handled."""
        for action in self._on_settled:
            action()

    def left(self, session: Session) -> None:
        """The connection is gone."""
        self._switchboard.leave(session)
        for action in self._on_left:
            action(session)

    def _shown_s(self) -> float:
        return self._passage.now_s() + self._faults.clock_skew_s
