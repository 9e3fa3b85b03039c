"""A series made of prices and of what orders change: its prints are known as far as holdings are."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.cut import Cut
from rules_engine.evaluation.columnar.kernels import Kernels
from rules_engine.evaluation.columnar.leaves import Holding, Key, holdings_in
from rules_engine.evaluation.columnar.moments import Lookback
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.streamed import Streamed
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.model.expression import AccountReading, Expression, Series

Known = Callable[[Holding, Index], Column]
"""What a holding is at several places; nan where it is unknown."""


class HeldJoint:
    """As Joint. ``past`` has what was heard, and ``heard`` is how many of the slice's ticks these came of."""

    def __init__(self, of: Expression, keys: frozenset[Key], kernels: Kernels) -> None:
        self.keys = keys
        self.sums: dict[Series, Streamed] = {}
        self.past = Past(kernels)
        self.heard = 0
        self._of = of
        self._holdings = frozenset(holdings_in(of))
        self._columns: Columns | None = None
        self._times: list[float] = []
        self._values: list[float] = []

    @property
    def reads_account(self) -> bool:
        """Whether it changes with the account."""
        return any(isinstance(of, AccountReading) for of in self._holdings)

    def turn_over(self, columns: Columns, begun_s: float) -> None:
        """Takes the next slice: what else the series is made of, at each of its prints."""
        self._settle()
        self._columns, self.heard = columns, 0
        self.past.begun_s = begun_s

    def forget(self) -> None:
        """Lets go of all columns: none follow."""
        self._columns = None
        self.past.forget()

    def before(self, place: int) -> int:
        """How many of the slice's prints come before that place."""
        return 0 if self._columns is None else bisect_left(self._columns.moments.places.data, place)

    def hear(self, time_s: float, value: float) -> None:
        """A print that was worked out elsewhere."""
        self._times.append(time_s)
        self._values.append(value)

    def pass_over(self, end: int, known: Known) -> tuple[Sequence[float], Sequence[float]]:
        """The times and values of the prints before the ``end``-th, from where it stands."""
        if end <= self.heard:
            return (), ()
        times, values, _ = self._work_out(end, known)
        self.heard = end
        self._times.extend(times.tolist())
        self._values.extend(values.tolist())
        return times.tolist(), values.tolist()

    def lookback(self, places: Index, now_s: Column, known: Known) -> Lookback:
        """Its windows at those places, at these times, as long as holdings are what is ``known`` of them."""
        self._settle()
        end = self.before(int(places[-1]) + 1) if len(places) else 0
        times, values, printed = self._work_out(max(end, self.heard), known)
        ahead = Past(self.past.kernels)
        ahead.times = np.concatenate((self.past.times, times))
        ahead.values = np.concatenate((self.past.values, values))
        ahead.begun_s = self.past.begun_s
        return Lookback(ahead, now_s, len(self.past.times) + np.searchsorted(printed, places, side="right"))

    def _work_out(self, end: int, known: Known) -> tuple[Column, Column, Index]:
        """Times, values and places of the prints that follow, before the ``end``-th."""
        if self._columns is None or end == self.heard:
            return np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
        moments, at = self._columns.moments, np.arange(self.heard, end)
        places = moments.places[at]
        cut = Cut(self._columns, at, {of: known(of, places) for of in self._holdings})
        values = cut.value(self._of).at
        usable = np.isfinite(values)
        return moments.times[at][usable], values[usable], places[usable]

    def _settle(self) -> None:
        """What was heard by now is the past."""
        self.past.turn_over((np.array(self._times),), (np.array(self._values),))
        self._times.clear()
        self._values.clear()
