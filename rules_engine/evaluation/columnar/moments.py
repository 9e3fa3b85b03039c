"""The moments at which a condition is judged, and the windows that end at them."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Flags, Index
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.evaluation.columnar.track import SLOTS, Track
from rules_engine.evaluation.columnar.vectorised import starts_at
from rules_engine.model.tolerance import EDGE_S


class Moments:
    """The fresh ticks of several tracks in the order in which they are heard; two that one tick makes are one moment.

    ``row_times`` are those of all rows of the slice, as soon as somebody asks.
    """

    def __init__(self, tracks: Sequence[Track], row_times: Callable[[], Column]) -> None:
        self.tracks = tuple(tracks)
        self.only = tracks[0] if len(tracks) == 1 else None
        self.row_times = row_times
        self._counts: dict[Track, Index] = {}
        self._lookbacks: dict[Past, Lookback] = {}

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def places(self) -> Index:
        """Ascending, as a track's."""
        if self.only is not None:
            return self.only.places
        some = [track.places for track in self.tracks if len(track.times)]
        if not some:
            return np.empty(0, dtype=np.int64)
        # Stretches that ascend are merged.
        every = np.sort(np.concatenate(some), kind="stable")
        return every[np.concatenate(([True], every[1:] != every[:-1]))]

    @cached_property
    def times(self) -> Column:
        if self.only is not None:
            return self.only.times
        return self.row_times()[self.places // SLOTS]

    def counts(self, track: Track) -> Index:
        """How many fresh ticks of the track there are up to each moment."""
        found = self._counts.get(track)
        if found is None:
            found = self._counts[track] = np.searchsorted(track.places, self.places, side="right")
        return found

    def newest(self, track: Track, stale_after_s: float | None = None) -> Column:
        """Its value at each moment; nan while nothing was heard of it, or for that long."""
        if track is self.only:
            return track.values
        counts = self.counts(track)
        found = track.newest(counts)
        if stale_after_s is not None:
            found[self.times - track.newest_s(counts) >= stale_after_s - EDGE_S] = np.nan
        return found

    def is_new(self, tracks: Sequence[Track]) -> Flags:
        """Whether one of these ticks at each moment."""
        found = np.zeros(len(self), dtype=np.bool_)
        for track in tracks:
            found[np.searchsorted(self.places, track.places)] = True
        return found

    def lookback(self, track: Track) -> "Past | Lookback":
        """The windows of a track's own prints."""
        if track is self.only and track.is_whole:
            return track.past
        return self._lookback(track.past, lambda: track.ends(self.counts(track)))

    def lookback_of(self, past: Past, ends_at: Callable[[Index], Index], tracks: Sequence[Track]) -> "Lookback":
        """The windows of any past that these tracks make; ``ends_at`` says where it ends after the ticks at each of
        several places."""
        return self._lookback(past, lambda: ends_at(self.places))

    def _lookback(self, past: Past, ends: Callable[[], Index]) -> "Lookback":
        found = self._lookbacks.get(past)
        if found is None:
            found = self._lookbacks[past] = Lookback(past, self.times, ends())
        return found


class Lookback:
    """A past as it is seen at other moments than those of its own prints: what `Past` says of these, and as it says it.

    Windows may be empty there.
    """

    def __init__(self, past: Past, times: Column, ends: Index) -> None:
        self.past = past
        self.now_s = times
        self.ends = ends
        self._starts: dict[float, Index] = {}
        self._extremes: dict[tuple[float, bool], Column] = {}

    def starts(self, window_s: float) -> Index:
        found = self._starts.get(window_s)
        if found is None:
            found = self._starts[window_s] = starts_at(self.past.times, self.now_s, window_s)
        return found

    def most(self, window_s: float) -> int:
        return int((self.ends - self.starts(window_s)).max(initial=0))

    def extremes(self, window_s: float, highest: bool) -> Column:
        found = self._extremes.get((window_s, highest))
        if found is None:
            found = rolling(self.past.values, self.starts(window_s), self.ends, highest)
            self._extremes[window_s, highest] = found
        return found

    def extremes_at(self, moments: Index, window_s: float, highest: bool) -> Column:
        return self.extremes(window_s, highest)[moments]

    def before(self, window_s: float) -> Column:
        starts = self.starts(window_s)
        return np.concatenate(([np.nan], self.past.values))[starts]

    def covered_from(self, window_s: float) -> int:
        return int(np.searchsorted(self.now_s, self.past.begun_s + window_s - EDGE_S))
