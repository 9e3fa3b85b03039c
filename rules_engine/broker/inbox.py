"""What arrives from IB waits here, in order and bounded, until the engine takes it."""

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from rules_engine.broker.folding import Folded, folding
from rules_engine.model.reports import (
    AccountValue,
    ClockCompared,
    CommissionReport,
    ExecutionReport,
    FeedDown,
    FeedUp,
    LinkChange,
    OrderError,
    OrderReport,
    PositionReport,
    PositionsTold,
)
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick

Report = (
    OrderReport
    | ExecutionReport
    | CommissionReport
    | OrderError
    | FeedDown
    | FeedUp
    | LinkChange
    | ClockCompared
    | AccountValue
    | PositionReport
    | PositionsTold
)
Item = Tick | Report

DIVIDES = (FeedDown, FeedUp, LinkChange)
"""What was known before is not known after."""

TICKS_MAX = 200_000
"""About forty megabytes, and some seconds of work."""
REPORTS_MAX = 20_000
_LET_GO = 20
"""What was folded is let go by so many ticks with each that arrives: all at once would take as long as other work."""


class Inbox:
    """A bounded queue between the socket and the engine.

    When ``ticks_max`` ticks wait, the oldest third stays as it is, to be taken meanwhile. Of the rest each series is
    folded into its turning points; where more than a third of ``ticks_max`` would be left, into its low, high and last.
    That goes on by a few ticks with each one that arrives and takes about another third of them, so that twice
    ``ticks_max`` wait at the most, or of very many series five times what cannot go. Whoever takes all that was before
    the rest meanwhile takes the rest as it is. ``folded`` counts the ticks that went, all in all.

    Reports are never folded and what comes before one stays before it: at ``reports_max`` the newest is refused, and
    whoever offered it must give up the connection, so that a new one reads everything again.
    """

    def __init__(self, ticks_max: int = TICKS_MAX, reports_max: int = REPORTS_MAX) -> None:
        self.folded = 0
        self.ticks_max = ticks_max
        self._reports_max = reports_max
        self._newest: deque[Item] = deque()
        self._parts = [self._newest]
        """What waits, the oldest first. While the second part is being folded, these are three."""
        self._ticks = 0
        self._fold_at = ticks_max
        """At so many ticks folding begins, or goes on."""
        self._folding: Slices[None] | None = None
        self._stretch: deque[Item] | None = None
        """What is being folded."""
        self._newly_folded: set[str] = set()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        """How much waits to be taken."""
        return sum(map(len, self._parts))

    def tick(self, tick: Tick) -> None:
        """Takes in one tick; older ones are folded when there are too many."""
        if not self._ticks:
            self._arrived.set()
        self._newest.append(tick)
        self._ticks += 1
        if self._ticks >= self._fold_at:
            self._fold_on()

    def report(self, report: Report) -> bool:
        """Takes in one report; False when the inbox is full of reports that nobody takes."""
        if len(self) - self._ticks >= self._reports_max:
            return False
        self._newest.append(report)
        self._arrived.set()
        return True

    def holds(self, report: Report) -> bool:
        """Whether this very report still waits to be taken."""
        return any(item is report for item in chain(*self._parts))

    def take(self) -> Iterator[Item]:
        """What was not taken yet, one after the other, for as long as its taker goes on."""
        while part := self._parts[0]:
            item = part.popleft()
            if isinstance(item, Tick):
                self._ticks -= 1
            if not part:
                self._go_to_next_part()
            yield item

    def take_folded(self) -> frozenset[str]:
        """The instruments of which ticks were folded since the last call."""
        folded, self._newly_folded = frozenset(self._newly_folded), set()
        return folded

    def wake(self) -> None:
        """Whoever waits need not wait for anything to come."""
        self._arrived.set()

    async def wait(self) -> None:
        """Returns as soon as there is something to take, or somebody calls `wake`."""
        await self._arrived.wait()
        if not self._parts[0]:
            self._arrived.clear()

    def _go_to_next_part(self) -> None:
        while len(self._parts) > 1 and not self._parts[0]:
            del self._parts[0]
        if self._parts[0] is self._stretch:
            self._folding, self._stretch, self._fold_at = None, None, self.ticks_max
        if not self._parts[0]:
            self._arrived.clear()

    def _fold_on(self) -> None:
        if self._folding is None:
            self._folding, self._fold_at = self._fold(), 0
        try:
            next(self._folding)
        except StopIteration:
            self._folding, self._fold_at = None, self.ticks_max

    def _fold(self) -> Slices[None]:
        ahead = len(self) // 3 + 1
        head, stretch = deque(islice(chain(*self._parts), ahead)), deque(islice(chain(*self._parts), ahead, None))
        self._newest, self._stretch = deque(), stretch
        self._parts = [head, stretch, self._newest]
        work: Slices[Folded[Report]] = folding(stretch, DIVIDES, self.ticks_max // 3)
        folded = yield from work
        self._parts[1], self._stretch = folded.items, None
        self._ticks -= len(stretch) - len(folded.items)
        self.folded += len(stretch) - len(folded.items)
        self._newly_folded |= folded.instruments
        while stretch:
            yield
            for _ in range(min(len(stretch), _LET_GO)):
                stretch.popleft()
