"""What the sender needs from the place where notices wait: the journal keeps them, this port reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One notice on its way to one channel. ``attempts`` counts the failed ones, ``next_s`` is when to try again."""

    id: int
    channel: str
    rule: str
    title: str
    text: str
    attempts: int = 0
    next_s: float = 0.0


class Outbox(Protocol):
    """Notices that must reach their channels at least once. Each call is one committed transaction."""

    def channels(self) -> frozenset[str]:
        """The channels for which something waits."""
        ...

    def waiting(self, channel: str, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows of a channel that are neither sent nor dead, in the order in which they were recorded.

        Rows that are not due yet are among them, and so are rows marked as sending: before the first of our own marks
        these are what a crash interrupted.
        """
        ...

    def mark_sending(self, row_id: int) -> None: ...

    def mark_sent(self, row_id: int) -> None: ...

    def mark_failed(self, row_id: int, next_s: float, error: str) -> None:
        """Counts the attempt and keeps the row for ``next_s``."""
        ...

    def mark_dead(self, row_id: int, error: str) -> None:
        """Gives the row up; it stays visible with its error."""
        ...
