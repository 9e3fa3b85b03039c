"""Outcomes of parts that were played one after the other, put in order of time."""

import pickle
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from operator import attrgetter
from typing import BinaryIO

from rules_engine.model.firing import Firing, HeldBack

Outcome = Firing | HeldBack
HELD_MAX = 200_000
"""Outcomes in memory while parts are played: up to about 100 MB."""
_BATCH = 100
"""Outcomes of each part that are held at once while they are merged from the file."""
_AT_S = attrgetter("at_s")


class Spool:
    """In memory up to a bound, then on a file that may be written and read. Outcomes of one instant come in the order
    of the parts."""

    def __init__(self, file: BinaryIO, held_max: int = HELD_MAX) -> None:
        self._file = file
        self._held_max = held_max
        self._held = 0
        self._parts: list[list[Outcome]] = []
        self._written: list[list[int]] = []

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Those of the next part, in order."""
        self._parts.append([])
        self._written.append([])
        left = iter(outcomes)
        while some := list(islice(left, _BATCH)):
            self._parts[-1] += some
            self._held += len(some)
            if self._held > self._held_max:
                self._write()

    def merged(self) -> Iterator[Outcome]:
        """All of them."""
        if any(self._written):
            return merge(*map(self._of_part, range(len(self._parts))), key=_AT_S)
        # Parts that are in order already are merged by sorting, and those of one instant stay as they came.
        return iter(sorted(chain.from_iterable(self._parts), key=_AT_S))

    def _write(self) -> None:
        for part, places in zip(self._parts, self._written, strict=True):
            for first in range(0, len(part), _BATCH):
                places.append(self._file.tell())
                pickle.dump(part[first : first + _BATCH], self._file)
            part.clear()
        self._held = 0

    def _of_part(self, number: int) -> Iterator[Outcome]:
        for place in self._written[number]:
            self._file.seek(place)
            yield from pickle.load(self._file)
        yield from self._parts[number]
