"""Welcomes clients: hello, client number, accounts, next id; hands their requests on and sees them off."""

from collections.abc import Callable

from rules_engine.gateway.book import OrderBook
from rules_engine.gateway.codes import text_of
from rules_engine.gateway.faults import Faults
from rules_engine.gateway.messages.link import (
    SYSTEM,
    CurrentTime,
    Error,
    NextValidId,
    ReqCurrentTime,
    ReqManagedAccounts,
    SetServerLogLevel,
)
from rules_engine.gateway.passage import Passage
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session
from rules_engine.gateway.switchboard import Switchboard
from rules_engine.gateway.times import time_text
from rules_engine.gateway.wire import VERSION_MAX

_FARMS_OK = (2104, 2106, 2158)


class Reception:
    """The gateway as sessions see it."""

    def __init__(
        self,
        switchboard: Switchboard,
        router: Router,
        book: OrderBook,
        faults: Faults,
        passage: Passage,
        version_max: int = VERSION_MAX,
    ) -> None:
        self.version_max = version_max
        self._switchboard = switchboard
        self._router = router
        self._book = book
        self._faults = faults
        self._passage = passage
        self._on_left: list[Callable[[Session], None]] = []
        self._on_settled: list[Callable[[], None]] = []
        router.on(ReqCurrentTime, lambda session, _: session.send(CurrentTime(int(passage.now_s()))))
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

    def greeting_time(self) -> str:
        """The time in the server's hello."""
        return time_text(self._passage.now_s())

    def start(self, session: Session, clientId: int) -> None:
        """Give a client its number and tell it what it may use, or turn it away."""
        if clientId in self._faults.refused_clients or not self._switchboard.enter(session, clientId):
            session.send(Error(SYSTEM, 326, text_of(326)))
            session.close()
            return
        self._router.answer(session, ReqManagedAccounts())
        session.send(NextValidId(self._book.next_id(clientId)))
        for code in _FARMS_OK:
            session.send(Error(SYSTEM, code, text_of(code)))

    def request(self, session: Session, message: object) -> None:
        """Have one request answered."""
        self._router.answer(session, message)

    def settle(self) -> None:
        """Everything that came in one read was handled."""
        for action in self._on_settled:
            action()

    def withholds(self, message: object) -> bool:
        """This reply is not to be sent."""
        return self._faults.withholds(message)

    def left(self, session: Session) -> None:
        """The connection is gone."""
        self._switchboard.leave(session)
        for action in self._on_left:
            action(session)
