"""Thresholds on one value, sorted, so that a move of the value looks only at those that lie in its way."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class Levels(Generic[Item]):
    """Items that wait for a value to come to their level: from below (`up`) or from above. At the level counts.

    A move costs the logarithm of how many levels there are, and the items that it reaches.
    """

    __slots__ = ("_items", "_levels", "_up")

    def __init__(self, *, up: bool) -> None:
        self._up = up
        self._levels: list[float] = []
        # Dictionaries rather than sets: what stands at one level is told in the order in which it came.
        self._items: dict[float, dict[Item, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._levels)

    def add(self, level: float, item: Item) -> None:
        """The item waits at this level."""
        if level not in self._items:
            insort(self._levels, level)
            self._items[level] = {}
        self._items[level][item] = None

    def remove(self, level: float, item: Item) -> None:
        """The item does not wait there any more; nothing happens if it did not."""
        items = self._items.get(level, {})
        if item not in items:
            return
        del items[item]
        if not items:
            del self._items[level]
            del self._levels[bisect_left(self._levels, level)]

    def reached(self, value: float, before: float | None = None) -> Iterator[Item]:
        """The items that this value reaches and the one `before` it did not (None: reached nothing), nearest first.

        The levels must not change while this is read.
        """
        levels = self._levels
        if self._up:
            first = 0 if before is None else bisect_right(levels, before)
            passed = range(first, bisect_right(levels, value))
        else:
            first = len(levels) if before is None else bisect_left(levels, before)
            passed = range(first - 1, bisect_left(levels, value) - 1, -1)
        for at in passed:
            yield from self._items[levels[at]]
