"""numba: the deque loop over arrays, compiled, with one call a print as a live feed would make it."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.moves import WINDOW_S
from benchmarks.ticks import Print

Times = NDArray[np.float64]
Cents = NDArray[np.int64]
Marks = NDArray[np.int64]
LOWS, HIGHS = 0, 1
_START, _END = 0, 2
_HELD, _HEARD = 4, 5


def _tick(times: Times, cents: Cents, marks: Marks, full_s: Times, time_s: float, price: int) -> bool:
    """``times`` and ``cents``: both deques, a row each; ``marks``: where they start and end, then what is held."""
    edge_s = time_s - WINDOW_S
    for row in (LOWS, HIGHS):
        start, end, way = marks[_START + row], marks[_END + row], 1 if row == LOWS else -1
        while end > start and way * cents[row, end - 1] >= way * price:
            end -= 1
        times[row, end], cents[row, end] = time_s, price
        end += 1
        while times[row, start] <= edge_s:
            start += 1
        marks[_START + row], marks[_END + row] = start, end
    if not marks[_HEARD]:
        marks[_HEARD], full_s[0] = 1, time_s + WINDOW_S
    low, high = cents[LOWS, marks[_START + LOWS]], cents[HIGHS, marks[_START + HIGHS]]
    if price * 100 >= low * 105 or price * 100 <= high * 95:
        fired = marks[_HELD] == 0
        marks[_HELD] = 1
        return bool(fired)
    if time_s >= full_s[0]:
        marks[_HELD] = 0
    return False


tick: Callable[..., bool] = njit()(_tick)


def book(room: int) -> tuple[Times, Cents, Marks, Times]:
    """Empty deques for ``room`` prints."""
    return np.zeros((2, room)), np.zeros((2, room), np.int64), np.zeros(6, np.int64), np.zeros(1)


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took. Compiled before the clock starts."""
    tick(*book(1), 0.0, 1)
    times, cents, marks, full_s = book(len(prints) + 1)
    heard, fired = [(each.time_s, each.cents) for each in prints], []
    start_s = time.process_time()
    for time_s, price in heard:
        if tick(times, cents, marks, full_s, time_s, price):
            fired.append(time_s)
    return fired, time.process_time() - start_s
