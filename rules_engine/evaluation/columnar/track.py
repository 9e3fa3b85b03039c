"""The ticks of one field of an instrument as columns, slice after slice."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf, nan

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.kernels import Kernels
from rules_engine.evaluation.columnar.past import Past

SLOTS = 16
"""A row is heard as several ticks, one after the other: the n-th slot of row r has the place SLOTS * r + n."""


class Track:
    """``past`` has the ticks that say something, for windows; ``values`` are all fresh ones, nan where nothing is said.

    ``slot`` is the tick's in its row where each row has exactly one. Memory: as Past, and 24 bytes a tick of the slice
    where rows have several ticks.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.past = Past(kernels)
        self.times: Column = np.empty(0)
        self.values: Column = np.empty(0)
        self.sizes: Callable[[], Column | None] = lambda: None
        self.slot: int | None = None
        self.count = 0
        """Ticks before this slice, and the last of them."""
        self._last, self._last_s = nan, -inf
        self._places: Callable[[], Index] = _nowhere
        self._said: Index | None = None

    def turn_over(
        self, times: Sequence[Column], values: Sequence[Column], places: Callable[[], Index], slot: int | None = None
    ) -> None:
        """Takes the next slice, in pieces; all its values are usable where there is a ``slot``. ``places`` ascend."""
        self.count += len(self.times)
        if len(self.times):
            self._last, self._last_s = float(self.values[-1]), float(self.times[-1])
        self.__dict__.pop("places", None)
        self._places, self.slot, self._said = places, slot, None
        if slot is not None:
            self.past.turn_over(times, values)
            self.times, self.values = self.past.times[self.past.fresh :], self.past.values[self.past.fresh :]
            return
        self.times, self.values = (np.concatenate(each) if each else np.empty(0) for each in (times, values))
        known = self.values == self.values
        if known.all():
            self.past.turn_over((self.times,), (self.values,))
        else:
            self.past.turn_over((self.times[known],), (self.values[known],))
            self._said = np.concatenate(([0], np.cumsum(known)))

    @cached_property
    def places(self) -> Index:
        """Those of the fresh ticks."""
        return self._places()

    def places_said(self) -> Index:
        """Those of the fresh ticks that say something."""
        return self.places if self._said is None else self.places[np.flatnonzero(self.values == self.values)]

    @property
    def last_s(self) -> float:
        """When the newest tick came."""
        return float(self.times[-1]) if len(self.times) else self._last_s

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self.turn_over((), (), _nowhere)
        self.sizes = lambda: None
        self.past.forget()

    @property
    def is_whole(self) -> bool:
        """Whether every fresh tick says something."""
        return self._said is None

    def ends(self, counts: Index) -> Index:
        """Where the past ends after so many fresh ticks."""
        return self.past.fresh + (counts if self._said is None else self._said[counts])

    def ends_at(self, places: Index) -> Index:
        """Where it ends after the ticks at each of these places."""
        return self.ends(np.searchsorted(self.places, places, side="right"))

    def newest(self, counts: Index) -> Column:
        """The value after so many fresh ticks; nan where none has come yet."""
        return np.concatenate(([self._last], self.values))[counts]

    def newest_s(self, counts: Index) -> Column:
        """When it came."""
        return np.concatenate(([self._last_s], self.times))[counts]

    def before(self, place: int, row: int) -> int:
        """How many fresh ticks come before that place, or that row of the instrument's own."""
        return row if self.slot is not None else bisect_left(self.places.data, place)

    def until(self, place: int, row: int) -> int:
        """How many come up to that place, in that row of its own."""
        if self.slot is not None:
            return row + (place % SLOTS >= self.slot)
        return bisect_right(self.places.data, place)

    def tick_at(self, count: int) -> tuple[int, float, float]:
        """After so many fresh ticks: how many there were in all, the time and the value of the last one."""
        if count:
            return self.count + count, float(self.times[count - 1]), float(self.values[count - 1])
        return self.count, self._last_s, self._last

    def end_at(self, count: int) -> int:
        """Where the past ends then."""
        return self.past.fresh + (count if self._said is None else int(self._said[count]))


def _nowhere() -> Index:
    return np.empty(0, dtype=np.int64)
