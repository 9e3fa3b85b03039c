"""What arrives from IB waits here, in order and bounded, until the engine takes it."""

import asyncio
from collections.abc import Iterable

from rules_engine.model.instrument import Field
from rules_engine.model.reports import (
    AccountValue,
    CommissionReport,
    ExecutionReport,
    FeedDown,
    FeedUp,
    LinkChange,
    OrderError,
    OrderReport,
    PositionReport,
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
    | AccountValue
    | PositionReport
)
Item = Tick | Report

TICKS_MAX = 20_000
REPORTS_MAX = 20_000


class Inbox:
    """A bounded queue between the socket and the engine.

    When ticks reach ``ticks_max``, each instrument's are folded into its low, high and last, in place, and ``folded``
    counts what went. Reports are never folded: at ``reports_max`` the newest is refused, and whoever offered it must
    give up the connection, so that a new one reads everything again.
    """

    def __init__(self, ticks_max: int = TICKS_MAX, reports_max: int = REPORTS_MAX) -> None:
        self.folded = 0
        self._ticks_max = ticks_max
        self._reports_max = reports_max
        self._items: list[Item] = []
        self._ticks = 0
        self._fold_at = ticks_max
        self._arrived = asyncio.Event()

    def tick(self, tick: Tick) -> None:
        """Takes in one tick; older ones are folded when there are too many."""
        self._items.append(tick)
        self._ticks += 1
        self._arrived.set()
        if self._ticks >= self._fold_at:
            self._fold()

    def report(self, report: Report) -> bool:
        """Takes in one report; False when the inbox is full of reports that nobody takes."""
        if len(self._items) - self._ticks >= self._reports_max:
            return False
        self._items.append(report)
        self._arrived.set()
        return True

    def take(self) -> list[Item]:
        """Everything that arrived since the last call, in order."""
        taken, self._items = self._items, []
        self._ticks, self._fold_at = 0, self._ticks_max
        self._arrived.clear()
        return taken

    async def wait(self) -> None:
        """Returns as soon as there is something to take."""
        await self._arrived.wait()

    def _fold(self) -> None:
        kept = _extremes(self._items)
        items = [item for place, item in enumerate(self._items) if not isinstance(item, Tick) or place in kept]
        self.folded += len(self._items) - len(items)
        self._items = items
        self._ticks = len(kept)
        # Very many instruments may not fold below the bound; folding again at every tick would then cost a full pass.
        self._fold_at = max(self._ticks_max, 2 * self._ticks)


def _extremes(items: Iterable[Item]) -> set[int]:
    """The places of each series' lowest, highest and last value, and of its last tick of all."""
    low: dict[tuple[str, Field], tuple[float, int]] = {}
    high: dict[tuple[str, Field], tuple[float, int]] = {}
    last: dict[tuple[str, Field], int] = {}
    last_known: dict[tuple[str, Field], int] = {}
    for place, item in enumerate(items):
        if not isinstance(item, Tick):
            continue
        series = (item.instrument, item.field)
        last[series] = place
        if item.value is not None:
            last_known[series] = place
            low[series] = min(low.get(series, (item.value, place)), (item.value, place))
            high[series] = max(high.get(series, (item.value, -place)), (item.value, -place))
    return (
        {place for _, place in low.values()}
        | {-place for _, place in high.values()}
        | set(last.values())
        | set(last_known.values())
    )
