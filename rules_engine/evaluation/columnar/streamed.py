"""Sums over values that are in no price steps, at one moment after the other: the evaluator's own."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column
from rules_engine.evaluation.columnar.moments import Lookback
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Moments
from rules_engine.model.expression import Function, Series


class Streamed:
    """For a series of which every value is read: about two microseconds a print.

    ``longest_s`` is the longest window that sums over the same prints have anywhere: it decides when these are counted
    anew, and so about the last digits.
    """

    def __init__(self, of: Series, longest_s: float) -> None:
        assert of.duration_s is not None, of
        self._sums = Sums()
        own = Moments(self._sums, of.duration_s, NEVER)
        Moments(self._sums, longest_s, NEVER)
        self._read = {Function.SMA: own.mean, Function.STDEV: own.deviation}.get(of.function, own.score)

    def take(self, seen: Past | Lookback) -> Column:
        """The value at each moment from which the fresh prints are seen, all of them; nan where there is none. Once a
        slice."""
        past, take, read = seen.past, self._sums.take, self._read
        fresh = zip(past.times[past.fresh :].tolist(), past.values[past.fresh :].tolist(), strict=True)
        heard, found = past.fresh, []
        for now_s, end in zip(seen.now_s.tolist(), seen.ends.tolist(), strict=True):
            for _ in range(end - heard):
                take(*next(fresh))
            heard = max(heard, end)
            value = read(now_s)
            found.append(np.nan if value is None else value)
        assert heard == len(past.times), "each print is seen from some moment"
        return np.array(found)
