"""What becomes of a request before anybody answers it: ignored, refused, too fast, or the last of its connection."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.wire.session import Session


@dataclass(slots=True)
class _Ignored:
    request: str
    left: int | None
    client: int | None


@dataclass(slots=True)
class _LastRequest:
    request: str
    left: int
    client: int | None


@dataclass(slots=True)
class _Refusal:
    code: int
    text: str
    left: int
    placed: bool


class Interception:
    """Stands between what clients ask and those who answer."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._ignored: list[_Ignored] = []
        self._last: list[_LastRequest] = []
        self._refusals: deque[_Refusal] = deque()
        self._sent_s: dict[Session, deque[float]] = {}
        self.rate_max = 0.0
        """Requests of one client in a second; more are answered with error 100. 0 is no limit."""

    def ignore(self, request: str, count: int | None, client: int | None) -> None:
        """Never answer requests of this type, or not the next so many."""
        self._ignored.append(_Ignored(request, count, client))

    def drop_after(self, request: str, count: int, client: int | None) -> None:
        """Take so many more requests of this type, then cut the connection that sent the last of them."""
        self._last.append(_LastRequest(request, count, client))

    def refuse_orders(self, code: int, text: str, count: int, placed: bool) -> None:
        """Answer the next orders with this code; with `placed` they are taken all the same."""
        self._refusals.append(_Refusal(code, text, count, placed))

    def end(self, request: str | None = None) -> None:
        """Let requests of this type, or all, through again."""
        self._ignored = [one for one in self._ignored if request not in (None, one.request)]
        self._last = [one for one in self._last if request not in (None, one.request)]
        if request in (None, PlaceOrder.__name__):
            self._refusals.clear()

    def left(self, session: Session) -> None:
        """The connection is gone."""
        self._sent_s.pop(session, None)

    def takes(self, session: Session, message: object) -> bool:
        """Whether nobody else shall answer this request."""
        if not (self._ignored or self._last or self._refusals):
            return False
        name = type(message).__name__
        return self._ignores(session, name) or self._refuses(session, message)

    def ends(self, session: Session, message: object) -> bool:
        """Whether the connection ends with this request."""
        name = type(message).__name__
        for one in self._last:
            if one.request == name and one.client in (None, session.clientId):
                one.left -= 1
                if one.left == 0:
                    self._last.remove(one)
                    return True
        return False

    def is_too_fast(self, session: Session) -> bool:
        """Whether what this client sends now goes beyond its rate, of which it is told; whatever it is counts."""
        if not self.rate_max:
            return False
        now_s = self._now_s()
        sent_s = self._sent_s.setdefault(session, deque())
        while sent_s and sent_s[0] <= now_s - 1.0:
            sent_s.popleft()
        sent_s.append(now_s)
        too_fast = len(sent_s) > self.rate_max
        if too_fast:
            session.send(Error(SYSTEM, 100, text_of(100)))
        return too_fast

    def _ignores(self, session: Session, name: str) -> bool:
        for one in self._ignored:
            if one.request == name and one.client in (None, session.clientId):
                if one.left is not None:
                    one.left -= 1
                    if one.left == 0:
                        self._ignored.remove(one)
                return True
        return False

    def _refuses(self, session: Session, message: object) -> bool:
        if not isinstance(message, PlaceOrder) or not self._refusals:
            return False
        refusal = self._refusals[0]
        refusal.left -= 1
        if refusal.left == 0:
            self._refusals.popleft()
        session.send(Error(message.orderId, refusal.code, refusal.text or text_of(refusal.code)))
        return not refusal.placed
