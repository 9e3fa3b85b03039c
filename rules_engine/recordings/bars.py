"""Bars into prints, four of each, as the simulated gateway plays them."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from rules_engine.recordings.columns import Block, Column

DAY_S = 86_400.0
_WEEKEND_S = 4.05 * DAY_S
"""A long weekend, with an hour for the change to winter time."""
_BAR_ALONE_S = 60.0
"""Length of the bar of a file that has a single one."""
_SPACINGS_MAX = 10_000
"""Different distances that are counted; regular files have a few dozen."""


class Spacings:
    """How far the bars of a file lie apart."""

    def __init__(self) -> None:
        self._count: Counter[float] = Counter()
        self._before_s: float | None = None

    def add(self, times_s: Column) -> None:
        """The next rows of the file."""
        if self._before_s is not None:
            times_s = np.concatenate(([self._before_s], times_s))
        self._before_s = float(times_s[-1])
        spacings, counts = np.unique(np.diff(times_s), return_counts=True)
        for spacing_s, count in zip(spacings.tolist(), counts.tolist(), strict=True):
            if spacing_s in self._count or len(self._count) < _SPACINGS_MAX:
                self._count[spacing_s] += count

    def bar_s(self) -> float:
        """The usual distance, the shorter one where two are as usual. One of two to four days is a weekend."""
        if not self._count:
            return _BAR_ALONE_S
        usual_s = max(self._count, key=lambda spacing_s: (self._count[spacing_s], -spacing_s))
        return DAY_S if DAY_S < usual_s <= _WEEKEND_S else usual_s


def prints_of_bars(blocks: Iterable[Block], bar_s: float) -> Iterator[Block]:
    """Each bar as prints at 0, 1/4, 1/2 and 3/4 of it: open, low, high, close, or the high first when it closes down.

    A bar ends where the next one begins, if that is sooner.
    """
    kept: Block | None = None
    for block in blocks:
        whole = block if kept is None else _joined(kept, block)
        # How long the last bar is shows with the next block.
        kept = _part(whole, len(whole) - 1, len(whole))
        if len(whole) > 1:
            yield _prints(_part(whole, 0, len(whole) - 1), whole.times_s[1:], bar_s)
    if kept is not None:
        yield _prints(kept, kept.times_s + bar_s, bar_s)


def _joined(first: Block, second: Block) -> Block:
    values = (np.concatenate(pair) for pair in zip(first.values, second.values, strict=True))
    return Block(np.concatenate((first.times_s, second.times_s)), tuple(values))


def _part(block: Block, start: int, end: int) -> Block:
    return Block(block.times_s[start:end], tuple(column[start:end] for column in block.values))


def _prints(bars: Block, next_s: Column, bar_s: float) -> Block:
    open_, high, low, close, volume = bars.values
    length_s = np.minimum(bar_s, next_s - bars.times_s)
    rises = close >= open_
    prices = (open_, np.where(rises, low, high), np.where(rises, high, low), close)
    times_s = [bars.times_s + quarter * length_s / 4 for quarter in range(4)]
    return Block(np.stack(times_s, 1).ravel(), (np.stack(prices, 1).ravel(), np.repeat(volume / 4, 4)))
