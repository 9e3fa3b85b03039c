"""What arrives from IB waits here, in order and bounded, until the engine takes it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from rules_engine.broker.folding import extremes, turning_points
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

_DIVIDES = (FeedDown, FeedUp, LinkChange)

TICKS_MAX = 200_000
"""About forty megabytes, and some seconds of work."""
REPORTS_MAX = 20_000


class Inbox:
    """A bounded queue between the socket and the engine.

    When ticks reach ``ticks_max``, each series is folded into its turning points; where that leaves more than half of
    ``ticks_max``, into its low, high and last. ``folded`` counts the ticks that went, all in all. Reports are never
    folded and what comes before one stays before it: at ``reports_max`` the newest is refused, and whoever offered it
    must give up the connection, so that a new one reads everything again.
    """

    def __init__(self, ticks_max: int = TICKS_MAX, reports_max: int = REPORTS_MAX) -> None:
        self.folded = 0
        self.ticks_max = ticks_max
        self._reports_max = reports_max
        self._items: deque[Item] = deque()
        self._ticks = 0
        self._fold_at = ticks_max
        self._newly_folded: set[str] = set()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        """How much waits to be taken."""
        return len(self._items)

    def tick(self, tick: Tick) -> None:
        """Takes in one tick; older ones are folded when there are too many."""
        if not self._items:
            self._arrived.set()
        self._items.append(tick)
        self._ticks += 1
        if self._ticks >= self._fold_at:
            self._fold()

    def report(self, report: Report) -> bool:
        """Takes in one report; False when the inbox is full of reports that nobody takes."""
        if len(self) - self._ticks >= self._reports_max:
            return False
        self._items.append(report)
        self._arrived.set()
        return True

    def holds(self, report: Report) -> bool:
        """Whether this very report still waits to be taken."""
        return any(item is report for item in self._items)

    def take(self) -> Iterator[Item]:
        """What was not taken yet, one after the other, for as long as its taker goes on."""
        while self._items:
            item = self._items.popleft()
            if not self._items:
                self._ticks, self._fold_at = 0, self.ticks_max
                self._arrived.clear()
            elif isinstance(item, Tick):
                self._ticks -= 1
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
        if not self._items:
            self._arrived.clear()

    def _fold(self) -> None:
        waiting = list(self._items)
        items = _folded(waiting, turning_points)
        if _ticks_in(items) > self.ticks_max // 2:
            items = _folded(items, extremes)
        stay = set(map(id, items))
        self._newly_folded |= {item.instrument for item in waiting if isinstance(item, Tick) and id(item) not in stay}
        self.folded += len(waiting) - len(items)
        self._items, self._ticks = deque(items), _ticks_in(items)
        # Very many instruments may not fold below the bound; folding again at every tick would then cost a full pass.
        self._fold_at = max(self.ticks_max, 2 * self._ticks)


def _folded(items: Sequence[Item], fold: Callable[[Sequence[Tick]], Mapping[int, Tick]]) -> list[Item]:
    """Each stretch between two changes of feeds for itself: what they end must not run into what they begin."""
    found: list[Item] = []
    start = 0
    for end in [place for place, item in enumerate(items) if isinstance(item, _DIVIDES)] + [len(items)]:
        stretch = items[start:end]
        places = [place for place, item in enumerate(stretch) if isinstance(item, Tick)]
        kept = fold([item for item in stretch if isinstance(item, Tick)])
        standing = {places[place]: tick for place, tick in kept.items()}
        for place, item in enumerate(stretch):
            if not isinstance(item, Tick):
                found.append(item)
            elif (tick := standing.get(place)) is not None:
                found.append(tick)
        start = end
    return found


def _ticks_in(items: Sequence[Item]) -> int:
    return sum(isinstance(item, Tick) for item in items)
