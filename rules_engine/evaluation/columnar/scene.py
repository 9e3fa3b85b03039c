"""What rules read of a market, as columns: the tracks of all fields, and what is made of them."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rules_engine.conditions.move import Move
from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.bars import ClosedBars, Over
from rules_engine.evaluation.columnar.kernels import VECTORISED, Kernels
from rules_engine.evaluation.columnar.leaves import (
    NOT_PRICES,
    SOURCES,
    BarsOf,
    Key,
    bars_in,
    leaves_of,
    plain_keys,
    source_of,
    windows_in,
    windows_of,
)
from rules_engine.evaluation.columnar.moments import Moments, Sight
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.track import SLOTS, Track
from rules_engine.evaluation.columnar.values import Columns, is_series
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression, Reading, Series, walk
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick


@dataclass(frozen=True, slots=True)
class Ticks:
    """What is heard of one field in a slice, in pieces. ``rows`` are those of the instrument's own that it is heard
    in, from 0, and ``slot`` its place among the ticks of a row. Without ``rows`` it is the only one in every row."""

    field: Field
    slot: int
    times: Sequence[Column]
    values: Sequence[Column]
    rows: Index | None = None
    sizes: Callable[[], Column] | None = None


def said(field: Field, values: Column) -> Column:
    """Nan where such a value says nothing: a price that is not positive, what is no number."""
    usable = np.isfinite(values) if field in NOT_PRICES else np.isfinite(values) & (values > 0)
    return np.where(usable, values, np.nan)


class Joint:
    """A series made of several values, or of one that was reckoned with: it prints whenever one of them does, and twice
    where one of them follows another one."""

    def __init__(self, kernels: Kernels, keys: frozenset[Key]) -> None:
        self.past = Past(kernels)
        self.keys = keys
        self.places: Index = np.empty(0, dtype=np.int64)

    def before(self, place: int) -> int:
        """Where its past ends before that place."""
        return self.past.fresh + bisect_left(self.places.data, place)

    def turn_over(self, moments: Moments, values: Column, prints: Index, begun_s: float) -> None:
        """Takes its value at each moment of the slice, and how many prints that makes; none where it is no number."""
        printed = np.repeat(np.arange(len(moments)), np.where(np.isfinite(values), prints, 0))
        self.places = moments.places[printed]
        self.past.turn_over((moments.times[printed],), (values[printed],))
        self.past.begun_s = begun_s

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self.places = self.places[:0].copy()
        self.past.forget()


class Scene:
    """One slice after the other. Tell it of all `conditions` first.

    ``spoken`` are the fields that are heard of each instrument; ``countable`` those of which sums are exact.
    """

    def __init__(
        self, spoken: Mapping[str, Iterable[Field]], countable: frozenset[Key], kernels: Kernels = VECTORISED
    ) -> None:
        self.countable = countable
        self.tracks: dict[Key, Track] = {}
        self.joints: dict[Expression, Joint] = {}
        self.bars: dict[BarsOf, ClosedBars] = {}
        self.over: dict[Series, Over] = {}
        self.kernels = kernels
        self._spoken = {name: tuple(fields) for name, fields in spoken.items()}
        for name, fields in self._spoken.items():
            for field in fields:
                self.tracks[name, field] = Track(kernels)
        self._derived: list[Key] = []
        self._series: dict[Expression, bool] = {}
        """Those over which there are windows, and whether sums over them are read."""
        self._joints_of: dict[str, list[Joint]] = {}
        self._slots: dict[Key, int] = {}
        self._row_times: Callable[[], Column] = _never
        self._moments: dict[frozenset[Key], Moments] = {}
        self._columns: dict[tuple[Moments, float | None], Columns] = {}

    # What is read.

    def watch(self, condition: Condition) -> None:
        """Makes what is needed to find its sides."""
        for leaf in leaves_of(condition):
            for key in leaf.reads():
                self.follow(key)
            for bars in leaf.closing():
                self._closed(bars)
            for of in leaf.condition.expressions():
                self._read(of)
            for of, window_s, sums in windows_in(leaf.condition):
                self._look_back(of, window_s, sums=sums, begins=not isinstance(leaf.condition, Move))

    def watch_value(self, of: Expression) -> None:
        """Makes what is needed to read it."""
        for key in plain_keys(of):
            self.follow(key)
        self._read(of)
        for series, window_s, sums in windows_of(of):
            self._look_back(series, window_s, sums=sums, begins=True)

    def _look_back(self, of: Expression, window_s: float, *, sums: bool, begins: bool) -> None:
        self._series[of] = sums or self._series.get(of, False)
        if is_series(of):
            self._joint(of)
            self.past_of(of).need(window_s, begins=begins)
            if sums and not self.can_count(of):
                self.past_of(of).need_rough()

    def _read(self, of: Expression) -> None:
        for part in walk(of):
            match part:
                case Reading(bar_s=None):
                    self.follow((part.instrument.name, part.field))
                case Reading(bar_s=float() as bar_s):
                    self._closed((part.instrument.name, source_of(part), bar_s)).need(part.field)
                case Series(duration_s=None):
                    for bars in bars_in(part):
                        self._closed(bars)
                    if part not in self.over:
                        self.over[part] = Over(part)

    def follow(self, key: Key) -> Track:
        """Somebody reads that field."""
        track = self.tracks.get(key)
        if track is None:
            track = self.tracks[key] = Track(self.kernels)
            if key[1] in SOURCES:
                for source in SOURCES[key[1]]:
                    self.follow((key[0], source))
                self._derived.append(key)
        return track

    def _joint(self, of: Expression) -> None:
        keys = frozenset(plain_keys(of))
        for key in keys:
            self.follow(key)
        if not isinstance(of, Reading) and of not in self.joints:
            joint = self.joints[of] = Joint(self.kernels, keys)
            for name in {name for name, _ in keys}:
                self._joints_of.setdefault(name, []).append(joint)

    def _closed(self, bars: BarsOf) -> ClosedBars:
        if bars not in self.bars:
            self.follow(bars[:2])
            self.bars[bars] = ClosedBars(bars[2])
        return self.bars[bars]

    def can_count(self, of: Expression) -> bool:
        """Whether sums over that series are exact in whole steps."""
        return isinstance(of, Reading) and of.bar_s is None and (of.instrument.name, of.field) in self.countable

    def series(self) -> Mapping[Expression, Past]:
        """The series, without names, of which columns have all windows: where sums are read, these are exact."""
        counted = (of for of, sums in self._series.items() if is_series(of) and (self.can_count(of) or not sums))
        return {of: self.past_of(of) for of in counted}

    def past_of(self, of: Expression) -> Past:
        """The prints of a series that was announced, without names."""
        if isinstance(of, Reading):
            return self.tracks[of.instrument.name, of.field].past
        return self.joints[of].past

    def sight(self, of: Expression, moments: Moments) -> Past | Sight:
        """Windows over a series that was announced, without names, as they are at these moments."""
        if isinstance(of, Reading):
            return moments.sight(self.tracks[of.instrument.name, of.field])
        joint = self.joints[of]
        ends = lambda: joint.past.fresh + np.searchsorted(joint.places, moments.places, side="right")  # noqa: E731
        return moments.sight_of(joint.past, ends)

    def legs_of(self, of: Expression) -> Iterable[Key]:
        """What makes that series print."""
        return sorted(set(plain_keys(of)))

    def joints_of(self, name: str) -> Sequence[Joint]:
        """Those that print when something of the instrument does."""
        return self._joints_of.get(name, ())

    # What is heard.

    def slot_of(self, name: str, field: Field) -> int:
        """Its place among the ticks of a row."""
        return self._slots[name, field]

    def ticks(self, name: str, row: int, own_row: int, size: float) -> Iterator[Tick]:
        """What is heard of one row, the ``own_row``-th of its own, in order; only a price itself has a size."""
        for field in sorted(self._spoken[name], key=lambda field: self._slots[name, field]):
            track = self.tracks[name, field]
            count = track.before((row + 1) * SLOTS, own_row + 1)
            if count > track.before(row * SLOTS, own_row):
                _, time_s, value = track.tick_at(count)
                known = value if value == value else None
                yield Tick(name, time_s, field, known, size if track.sizes() is not None else 0.0)

    def turn_over(
        self,
        heard: Mapping[str, Sequence[Ticks]],
        rows_of: Callable[[str], Index],
        row_times: Callable[[], Column],
        until_s: float,
    ) -> None:
        """Takes the next slice: what is heard of each instrument, which rows of all are its own, the times of all rows,
        and until when it goes."""
        self._forget_columns()
        self._row_times = row_times
        for name, each in heard.items():
            for ticks in each:
                self._take(name, ticks, rows_of)
        for key in self._derived:
            self._derive(key)
        for bars, closed in self.bars.items():
            closed.turn_over(self.tracks[bars[:2]], until_s)
        for over in self.over.values():
            over.turn_over(self.bars)
        for of, joint in self.joints.items():
            self._join(of, joint)

    def _take(self, name: str, ticks: Ticks, rows_of: Callable[[str], Index]) -> None:
        track, rows, slot = self.tracks[name, ticks.field], ticks.rows, ticks.slot
        self._slots[name, ticks.field] = slot
        track.sizes = ticks.sizes or track.sizes
        if rows is None:
            track.turn_over(ticks.times, ticks.values, lambda: rows_of(name) * SLOTS + slot, slot)
        else:
            track.turn_over(ticks.times, ticks.values, lambda: rows_of(name)[rows] * SLOTS + slot)

    def _derive(self, key: Key) -> None:
        """As `quote.Derived`: nothing is said before both sources have been heard."""
        name, field = key
        first, second = (self.tracks[name, source] for source in SOURCES[field])
        moments = self.moments(frozenset((name, source) for source in SOURCES[field]))
        counts = [moments.counts(track) for track in (first, second)]
        both = (first.count + counts[0] > 0) & (second.count + counts[1] > 0)
        left, right = moments.newest(first)[both], moments.newest(second)[both]
        with np.errstate(all="ignore"):
            values = (left + right) / 2 if field is Field.MID else left / right - 1
        places = moments.places[both]
        self.tracks[key].turn_over((moments.times[both],), (said(field, values),), lambda: places)

    def _join(self, of: Expression, joint: Joint) -> None:
        moments = self.moments(joint.keys)
        values = Columns(self, moments, overflow="ignore").value(of).at
        tracks = [self.tracks[key] for key in joint.keys]
        prints = np.sum([moments.is_new([track]) for track in tracks], axis=0)
        begun_s = max(track.past.begun_s for track in tracks)
        joint.turn_over(moments, values, prints, begun_s)

    @property
    def prints_held(self) -> int:
        """How many prints all pasts hold together."""
        pasts = [*(track.past for track in self.tracks.values()), *(joint.past for joint in self.joints.values())]
        return sum(len(past.values) for past in pasts)

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self._row_times = _never
        self._forget_columns()
        for track in self.tracks.values():
            track.forget()
        for joint in self.joints.values():
            joint.forget()

    def _forget_columns(self) -> None:
        for columns in self._columns.values():
            columns.forget()
        self._columns.clear()
        self._moments.clear()

    # How it is seen.

    def moments(self, keys: frozenset[Key], silent: frozenset[str] = frozenset()) -> Moments:
        """The fresh ticks of these fields, and of all fields of the instruments that may be ``silent``; where a field
        follows others, theirs."""
        heard = {(name, field) for name in silent for field in self._spoken.get(name, ())}
        heard.update(spoken for key in keys for spoken in self.heard_of(key))
        found = self._moments.get(frozenset(heard))
        if found is None:
            found = Moments([self.tracks[key] for key in sorted(heard)], self._row_times)
            self._moments[frozenset(heard)] = found
        return found

    def heard_of(self, key: Key) -> Iterator[Key]:
        """The fields whose ticks it follows: its own or, where nobody sends it, those of its sources."""
        name, field = key
        spoken = self._spoken.get(name, ())
        for of in (field, *SOURCES.get(field, ())):
            if of in spoken:
                yield name, of

    def columns(self, keys: frozenset[Key], stale_after_s: float | None = None) -> Columns:
        """What is read at the ticks of these fields."""
        return self.columns_at(self.moments(keys), stale_after_s)

    def columns_at(self, moments: Moments, stale_after_s: float | None = None) -> Columns:
        """The same at other moments of this slice."""
        found = self._columns.get((moments, stale_after_s))
        if found is None:
            found = self._columns[moments, stale_after_s] = Columns(self, moments, stale_after_s)
        return found


def _never() -> Column:
    return np.empty(0)
