"""Requests that are not served, and how their clients hear of it."""

import contextlib
from collections.abc import Iterator

from rules_engine.gateway.contracts.lookup import NotFound
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.wire.session import Session

CONTINUOUS = "CONTFUT"
"""Continuous futures have a past only."""


class Refused(Exception):
    """A request that can be read but is not served: the code and the text that its client gets."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def invalid(cause: str) -> Refused:
    """Error 321 as TWS writes it. The letters are a place in TWS's own program and mean nothing."""
    return Refused(321, f"Error validating request.-'bW' : cause - {cause}")


@contextlib.contextmanager
def told_why(session: Session, reqId: int) -> Iterator[None]:
    """Whoever asks for what cannot be is told the reason, and nothing else happens."""
    try:
        yield
    except NotFound as unclear:
        session.send(Error(reqId, 200, str(unclear)))
    except Refused as refused:
        session.send(Error(reqId, refused.code, str(refused)))


def unknown_request(reqId: int) -> Error:
    """There is nothing to cancel."""
    return Error(reqId, 300, f"Can't find EId with tickerId:{reqId}")
