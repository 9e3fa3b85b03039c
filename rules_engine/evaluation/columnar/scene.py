"""What rules read of a market, as columns: the tracks of all fields, and what is made of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeGuard

import numpy as np

from rules_engine.conditions.change import Change
from rules_engine.conditions.move import Move
from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.bars import ClosedBars, Over
from rules_engine.evaluation.columnar.held import HeldJoint
from rules_engine.evaluation.columnar.joint import Joint, Prints
from rules_engine.evaluation.columnar.kernels import VECTORISED, Kernels
from rules_engine.evaluation.columnar.leaves import (
    NOT_PRICES,
    SOURCES,
    BarsOf,
    Key,
    Leaf,
    bars_in,
    leaves_of,
    legs_in,
    plain_keys,
    source_of,
    sums_in,
    windows_of,
)
from rules_engine.evaluation.columnar.moments import Lookback, Moments
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.streamed import Streamed
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
        self.held: dict[Expression, HeldJoint] = {}
        self.bars: dict[BarsOf, ClosedBars] = {}
        self.over: dict[Series, Over] = {}
        self.kernels = kernels
        self._spoken = {name: tuple(fields) for name, fields in spoken.items()}
        for name, fields in self._spoken.items():
            for field in fields:
                self.tracks[name, field] = Track(kernels)
        self._leaves: dict[Condition, Sequence[Leaf]] = {}
        self._derived: list[Key] = []
        self._series: dict[Expression, bool] = {}
        """Those over which there are windows, and whether sums over them are read."""
        self._counted_s: dict[Expression, float] = {}
        """How long the evaluator keeps what it counts of them."""
        self._joints_of: dict[str, list[Joint]] = {}
        self._held_of: dict[str, list[HeldJoint]] = {}
        self._slots: dict[Key, int] = {}
        self._row_times: Callable[[], Column] = _never
        self._moments: dict[frozenset[Key], Moments] = {}
        self._columns: dict[tuple[Moments, float | None], Columns] = {}

    # What is read.

    def leaves(self, condition: Condition) -> Sequence[Leaf]:
        """Those of a condition. All who ask get the same, so that each is looked through once."""
        found = self._leaves.get(condition)
        if found is None:
            found = self._leaves[condition] = tuple(leaves_of(condition))
        return found

    def watch(self, condition: Condition) -> None:
        """Makes what is needed to find its sides."""
        for leaf in self.leaves(condition):
            for key in leaf.reads:
                self.follow(key)
            for bars in leaf.closing():
                self._closed(bars)
            for of in leaf.condition.expressions():
                self._read(of)
            for of, window_s, sums in leaf.windows:
                self._look_back(of, window_s, sums=sums, begins=not isinstance(leaf.condition, Move))
                if isinstance(leaf.condition, Change):
                    self._count(of, window_s)

    def watch_value(self, of: Expression) -> None:
        """Makes what is needed to read it."""
        for key in plain_keys(of):
            self.follow(key)
        self._read(of)
        for series, window_s, sums in windows_of(of):
            self._look_back(series, window_s, sums=sums, begins=True)

    def _look_back(self, of: Expression, window_s: float, *, sums: bool, begins: bool) -> None:
        self._series[of] = sums or self._series.get(of, False)
        if sums:
            self._count(of, window_s)
        self._announce(of)
        if not is_series(of):
            self.held[of].past.need(window_s)
        else:
            self.past_of(of).need(window_s, begins=begins)
            if sums and not self.can_count(of):
                self.past_of(of).need_rough()

    def _count(self, of: Expression, window_s: float) -> None:
        self._counted_s[of] = max(window_s, self._counted_s.get(of, 0.0))

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

    def _announce(self, of: Expression) -> None:
        keys = frozenset(legs_in(of))
        for key in keys:
            self.follow(key)
        names = {name for name, _ in keys}
        if _is_track(of) or of in self.joints or of in self.held:
            return
        if is_series(of):
            joint = self.joints[of] = Joint(self.kernels, keys)
            for name in names:
                self._joints_of.setdefault(name, []).append(joint)
        else:
            held = self.held[of] = HeldJoint(of, keys, self.kernels)
            for name in names:
                self._held_of.setdefault(name, []).append(held)

    def _closed(self, bars: BarsOf) -> ClosedBars:
        if bars not in self.bars:
            self.follow(bars[:2])
            self.bars[bars] = ClosedBars(bars[2])
        return self.bars[bars]

    def can_count(self, of: Expression) -> bool:
        """Whether sums over that series are exact in whole steps."""
        return _is_track(of) and (of.instrument.name, of.field) in self.countable

    def series(self) -> Mapping[Expression, Past]:
        """The series, without names, of which columns have all windows: where sums are read, these are exact."""
        counted = (of for of, sums in self._series.items() if is_series(of) and (self.can_count(of) or not sums))
        return {of: self.past_of(of) for of in counted}

    def past_of(self, of: Expression) -> Past:
        """The prints of a series that was announced, without names."""
        if _is_track(of):
            return self.tracks[of.instrument.name, of.field].past
        return self.joints[of].past

    def lookback(self, of: Expression, moments: Moments) -> Past | Lookback:
        """Windows over a series that was announced, without names, as they are at these moments."""
        if _is_track(of):
            return moments.lookback(self.tracks[of.instrument.name, of.field])
        joint = self.joints[of]
        return moments.lookback_of(joint.past, joint.ends_at, [self.tracks[key] for key in joint.keys])

    def legs_of(self, of: Expression) -> Iterable[Key]:
        """What makes that series print."""
        return sorted(set(legs_in(of)))

    def joints_of(self, name: str) -> Sequence[Joint]:
        """Those that print when something of the instrument does."""
        return self._joints_of.get(name, ())

    def held_of(self, name: str) -> Sequence[HeldJoint]:
        """The same of those that holdings are in."""
        return self._held_of.get(name, ())

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
        and until when it goes.

        Each of these reads those before it: what is heard, fields that follow others, bars, functions over bars, series
        made of all of them, and series that what orders change is in.
        """
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
            columns, begun_s = self._at_prints(of, joint)
            joint.turn_over(columns.moments, columns.value(of).at, begun_s)
            columns.forget()
        for of, held in self.held.items():
            held.turn_over(*self._at_prints(of, held))

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

    def _at_prints(self, of: Expression, joint: Joint | HeldJoint) -> tuple[Columns, float]:
        """What the series reads at each of its prints, sums and all exactly as the evaluator finds it; and from when on
        these were seen."""
        tracks = [self.tracks[key] for key in joint.keys]
        prints = self.moments(joint.keys)
        counts = np.sum([np.zeros(len(prints), dtype=np.int64), *(prints.is_new([each]) for each in tracks)], axis=0)
        if np.any(counts != 1):
            derived = {self.tracks[key] for key in self._derived}
            prints = Prints(prints, counts, derived.__contains__)
        rough = Columns(self, prints, overflow="ignore")
        given = {part: self._sum(part, joint, rough) for part in sums_in(of)}
        rough.forget()
        begun_s = max((track.past.begun_s for track in tracks), default=-inf)
        return Columns(self, prints, overflow="ignore", given=given), begun_s

    def _sum(self, of: Series, joint: Joint | HeldJoint, columns: Columns) -> Column:
        if self.can_count(of.of):
            return columns.values_at(of, np.arange(len(columns)))
        if of not in joint.sums:
            joint.sums[of] = Streamed(of, self._counted_s[of.of])
        return joint.sums[of].take(columns.lookback(of.of))

    @property
    def prints_held(self) -> int:
        """How many prints all pasts hold together."""
        pasts = [*(track.past for track in self.tracks.values()), *(joint.past for joint in self.joints.values())]
        return sum(len(past.values) for past in pasts) + sum(len(held.past.values) for held in self.held.values())

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self._row_times = _never
        self._forget_columns()
        for track in self.tracks.values():
            track.forget()
        for joint in self.joints.values():
            joint.forget()
        for held in self.held.values():
            held.forget()

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


def _is_track(of: Expression) -> TypeGuard[Reading]:
    """Whether it is what ticks, and nothing is made of it."""
    return isinstance(of, Reading) and of.bar_s is None


def _never() -> Column:
    return np.empty(0)
