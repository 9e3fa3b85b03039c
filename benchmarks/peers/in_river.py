"""river: its `TimeRolling` around a sorted list, for its own rolling minimum counts prints and not seconds."""

import time
from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from river.utils import TimeRolling

from benchmarks.moves import WINDOW_S
from benchmarks.peers.features import Edge
from benchmarks.ticks import Print


class Sorted:
    """What `TimeRolling` asks of a statistic: to take a number in and to give it back."""

    def __init__(self) -> None:
        self.prices: list[int] = []

    def update(self, cents: int) -> None:
        insort(self.prices, cents)

    def revert(self, cents: int) -> None:
        del self.prices[bisect_left(self.prices, cents)]


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took. Dates are made before the clock starts."""
    rolling, edge, fired = TimeRolling(Sorted, period=timedelta(seconds=WINDOW_S)), Edge(), []
    heard = [
        (each.time_s, datetime.fromtimestamp(each.time_s, UTC).replace(tzinfo=None), each.cents) for each in prints
    ]
    start_s = time.process_time()
    for time_s, at, cents in heard:
        rolling.update(cents, t=at)
        prices = rolling.prices
        if edge.tick(time_s, cents * 100 >= prices[0] * 105 or cents * 100 <= prices[-1] * 95):
            fired.append(time_s)
    return fired, time.process_time() - start_s
