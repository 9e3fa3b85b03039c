"""A series made of several values, or of one that is reckoned with, looked back upon or seen in bars: its prints."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.kernels import Kernels
from rules_engine.evaluation.columnar.leaves import Key
from rules_engine.evaluation.columnar.moments import Lookback, Moments
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.streamed import Streamed
from rules_engine.evaluation.columnar.track import Track
from rules_engine.model.expression import Series


class Joint:
    """It prints whenever one of its ``keys`` does, and twice where one of them follows another one; never without any.

    ``sums`` are those in it that only the evaluator counts exactly.
    """

    def __init__(self, kernels: Kernels, keys: frozenset[Key]) -> None:
        self.past = Past(kernels)
        self.keys = keys
        self.sums: dict[Series, Streamed] = {}
        self.places: Index = np.empty(0, dtype=np.int64)

    def before(self, place: int) -> int:
        """Where its past ends before that place."""
        return self.past.fresh + bisect_left(self.places.data, place)

    def ends_at(self, places: Index) -> Index:
        """Where it ends after the ticks at each of these places."""
        return self.past.fresh + np.searchsorted(self.places, places, side="right")

    def turn_over(self, prints: Moments, values: Column, begun_s: float) -> None:
        """Takes its value at each print of the slice; where that is no number there is none."""
        known = np.isfinite(values)
        self.places = prints.places[known]
        self.past.turn_over((prints.times[known],), (values[known],))
        self.past.begun_s = begun_s

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self.places = self.places[:0].copy()
        self.past.forget()


class Prints(Moments):
    """The prints of a joint as moments, some of them two at one tick: what follows from it prints first, such as a
    midpoint, and windows over the tick's own values do not have it yet. ``follows`` says which tracks do so."""

    def __init__(self, moments: Moments, counts: Index, follows: Callable[[Track], bool]) -> None:
        super().__init__(moments.tracks, moments.row_times)
        self.only = None
        self.places = np.repeat(moments.places, counts)
        self._follows = follows
        self._is_first = np.zeros(len(self.places), dtype=np.bool_)
        self._is_first[:-1] = self.places[1:] == self.places[:-1]

    def lookback(self, track: Track) -> Lookback:
        return self.lookback_of(track.past, track.ends_at, (track,))

    def lookback_of(self, past: Past, ends_at: Callable[[Index], Index], tracks: Sequence[Track]) -> Lookback:
        return super().lookback_of(past, lambda places: self._ends(ends_at, tracks), tracks)

    def _ends(self, ends_at: Callable[[Index], Index], tracks: Sequence[Track]) -> Index:
        ends = ends_at(self.places)
        own = [track for track in tracks if not self._follows(track)]
        early = np.flatnonzero(self._is_first & self.is_new(own))
        before = ends_at(self.places[early] - 1)
        # What is made of both has printed once by then.
        ends[early] = before if len(own) == len(tracks) else (before + ends[early]) // 2
        return ends
