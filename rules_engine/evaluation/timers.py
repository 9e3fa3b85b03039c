"""Moments at which something is due without a print, in order."""

from heapq import heappop, heappush
from math import inf
from typing import Generic, Protocol, TypeVar

from rules_engine.model.tolerance import EDGE_S


class Timed(Protocol):
    """``due_s`` is the moment that counts, whatever was asked for before; ``order`` decides at one instant."""

    due_s: float | None
    order: tuple[int, int, int]


T = TypeVar("T", bound=Timed)
_SUPERSEDED_MIN = 64


class Timers(Generic[T]):
    """A heap in which superseded entries stay until their time comes, or there are too many of them.

    Memory: some 150 bytes an entry, at most twice as many as count, and 64 more.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, tuple[int, int, int], int, T]] = []
        self._pushed = 0
        self._entries_max = _SUPERSEDED_MIN
        self.first_s = inf
        """Before then nothing can be due."""

    def set(self, owner: T, due_s: float | None) -> None:
        """The owner is due at that moment, and at no other."""
        if due_s == owner.due_s and due_s is not None:
            return
        owner.due_s = due_s
        if due_s is not None:
            self.push(owner, due_s)

    def push(self, owner: T, due_s: float) -> None:
        self._pushed += 1
        heappush(self._heap, (due_s, owner.order, self._pushed, owner))
        if len(self._heap) > self._entries_max:
            self._clear()
        self.first_s = self._heap[0][0] - EDGE_S

    def _clear(self) -> None:
        """Leaves the entries that count, one an owner."""
        count = {id(entry[3]): entry for entry in sorted(self._heap, reverse=True) if entry[3].due_s == entry[0]}
        self._heap = sorted(count.values())
        self._entries_max = 2 * len(self._heap) + _SUPERSEDED_MIN

    def next_s(self) -> float | None:
        """The next moment that counts."""
        heap = self._heap
        while heap and heap[0][3].due_s != heap[0][0]:
            heappop(heap)
        self.first_s = heap[0][0] - EDGE_S if heap else inf
        return heap[0][0] if heap else None

    def pop(self, now_s: float) -> tuple[float, T] | None:
        """The first one that is due by now, with its moment."""
        due_s = self.next_s()
        if due_s is None or due_s > now_s + EDGE_S:
            return None
        owner = heappop(self._heap)[3]
        owner.due_s = None
        return due_s, owner
