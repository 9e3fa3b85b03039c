"""`S moves 5% in 5m` as other people write it: by hand with deques, with pandas, and by brute force."""

from collections import deque
from collections.abc import Sequence

import pandas as pd

from benchmarks.ticks import Print

WINDOW_S = 300.0
_UP = 1.05 * (1 - 1e-12)
_DOWN = 0.95 * (1 + 1e-12)


class DequeLoop:
    """What a good engineer writes by hand: two monotonic deques and an edge."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._lows: deque[tuple[float, float]] = deque()
        self._highs: deque[tuple[float, float]] = deque()
        self._full_s: float | None = None
        self._held = False

    def tick(self, time_s: float, price: float) -> bool:
        """True at the print with which the rule fires."""
        lows, highs, edge_s = self._lows, self._highs, time_s - self._window_s
        while lows and lows[-1][1] >= price:
            lows.pop()
        lows.append((time_s, price))
        while lows[0][0] <= edge_s:
            lows.popleft()
        while highs and highs[-1][1] <= price:
            highs.pop()
        highs.append((time_s, price))
        while highs[0][0] <= edge_s:
            highs.popleft()
        if price >= lows[0][1] * _UP or price <= highs[0][1] * _DOWN:
            fired, self._held = not self._held, True
            return fired
        if self._full_s is None:
            self._full_s = time_s + self._window_s
        if time_s >= self._full_s:
            self._held = False
        return False


class NaivePandas:
    """What the first page of a search shows: append to a frame, slice five minutes, take minimum and maximum."""

    def __init__(self) -> None:
        self._frame = pd.DataFrame({"time_s": pd.Series(dtype=float), "price": pd.Series(dtype=float)})
        self._held = False

    def tick(self, time_s: float, price: float) -> bool:
        """True at the print with which the rule fires."""
        self._frame.loc[len(self._frame)] = [time_s, price]
        window = self._frame[self._frame["time_s"] > time_s - WINDOW_S]
        holds = bool(price >= window["price"].min() * _UP or price <= window["price"].max() * _DOWN)
        fired = holds and not self._held
        filling = time_s - self._frame["time_s"].iloc[0] < WINDOW_S
        self._held = holds or (self._held and filling)
        return fired


def firings_by_brute_force(prints: Sequence[Print]) -> list[float]:
    """The oracle: every window again from the raw prints, in whole cents, so exactly. Slow, and that is its merit.

    A part-filled window can show a move but not deny one, so the rule cannot re-arm while it fills.
    """
    fired, held, start = [], False, 0
    cents = [each.cents for each in prints]
    for number, newest in enumerate(prints):
        while prints[start].time_s <= newest.time_s - WINDOW_S:
            start += 1
        low, high = min(cents[start : number + 1]), max(cents[start : number + 1])
        holds = newest.cents * 100 >= low * 105 or newest.cents * 100 <= high * 95
        if holds and not held:
            fired.append(newest.time_s)
        filling = newest.time_s - prints[0].time_s < WINDOW_S
        held = holds or (held and filling)
    return fired
