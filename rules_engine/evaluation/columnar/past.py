"""The prints of one instrument as columns: those of the newest slice, and those before it that windows still read."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from rules_engine.evaluation.columnar.arrays import Column, Flags, Index, Line, NotColumnar
from rules_engine.evaluation.columnar.blocks import BLOCK, Blocks
from rules_engine.evaluation.columnar.bounds import Rough, rough
from rules_engine.evaluation.columnar.kernels import VECTORISED, Kernels
from rules_engine.evaluation.columnar.spans import Spans
from rules_engine.evaluation.columnar.vectorised import FIT_MAX, starts_at
from rules_engine.evaluation.sums import PLACES_STEP, PLACES_STEP_MAX
from rules_engine.model.tolerance import EDGE_S


@dataclass(frozen=True, slots=True)
class Counted:
    """Prints in whole price steps, ``scale`` to one, from a base. Entry n of ``totals`` and ``squares`` is the sum of
    the first n; ``largest`` is one that no window exceeds."""

    totals: Index
    squares: Index
    base: int
    scale: float
    largest: float

    def in_steps(self, values: Column) -> Column:
        """Values as steps from the base."""
        return values * self.scale - self.base

    def in_units(self, steps: Column) -> Column:
        """And back."""
        return (steps + self.base) / self.scale


class Past:
    """Times (POSIX seconds, ascending) and values of prints, oldest first.

    ``fresh`` is where the newest slice begins, ``heard`` how many of the prints here the rules have heard, and
    ``begun_s`` the time of the first print of all. Memory: 16 bytes a print of the longest window and of one slice, 32
    where means are read, and as much again while a slice is looked through.
    """

    def __init__(self, kernels: Kernels = VECTORISED) -> None:
        self.kernels = kernels
        self.times: Column = np.empty(0)
        self.values: Column = np.empty(0)
        self.view = self.times.data
        self.fresh = self.heard = 0
        self.begun_s = inf
        self._longest_s = 0.0
        self.beginning: set[float] = set()
        """The windows of which somebody asks where they begin at each print."""
        self._places_before = PLACES_STEP
        self._places: npt.NDArray[np.int8] | None = None
        self._totals: dict[int, tuple[Index, Index]] = {}
        self._starts: dict[float, Index] = {}
        self._extremes: dict[tuple[float, bool], Column] = {}
        self._before: dict[float, Column] = {}
        self._most: dict[float, int] = {}
        self._ends: Index | None = None
        self._blocks: Blocks | None = None
        self._spans: Spans | None = None
        self._rough: Rough | None = None
        self._is_rough, self._largest = False, 0.0

    def need(self, window_s: float, *, begins: bool = False) -> None:
        """Keeps what a window of that length reads; ``begins``: somebody asks where it begins at each print."""
        self._longest_s = max(self._longest_s, window_s)
        if begins:
            self.beginning.add(window_s)

    def need_rough(self) -> None:
        """Somebody asks for `rough`."""
        self._is_rough = True

    def turn_over(self, times: Sequence[Column], values: Sequence[Column]) -> None:
        """Takes the next slice, in pieces. What came before has been heard, and is dropped where no window reads it."""
        if len(self.times):
            self._drop(float(self.times[-1]))
        self.heard = self.fresh = len(self.times)
        self.times = np.concatenate((self.times, *times))
        self.values = np.concatenate((self.values, *values))
        if self.begun_s == inf and len(self.times):
            self.begun_s = float(self.times[0])
        if self._is_rough:
            self._largest = max(self._largest, float(np.abs(self.values[self.fresh :]).max(initial=0.0)))
        self._forget_found()

    def forget(self) -> None:
        """Lets go of all prints: none follow."""
        self.times = self.values = np.empty(0)
        self._forget_found()

    def _forget_found(self) -> None:
        """What was found out about the slice before."""
        self.view = self.times.data
        self._places = None
        for found in (self._totals, self._starts, self._extremes, self._before, self._most):
            found.clear()
        self._ends = self._blocks = self._spans = self._rough = None

    def _drop(self, now_s: float) -> None:
        # One more than the windows hold: the last print before a window is read too.
        gone = max(0, int(np.searchsorted(self.times, now_s - self._longest_s - 1.0)) - 1)
        if self._places is not None and gone:
            self._places_before = int(self._places[gone - 1])
        self.times, self.values = self.times[gone:], self.values[gone:]

    def begins(self, edge_s: float) -> int:
        """How many of the prints here that were heard are not after that moment."""
        return bisect_right(self.view, edge_s, 0, self.heard)

    @property
    def past(self) -> "Past":
        """A past is seen by itself at its own prints, and by others at theirs."""
        return self

    @property
    def now_s(self) -> Column:
        """When those of the slice were heard."""
        return self.times[self.fresh :]

    @property
    def ends(self) -> Index:
        """For each print of the slice, where its window ends."""
        if self._ends is None:
            self._ends = np.arange(self.fresh + 1, len(self.values) + 1)
        return self._ends

    @property
    def blocks(self) -> Blocks:
        """The prints here in blocks."""
        if self._blocks is None:
            self._blocks = Blocks(self.values)
        return self._blocks

    @property
    def spans(self) -> Spans:
        """The prints of the slice, some together."""
        if self._spans is None:
            self._spans = Spans(self)
        return self._spans

    def starts(self, window_s: float) -> Index:
        """For each print of the slice, where its window (now - window_s, now] begins."""
        found = self._starts.get(window_s)
        if found is None:
            windows_s = sorted({window_s} | self.beginning)
            every = self.kernels.starts(self.times, self.now_s, np.array(windows_s))
            self._starts.update(zip(windows_s, every, strict=True))
            found = self._starts[window_s]
        return found

    def most(self, window_s: float) -> int:
        """No window of a print of the slice holds more prints than this, and few of them much less."""
        found = self._most.get(window_s)
        if found is None:
            starts, ends = self.starts(window_s), self.ends
            lasts = np.minimum(np.arange(BLOCK, len(ends) + BLOCK, BLOCK), len(ends)) - 1
            found = self._most[window_s] = int((ends[lasts] - starts[::BLOCK]).max(initial=0))
        return found

    def extremes(self, window_s: float, highest: bool) -> Column:
        """The highest (or lowest) print of the window of each print of the slice."""
        found = self._extremes.get((window_s, highest))
        if found is None:
            found = self.kernels.extremes(self.blocks, self.starts(window_s), self.ends, highest)
            self._extremes[window_s, highest] = found
        return found

    def before(self, window_s: float) -> Column:
        """For each print of the slice, the last one at or before now - window_s; nan where there is none."""
        found = self._before.get(window_s)
        if found is None:
            starts = self.starts(window_s)
            found = self._before[window_s] = self.values.take(starts - 1)
            found[: np.searchsorted(starts, 1)] = np.nan
        return found

    def covered_from(self, window_s: float) -> int:
        """The first print of the slice, from 0, whose whole window has been seen."""
        return int(np.searchsorted(self.now_s, self.begun_s + window_s - EDGE_S))

    def starts_at(self, prints: Index, window_s: float) -> Index:
        """As `starts` for some prints of the slice, from 0, ascending."""
        if window_s in self._starts:
            return self._starts[window_s].take(prints)
        now_s = self.now_s[prints]
        if self._spans is None or not self._spans.has_begins(window_s):
            return starts_at(self.times, now_s, window_s)
        return self.kernels.starts_from(self.times, now_s, window_s, self._spans.begins(window_s, prints))

    def extremes_at(self, prints: Index, window_s: float, highest: bool) -> Column:
        """As `extremes` for these."""
        if (window_s, highest) in self._extremes:
            return self._extremes[window_s, highest][prints]
        starts = self.starts_at(prints, window_s)
        return self.kernels.extremes(self.blocks, starts, self.fresh + prints + 1, highest)

    def before_at(self, prints: Index, window_s: float) -> Column:
        """As `before` for these."""
        starts = self.starts_at(prints, window_s)
        found: Column = self.values.take(starts - 1)
        found[: np.searchsorted(starts, 1)] = np.nan
        return found

    def moved(self, window_s: float, line: Line) -> Flags:
        """Whether each print of the slice has moved."""
        return self.kernels.moved(self.times, self.blocks, self.fresh, window_s, line)

    def places(self) -> npt.NDArray[np.int8]:
        """How many decimal places the prices up to each print have shown, at least those of a cent.

        Raises NotColumnar when a price has more than are counted.
        """
        if self._places is None:
            places = np.full(len(self.values), self._places_before, dtype=np.int8)
            if self.kernels.in_steps(self.values, 10.0**PLACES_STEP):
                self._places = places
                return places
            left, values = np.arange(len(self.values)), self.values
            for count in range(PLACES_STEP, PLACES_STEP_MAX + 1):
                scale = 10.0**count
                finer = np.rint(values * scale) / scale != values
                left, values = left[finer], values[finer]
                if not len(left):
                    break
                places[left] = np.maximum(places[left], count + 1)
            else:
                raise NotColumnar("prices are not in steps")
            self._places = np.maximum.accumulate(places)
        return self._places

    def counted(self, most: int) -> Counted:
        """The prints here in whole price steps, for windows of no more than so many. Raises NotColumnar when sums over
        these do not fit."""
        places = int(self.places()[-1])
        scale, blocks = 10.0**places, self.blocks
        totals, squares = self.totals(places)
        largest = most * blocks.highest * scale
        away = most * ((blocks.highest - blocks.lowest) * scale + 1)
        if max(largest, away * away) > FIT_MAX:
            raise NotColumnar("sums are too large")
        return Counted(totals, squares, self.base(places), scale, largest)

    def base(self, places: int) -> int:
        """What is taken from every value before it is summed, in steps."""
        return round(float(self.values[0]) * 10.0**places)

    def totals(self, places: int) -> tuple[Index, Index]:
        """Entry n is the sum of the first n prints here, and that of their squares, in steps from the base.

        Raises NotColumnar when they do not fit.
        """
        found = self._totals.get(places)
        if found is None:
            totals, squares, fits = self.kernels.running(self.values, 10.0**places, self.base(places))
            if not fits:
                raise NotColumnar("sums do not fit")
            found = self._totals[places] = (totals, squares)
        return found

    def rough(self) -> Rough:
        """The prints here in steps that need not be theirs. Raises NotColumnar when they cannot be counted."""
        if self._rough is None:
            self._rough = rough(self.values, self._largest)
        return self._rough
