"""The connected clients, by number."""

from collections.abc import Iterator

from rules_engine.gateway.wire.session import Session

CLIENTS_MAX = 32


class Switchboard:
    """Finds the session of a client and sends to some or all of them."""

    def __init__(self) -> None:
        self._by_client: dict[int, Session] = {}
        self._all: dict[Session, None] = {}

    def connected(self, session: Session) -> None:
        """A socket opened; who it is comes later."""
        self._all[session] = None

    def enter(self, session: Session, clientId: int) -> bool:
        """Give a session its client number; False when it has one, when another holds it, or all places are taken."""
        if session.clientId is not None or clientId in self._by_client or len(self._by_client) >= CLIENTS_MAX:
            return False
        session.clientId = clientId
        self._by_client[clientId] = session
        return True

    def leave(self, session: Session) -> None:
        """The session is gone and its number is free."""
        self._all.pop(session, None)
        if session.clientId is not None and self._by_client.get(session.clientId) is session:
            del self._by_client[session.clientId]

    def client(self, clientId: int) -> Session | None:
        """The session of this client, if it is connected."""
        return self._by_client.get(clientId)

    def started(self) -> Iterator[Session]:
        """Every client that has said who it is."""
        yield from list(self._by_client.values())

    def sockets(self) -> Iterator[Session]:
        """Every connection, started or not, the oldest first."""
        yield from list(self._all)

    def send_all(self, message: object) -> None:
        """Tell every client."""
        for session in self.started():
            session.send(message)

    def flush(self) -> None:
        """Write what is queued for any of them."""
        for session in list(self._all):
            session.flush()
