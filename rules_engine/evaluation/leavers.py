"""Rules that are gone, and are still to be taken apart."""

from collections.abc import Callable, Iterable, Set

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.view import Uses
from rules_engine.evaluation.watch import Watch
from rules_engine.evaluation.windows import Window
from rules_engine.model.slices import Slices

_AT_ONCE = 100
"""Of so many that stay it is seen in one slice what they read."""


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
            for number, watch in enumerate(list(staying())):
                left.part(watch.uses)
                if not number % _AT_ONCE:
                    yield
            self._market.drop(left.streams, left.bars)
            for stream, windows in _by_stream(left.windows):
                stream.forget(windows)
                yield


def _by_stream(unread: Iterable[tuple[Stream, Window]]) -> Iterable[tuple[Stream, Set[Window]]]:
    found: dict[Stream, set[Window]] = {}
    for stream, window in unread:
        found.setdefault(stream, set()).add(window)
    return found.items()
