"""Bars as columns: each completed one counts from the moment at which it closes."""

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from rules_engine.evaluation.bars import BarSeries, component
from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.leaves import BarsOf, bars_in
from rules_engine.evaluation.columnar.track import Track
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.series import OverBars
from rules_engine.model.expression import Reading, Series, walk
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Bar
from rules_engine.model.tolerance import EDGE_S

Closed = tuple[float, Bar]
"""A completed bar and the moment from which it counts."""


class BarRun(BarSeries):
    """A series that takes many prints at once. ``fresh`` are the bars that closed since somebody looked."""

    __slots__ = ("fresh",)

    def __init__(self, bar_s: float, keeps: bool = False) -> None:
        super().__init__(bar_s, keeps)
        self.fresh: deque[Closed] = deque(maxlen=0)

    def extend(self, times: Column, values: Column, sizes: Column | None, covered_from_s: float) -> list[int]:
        """Takes prints, oldest first; with which of them, from 0, a bar begins."""
        firsts, at = [], 0
        while at < len(times):
            begins = self._forming is None or times[at] >= self._end_s - EDGE_S
            size = 0.0 if sizes is None else float(sizes[at])
            self.push(float(times[at]), float(values[at]), size, covered_from_s)
            if begins:
                firsts.append(at)
            at += 1
            if self._forming is None:
                continue  # Too late for any bar.
            end = at + int(np.searchsorted(times[at:], self._end_s - EDGE_S))
            if end > at:
                self._join(values[at:end], None if sizes is None else sizes[at:end])
            at = end
        return firsts

    def _join(self, values: Column, sizes: Column | None) -> None:
        """More prints of the bar that is forming. Sizes are added one after the other, as `push` does."""
        forming = self._forming
        assert forming is not None, "it has begun"
        high, low = max(forming.high, float(values.max())), min(forming.low, float(values.min()))
        volume = forming.volume
        if sizes is not None:
            volume = float(np.cumsum(np.concatenate(([volume], sizes)))[-1])
        self._forming = Bar(forming.start_s, forming.open, high, low, float(values[-1]), volume)

    def roll(self, now_s: float) -> None:
        end_s, closed = self._end_s, self.closed
        super().roll(now_s)
        if self.closed != closed:
            self.fresh.append((end_s - EDGE_S, self.completed[-1]))


class Steps:
    """A value that holds from one moment to the next; nan before the first."""

    def __init__(self) -> None:
        self._from_s: list[float] = []
        self._values: list[float] = []

    def turn_over(self, steps: Sequence[tuple[float, float | None]]) -> None:
        """Takes those of the next slice; of what was before, only the last one counts."""
        self._from_s = [*self._from_s[-1:], *(from_s for from_s, _ in steps)]
        self._values = [*self._values[-1:], *(np.nan if value is None else value for _, value in steps)]

    def at(self, times: Column) -> Column:
        """At each moment of the slice."""
        values = np.array([np.nan, *self._values])
        return values[np.searchsorted(self._from_s, times, side="right")]


class ClosedBars:
    """The bars of one length of one field. ``closed`` are those that close in the slice, and ``firsts`` its prints,
    from 0, with which one begins."""

    def __init__(self, bar_s: float) -> None:
        self.closed: Sequence[Closed] = ()
        self.firsts: Index = np.empty(0, dtype=np.int64)
        self._run = BarRun(bar_s)
        self._steps: dict[Field, Steps] = {}

    def need(self, field: Field) -> None:
        """Somebody reads that part of the newest bar."""
        self._steps.setdefault(field, Steps())

    def turn_over(self, track: Track, until_s: float) -> None:
        """Takes the fresh prints of its field; the slice goes on until that moment."""
        past, run = track.past, self._run
        run.fresh = deque()
        firsts = run.extend(past.times[past.fresh :], past.values[past.fresh :], track.sizes(), past.begun_s)
        run.roll(until_s)
        self.closed, self.firsts = run.fresh, np.array(firsts, dtype=np.int64)
        for field, steps in self._steps.items():
            steps.turn_over([(from_s, component(bar, field)) for from_s, bar in self.closed])

    def at(self, field: Field, times: Column) -> Column:
        """That part of the newest completed bar at each moment."""
        return self._steps[field].at(times)


class Over:
    """A function over completed bars, worked out anew by the streaming formulas whenever one of them closes."""

    def __init__(self, of: Series) -> None:
        assert of.bar_count is not None
        self.bars: Sequence[BarsOf] = bars_in(of)
        readings = sorted({part for part in walk(of.of) if isinstance(part, Reading)}, key=str)
        self._legs = [BarSeries(bar_s) for _, _, bar_s in self.bars]
        for leg in self._legs:
            leg.need(of.bar_count if len(self._legs) == 1 else 2 * of.bar_count)
        self._value = OverBars(of, readings, self._legs, Market(NEVER))
        self._steps = Steps()

    def turn_over(self, bars: Mapping[BarsOf, ClosedBars]) -> None:
        """Takes the bars that close in the slice, in the order in which they do."""
        closed = [
            (from_s, leg, bar)
            for leg, key in zip(self._legs, self.bars, strict=True)
            for from_s, bar in bars[key].closed
        ]
        steps = []
        for from_s, leg, bar in sorted(closed, key=lambda each: each[0]):
            leg.completed.append(bar)
            leg.version += 1
            steps.append((from_s, self._value.value()))
        self._steps.turn_over(steps)

    def at(self, times: Column) -> Column:
        """At each moment of the slice."""
        return self._steps.at(times)
