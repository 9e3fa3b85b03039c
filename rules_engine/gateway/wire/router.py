"""Who answers which request."""

import typing
from collections.abc import Callable

from rules_engine.gateway.wire.session import Session

R = typing.TypeVar("R")


class Router:
    """Request types with the functions that answer them."""

    def __init__(self) -> None:
        self._answers: dict[type, Callable[[Session, object], None]] = {}

    def on(self, kind: type[R], answer: Callable[[Session, R], None]) -> None:
        """This function answers requests of this type."""
        assert kind not in self._answers
        self._answers[kind] = typing.cast("Callable[[Session, object], None]", answer)

    def answer(self, session: Session, message: object) -> None:
        """Have one request answered; every type that can be read has its answer."""
        self._answers[type(message)](session, message)
