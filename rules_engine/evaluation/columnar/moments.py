"""The moments at which a condition is judged, and the windows that end at them."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Flags, Index
from rules_engine.evaluation.columnar.kernels import spans_pay
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.evaluation.columnar.spans import Spans
from rules_engine.evaluation.columnar.track import SLOTS, Track
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

    @property
    def spans(self) -> Spans | None:
        """The prints of a track that is alone and always says something; None where there are too few."""
        if self.only is None or not self.only.is_whole:
            return None
        past = self.only.past
        return past.spans if spans_pay(past.kernels, len(self)) else None

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
            found = self.past.kernels.starts(self.past.times, self.now_s, np.array([window_s]))[0]
            self._starts[window_s] = found
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

    def before_at(self, moments: Index, window_s: float) -> Column:
        return self.before(window_s)[moments]

    def covered_from(self, window_s: float) -> int:
        return int(np.searchsorted(self.now_s, self.past.begun_s + window_s - EDGE_S))


class Some(Moments):
    """Some of the prints of a track that is alone, from 0, ascending."""

    def __init__(self, track: Track, prints: Index, row_times: Callable[[], Column]) -> None:
        super().__init__((track,), row_times)
        self._track, self._prints = track, prints

    @cached_property
    def places(self) -> Index:
        return self._track.places[self._prints]

    @cached_property
    def times(self) -> Column:
        return self._track.times[self._prints]

    @property
    def spans(self) -> None:
        return None

    def newest(self, track: Track, stale_after_s: float | None = None) -> Column:
        return track.values[self._prints] if track is self._track else super().newest(track, stale_after_s)

    def lookback(self, track: Track) -> Past | Lookback:
        if track is not self._track:
            return super().lookback(track)
        if track.past not in self._lookbacks:
            self._lookbacks[track.past] = _Few(track.past, self._prints)
        return self._lookbacks[track.past]


class _Few(Lookback):
    """A past as it is seen at some of its own prints."""

    def __init__(self, past: Past, prints: Index) -> None:
        super().__init__(past, past.now_s[prints], past.fresh + prints + 1)
        self._prints = prints

    def starts(self, window_s: float) -> Index:
        if window_s not in self._starts:
            self._starts[window_s] = self.past.starts_at(self._prints, window_s)
        return self._starts[window_s]

    def extremes(self, window_s: float, highest: bool) -> Column:
        return self.past.extremes_at(self._prints, window_s, highest)

    def before(self, window_s: float) -> Column:
        return self.past.before_at(self._prints, window_s)
