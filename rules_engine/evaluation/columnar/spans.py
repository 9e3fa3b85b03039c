"""Spans of prints: between which values something lies at all prints of one, so that few prints are looked at."""

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Flags, Index, Sides
from rules_engine.evaluation.columnar.blocks import SPAN
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.model.expression import Function

if TYPE_CHECKING:
    from rules_engine.evaluation.columnar.past import Counted, Past

_NONE: Index = np.empty(0, dtype=np.int64)
_ROUNDING = 2.0**-50
"""What a few operations on floats lose, of the largest number in them."""


@dataclass(frozen=True, slots=True)
class Between:
    """The least and the most that a value may be at any print of each span; both are nan where it may be unknown."""

    low: Column
    high: Column


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of each span. The prints from ``core`` up to the span's first one are in all of them, where it
    ``has_core``; up to ``more`` others, which lie between ``low`` and ``high``, are in some."""

    core: Index
    has_core: Flags
    more: Index
    low: Column
    high: Column


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of the windows of each span. A deviation is nan where that of some window is unknown."""

    mean: Between
    deviation: Between


class Spans:
    """The prints of the newest slice of a past, up to 32 together."""

    def __init__(self, past: "Past") -> None:
        self._past = past
        count = len(past.values)
        self._own = np.arange(past.fresh // SPAN, -(-count // SPAN) if count > past.fresh else 0)
        self._firsts = np.maximum(self._own * SPAN, past.fresh)
        self._lasts = np.minimum(self._own * SPAN + SPAN, count) - 1
        self._begins: dict[float, Index] = {}
        self._windows: dict[float, _Windows] = {}
        self._sums: dict[float, _Sums] = {}
        self._extremes: dict[tuple[float, bool], Between] = {}

    def __len__(self) -> int:
        return len(self._own)

    def values(self, spans: Index) -> Column:
        """The prints of some spans, a row each; what is no print of the slice has some value."""
        places = self._own[spans, np.newaxis] * SPAN + np.arange(SPAN)
        return self._past.values.take(places, mode="clip")

    def at_prints(self, sides: Sides, some: Index = _NONE, within: Sides | None = None) -> Sides:
        """That of its span for each print; of some spans those ``within``, as `values` has them."""
        every = np.repeat(sides, SPAN)
        if within is not None:
            every.reshape(-1, SPAN)[some] = within
        skipped = self._past.fresh % SPAN
        return every[skipped : skipped + len(self._past.values) - self._past.fresh]

    def has_begins(self, window_s: float) -> bool:
        """Whether somebody has asked where these windows begin."""
        return window_s in self._begins

    def begins(self, window_s: float, prints: Index) -> Index:
        """Where the window of the first print of the span of each of these begins."""
        return self._begin(window_s).take((prints + self._past.fresh % SPAN) // SPAN)

    def prices(self) -> Between:
        """The prints themselves."""
        blocks = self._past.blocks
        return Between(blocks.lows[self._own], blocks.highs[self._own])

    def before(self, window_s: float) -> Between:
        """The last print at or before the beginning of each window."""
        begins = self._begin(window_s)
        lasts = np.maximum(begins - 1, 0)
        found = self._within(lasts[:-1], lasts[1:])
        is_unknown = begins[:-1] == 0
        found.low[is_unknown] = found.high[is_unknown] = np.nan
        return found

    def extremes(self, window_s: float, highest: bool) -> Between:
        """The highest (or lowest) print of each window."""
        found = self._extremes.get((window_s, highest))
        if found is None:
            windows, past = self._of(window_s), self._past
            blocks, far, better = (
                (past.blocks.of_highs, windows.high, np.fmax)
                if highest
                else (past.blocks.of_lows, windows.low, np.fmin)
            )
            first, end = (windows.core + (SPAN - 1)) // SPAN, np.maximum(self._own, 1)
            whole = past.kernels.extremes(blocks, np.minimum(first, end - 1), end, highest)
            whole[first >= self._own] = np.nan
            inner = better(whole, past.values[self._firsts])
            inner[~windows.has_core] = np.nan
            outer = better(inner, far)
            found = Between(inner, outer) if highest else Between(outer, inner)
            self._extremes[window_s, highest] = found
        return found

    def moments(self, function: Function, window_s: float) -> Between:
        """The mean, deviation or score of each window. Raises NotColumnar where sums are not exact in columns."""
        counted, sums = self._summed(window_s)
        if function is Function.SMA:
            return Between(counted.in_units(sums.mean.low), counted.in_units(sums.mean.high))
        least, most = sums.deviation.low, sums.deviation.high
        if function is Function.STDEV:
            return Between(least / counted.scale, most / counted.scale)
        # Without a spread there is no score.
        is_known, own = least > 0, self.prices()
        least, most = np.where(is_known, least, np.nan), np.where(is_known, most, np.nan)
        dust = _ROUNDING * counted.scale * self._past.blocks.largest
        below = counted.in_steps(own.low) - sums.mean.high - dust
        above = counted.in_steps(own.high) - sums.mean.low + dust
        return Between(below / np.where(below < 0, least, most), above / np.where(above > 0, least, most))

    def _summed(self, window_s: float) -> "tuple[Counted, _Sums]":
        """In steps from the base."""
        windows, past = self._of(window_s), self._past
        ends = self._firsts + 1
        counts = ends - windows.core
        every = counts + windows.more
        counted = past.counted(int(every.max(initial=0)))
        found = self._sums.get(window_s)
        if found is None:
            totals = counted.totals.take(ends) - counted.totals.take(windows.core)
            squares = counted.squares.take(ends) - counted.squares.take(windows.core)
            spreads = counts * squares - totals * totals
            middle = totals / counts
            low, high = counted.in_steps(windows.low) - middle, counted.in_steps(windows.high) - middle
            # Others pull the mean of the core towards them, each as much as one of so many.
            share = windows.more / every
            mean = Between(middle + np.minimum(low, 0.0) * share, middle + np.maximum(high, 0.0) * share)
            # With more prints the sum of squares about their mean never falls, nor rises by more than about another.
            far = np.maximum(high, -low)
            least = np.sqrt(spreads / (counts * (every - 1.0)))
            most = np.sqrt((spreads / counts + windows.more * far * far) / (counts - 1.0))
            is_unknown = (counts < 2) | ~windows.has_core
            least[is_unknown] = most[is_unknown] = np.nan
            found = self._sums[window_s] = _Sums(mean, Between(least, most))
        return counted, found

    def _begin(self, window_s: float) -> Index:
        """Where the windows of all first prints begin, and that of the very last print."""
        if window_s not in self._begins:
            past = self._past
            windows_s = sorted({window_s} | past.beginning)
            now_s = past.times[np.append(self._firsts, self._lasts[-1:])]
            every = past.kernels.starts(past.times, now_s, np.array(windows_s))
            self._begins.update(zip(windows_s, every, strict=True))
        return self._begins[window_s]

    def _of(self, window_s: float) -> _Windows:
        found = self._windows.get(window_s)
        if found is None:
            begins = self._begin(window_s)
            first, last = begins[:-1], begins[1:]
            core, has_core = np.minimum(last, self._firsts), last <= self._firsts
            beside = self._within(first, last)
            own = self.prices()
            low, high = np.minimum(beside.low, own.low), np.maximum(beside.high, own.high)
            low[~has_core], high[~has_core] = -np.inf, np.inf
            more = core - first + self._lasts - self._firsts
            found = self._windows[window_s] = _Windows(core, has_core, more, low, high)
        return found

    def _within(self, first: Index, last: Index) -> Between:
        """All prints from each of the first to each of the last ones, which are few mostly."""
        first, last = first // SPAN, last // SPAN
        low, high = (
            better(better(near.take(first), near.take(last)), near.take(np.minimum(first + 1, last)))
            for near, better in ((self._past.blocks.lows, np.minimum), (self._past.blocks.highs, np.maximum))
        )
        many = np.flatnonzero(last - first > 2)
        if len(many):
            first, last = first[many], last[many]
            low[many] = rolling(self._past.blocks.lows, first, last + 1, False)
            high[many] = rolling(self._past.blocks.highs, first, last + 1, True)
        return Between(low, high)


def combined_between(operator: str, left: Between, right: Between) -> Between:
    """What arithmetic makes of two values."""
    match operator:
        case "+":
            return Between(left.low + right.low, left.high + right.high)
        case "-":
            return Between(left.low - right.high, left.high - right.low)
        case "*":
            return _hull([one * other for one in _ends(left) for other in _ends(right)])
        case _:
            # Beyond nothing a quotient jumps.
            is_sure = (right.low > 0) | (right.high < 0)
            low, high = (np.where(is_sure, each, np.nan) for each in (right.low, right.high))
            return _hull([one / other for one in _ends(left) for other in (low, high)])


def _hull(corners: list[Column]) -> Between:
    return Between(reduce(np.minimum, corners), reduce(np.maximum, corners))


def _ends(of: Between) -> tuple[Column, ...]:
    """One, of a number."""
    return (of.low,) if of.low is of.high else (of.low, of.high)
