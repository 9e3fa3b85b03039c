"""What every source of prices answers: what comes next, and what was."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from rules_engine.gateway.market.quote import Change, Print, Spread


class Source(Protocol):
    """A market for some instruments. What it streamed and what it tells about the past are one story."""

    def covers(self, conId: int) -> bool:
        """Whether prices of this instrument come from here."""
        ...

    def instruments(self) -> Iterable[int]:
        """Those that play from the start, asked for or not."""
        ...

    def start(self, now_s: float) -> None:
        """The first price is due at ``now_s``."""
        ...

    def watch(self, conId: int, from_s: float) -> None:
        """Somebody wants this instrument from this instant on, which is included."""
        ...

    def next_s(self) -> float | None:
        """When the next instant is due; None when nothing follows."""
        ...

    def take(self) -> tuple[Change, ...]:
        """Everything that happens at that instant."""
        ...

    def prints(self, conId: int, start_s: float, end_s: float) -> Iterator[Print]:
        """Trades in `[start_s, end_s)`, the past before the start and what follows it."""
        ...

    def spreads(self, conId: int, start_s: float, end_s: float) -> Iterator[Spread]:
        """Quotes in `[start_s, end_s)`."""
        ...

    def head_s(self, conId: int) -> float | None:
        """The oldest price."""
        ...

    def previous_close(self, conId: int) -> float | None:
        """The close of the day before the start, where the source says it."""
        ...

    def quotes_are_real(self, conId: int) -> bool:
        """Whether its quotes are the source's own, not drawn around prints."""
        ...

    def open_since_s(self) -> float:
        """From this instant on its markets never close; before it the exchange's hours hold."""
        ...
