"""Expressions at single moments, exactly as the streaming evaluator works them out."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rules_engine.evaluation.arithmetic import compile_size, compile_value
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.windows import PastMoments, past_extreme
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.sums import Sums
from rules_engine.model.expression import Expression, Function, Series
from rules_engine.model.judging import Value
from rules_engine.model.tolerance import EDGE_S, order

if TYPE_CHECKING:
    from rules_engine.evaluation.columnar.values import Columns


class Exact:
    """For the few moments at which columns cannot tell."""

    def __init__(self, columns: "Columns") -> None:
        self._columns = columns
        self._moment = 0
        self._now_s = 0.0
        self._values: dict[Expression, Value] = {}

    def forget(self) -> None:
        """Nothing more is read."""
        self._values.clear()

    def value(self, of: Expression) -> Value:
        """Reads the expression at the moment that `at` names."""
        if of not in self._values:
            self._values[of] = compile_value(of, self._leaf)
        return self._values[of]

    def at(self, place: int, read: Value) -> float | None:
        """What that reads at a moment, from 0."""
        self._moment, self._now_s = place, float(self._columns.moments.times[place])
        return read()

    def sides(self, left: Expression, right: Expression, sized: Sequence[Expression]) -> Callable[[], float | None]:
        """Reads -1, 0 or 1 as the left is below, equal to or above the right; ``sized`` are all that are added up."""
        first, second, size = self.value(left), self.value(right), compile_size(sized, self._leaf)

        def read() -> float | None:
            one, other = first(), second()
            return None if one is None or other is None else order(one, other, size())

        return read

    def size(self, of: Expression) -> Value:
        """Reads the largest term that is added up in it."""
        return compile_size((of,), self._leaf)

    def _leaf(self, of: Expression) -> Value:
        if isinstance(of, Series) and of.duration_s is not None and of not in self._columns.given:
            return self._series(of, of.duration_s)
        values = self._columns.value(of).at

        def read() -> float | None:
            value = float(values[self._moment])
            return None if value != value else value

        return read

    def _series(self, of: Series, window_s: float) -> Value:
        past, newest = self._columns.lookback(of.of).past, self.value(of.of)
        if of.function in (Function.HIGHEST, Function.LOWEST):
            window = past_extreme(past, window_s, of.function is Function.HIGHEST)
        else:
            moments = PastMoments(past, Sums(), window_s, NEVER)
            window = {Function.SMA: moments.mean, Function.STDEV: moments.deviation}.get(of.function, moments.score)

        def read() -> float | None:
            if newest() is None or past.begun_s + window_s - EDGE_S > self._now_s:
                return None
            return self._as_heard(past, of, window)

        return read

    def _as_heard(self, past: Past, of: Series, window: Callable[[float], float | None]) -> float | None:
        heard = past.heard
        past.heard = int(self._columns.lookback(of.of).ends[self._moment])
        try:
            return window(self._now_s)
        finally:
            past.heard = heard
