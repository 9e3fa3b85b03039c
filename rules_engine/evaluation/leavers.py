"""Rules that are gone, and are still to be taken apart."""

from collections.abc import Callable, Iterable

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.view import Uses
from rules_engine.evaluation.watch import Watch
from rules_engine.model.slices import Slices


class Leavers:
    """Nobody hears of them any more."""

    __slots__ = ("_gone", "_market")

    def __init__(self, market: Market) -> None:
        self._market = market
        self._gone: list[Run] = []

    def add(self, gone: Iterable[Run]) -> None:
        """These have gone."""
        self._gone += gone

    def clearing(self, staying: Callable[[], Iterable[Watch]]) -> Slices[None]:
        """Takes them apart in slices; what they read, and those that are there in the end do not, is forgotten."""
        gone, self._gone, left = self._gone, [], Uses()
        while gone:  # Each leaves memory in its own slice.
            run = gone.pop()
            left.join(*(watch.uses for watch in run.watches if watch.run is run))
            run.retire()
            yield
        if left.streams or left.bars:
            read = Uses().join(*(watch.uses for watch in staying()))
            self._market.drop(left.streams - read.streams, left.bars - read.bars)
