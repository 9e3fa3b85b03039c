"""Thresholds on one price, sorted: a move of the price finds those that it touches, and how far the nearest are."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import chain
from math import inf
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SLACK = 2e-12
"""Prices that differ by less than a part in 1e12 are equal: everything that may be equal counts as touched."""


class Levels(Generic[Item]):
    """Items at levels that never change, among which a price moves both ways. Memory: one entry a distinct level.

    A price that stays between two levels costs nothing here; one that moves, two bisections and what it touches.
    """

    __slots__ = ("_items", "_levels")

    def __init__(self, pairs: Iterable[tuple[float, Item]]) -> None:
        by_level: dict[float, list[Item]] = {}
        for level, item in pairs:
            by_level.setdefault(level, []).append(item)
        self._levels = sorted(by_level)
        self._items = [by_level[level] for level in self._levels]

    def touched(self, before: float, value: float) -> Iterable[Item]:
        """The items at every level from one price to the other, both included."""
        low, high = (before, value) if before < value else (value, before)
        first = bisect_left(self._levels, low - abs(low) * _SLACK)
        return chain.from_iterable(self._items[first : bisect_right(self._levels, high + abs(high) * _SLACK, first)])

    def around(self, value: float) -> tuple[float, float]:
        """Between which two prices none is touched; equal ones when the price stands at a level."""
        levels, slack = self._levels, abs(value) * _SLACK
        above = bisect_right(levels, value + slack)
        below = bisect_left(levels, value - slack, 0, above) - 1
        if above - below > 1:
            return value, value
        low = levels[below] + abs(levels[below]) * _SLACK if below >= 0 else -inf
        high = levels[above] - abs(levels[above]) * _SLACK if above < len(levels) else inf
        return low, high
