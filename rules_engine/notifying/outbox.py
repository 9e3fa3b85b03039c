"""What the sender needs from the place where messages wait: the journal keeps them, this port reads them."""

from collections.abc import Sequence
from typing import Protocol

from rules_engine.model.notice import NoticeKind


class Waiting(Protocol):
    """One notice on its way to one channel.

    ``at_s`` is when the event was, ``attempts`` counts those begun, ``next_s`` is when the next is due.
    """

    @property
    def id(self) -> int: ...

    @property
    def channel(self) -> str: ...

    @property
    def kind(self) -> NoticeKind: ...

    @property
    def rule(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def at_s(self) -> float: ...

    @property
    def attempts(self) -> int: ...

    @property
    def next_s(self) -> float: ...


class Outbox(Protocol):
    """Messages that must reach their channels at least once. Each change is one committed transaction."""

    def channels(self) -> frozenset[str]:
        """The channels for which something waits."""
        ...

    def waiting(self, channel: str, count_max: int) -> Sequence[Waiting]:
        """The oldest messages of a channel that are neither sent nor dead, in the order in which they were recorded.

        Those that are not due yet are among them, and those that a crash interrupted while they were being sent. Behind
        them come those to be acted on before which no other of their rule waits behind them.
        """
        ...

    def sending(self, message_id: int) -> None:
        """Counts an attempt, before it begins."""
        ...

    def sent(self, message_id: int) -> None: ...

    def retry(self, message_id: int, at_s: float, error: str) -> None:
        """Keeps the message for ``at_s``."""
        ...

    def give_up(self, message_id: int, error: str) -> None:
        """The message is dead; it stays visible with its error."""
        ...

    def hand_on(self, message_id: int, channels: Sequence[str], error: str) -> None:
        """These channels take the message, unless they were told of the same event; where it was, it is dead."""
        ...
