"""Expressions at single prints of a past, exactly as the streaming evaluator works them out."""

from collections.abc import Callable, Sequence

from rules_engine.evaluation.arithmetic import compile_size, compile_value
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.windows import PastMoments, past_extreme
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.sums import Sums
from rules_engine.model.expression import Expression, Function, Reading, Series
from rules_engine.model.judging import Value
from rules_engine.model.tolerance import EDGE_S, order


class Exact:
    """For the few prints at which columns cannot tell."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._print = 0
        self._values: dict[Expression, Value] = {}

    def value(self, of: Expression) -> Value:
        """Reads the expression at the print that `at` names."""
        if of not in self._values:
            self._values[of] = compile_value(of, self._leaf)
        return self._values[of]

    def at(self, place: int, read: Value) -> float | None:
        """What that reads at a fresh print, from 0."""
        past, heard = self._past, self._past.heard
        self._print = past.fresh + place
        past.heard = self._print + 1
        try:
            return read()
        finally:
            past.heard = heard

    def sides(self, left: Expression, right: Expression, sized: Sequence[Expression]) -> Callable[[], float | None]:
        """Reads -1, 0 or 1 as the left is below, equal to or above the right; ``sized`` are all that are added up."""
        first, second, size = self.value(left), self.value(right), compile_size(sized, self._leaf)

        def read() -> float | None:
            one, other = first(), second()
            return None if one is None or other is None else order(one, other, size())

        return read

    def _leaf(self, of: Expression) -> Value:
        past = self._past
        match of:
            case Reading():
                return lambda: float(past.values[self._print])
            case Series(function=Function.HIGHEST | Function.LOWEST, duration_s=float() as window_s):
                extreme = past_extreme(past, window_s, of.function is Function.HIGHEST)
                return lambda: extreme(self._now_s) if self._is_covered(window_s) else None
            case Series(function=function, duration_s=float() as window_s):
                moments = PastMoments(past, Sums(), window_s, NEVER)
                read = {Function.SMA: moments.mean, Function.STDEV: moments.deviation}.get(function, moments.score)
                return lambda: read(self._now_s) if self._is_covered(window_s) else None
            case _:
                raise AssertionError(f"not of one instrument's prints: {of}")

    @property
    def _now_s(self) -> float:
        return float(self._past.times[self._print])

    def _is_covered(self, window_s: float) -> bool:
        return self._past.begun_s + window_s - EDGE_S <= self._now_s
