"""Outcomes of parts that were played one after the other, put in order of time through a temporary file."""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import BinaryIO

from rules_engine.model.firing import Firing, HeldBack

_BATCH = 100
"""Outcomes of each part that are held at once while they are merged."""


class Spool:
    """On a file that may be written and read. Outcomes of one instant come in the order of the parts.

    Memory is that of a batch a part.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._batches: list[list[int]] = []

    def add(self, outcomes: Iterable[Firing | HeldBack]) -> None:
        """Those of the next part, in order."""
        places, left = [], iter(outcomes)
        while batch := list(islice(left, _BATCH)):
            places.append(self._file.tell())
            pickle.dump(batch, self._file)
        self._batches.append(places)

    def merged(self) -> Iterator[Firing | HeldBack]:
        """All of them."""
        return merge(*map(self._of_part, self._batches), key=_at_s)

    def _of_part(self, places: Sequence[int]) -> Iterator[Firing | HeldBack]:
        for place in places:
            self._file.seek(place)
            yield from pickle.load(self._file)


def _at_s(outcome: Firing | HeldBack) -> float:
    return outcome.at_s if isinstance(outcome, Firing) else outcome.firing.at_s
