"""Expressions over the prints of one instrument into columns: their values at every print of a slice."""

from dataclasses import dataclass
from functools import reduce
from math import sqrt

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.exact import Exact
from rules_engine.evaluation.columnar.past import NotColumnar, Past
from rules_engine.evaluation.columnar.vectorised import EXACT_MAX, FIT_MAX
from rules_engine.model.expression import (
    Arithmetic,
    Call,
    Expression,
    Function,
    Named,
    Negative,
    Number,
    Reading,
    Series,
    instruments_in,
    parts,
    walk,
)
from rules_engine.model.tolerance import EDGE_S


@dataclass(frozen=True, slots=True)
class Values:
    """``at`` is nan where the value is unknown. ``exact``: bit for bit what the streaming evaluator finds; else the
    last digits of the terms may differ."""

    at: Column
    exact: bool


def is_columnar(of: Expression) -> bool:
    """Whether it has a meaning over the columns of one instrument's own value."""
    return len(instruments_in(of)) < 2 and all(map(_is_part, walk(of)))


def _is_part(part: Expression) -> bool:
    match part:
        case Number() | Named() | Negative() | Arithmetic():
            return True
        case Reading(instrument, field, bar_s):
            return bar_s is None and field is instrument.default_field
        case Call(name):
            return name != "round"
        case Series(of=of, duration_s=duration_s):
            return duration_s is not None and isinstance(plain(of), Reading)
        case _:
            return False


def plain(of: Expression) -> Expression:
    """Without the names that a rule gave it."""
    return plain(of.of) if isinstance(of, Named) else of


class Columns:
    """Values at every fresh print of a past. Raises NotColumnar where the numbers are too large for columns."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.exact = Exact(past)
        self._found: dict[Expression, Values] = {}
        self._extremes: dict[tuple[float, bool], Column] = {}

    def __len__(self) -> int:
        return len(self.past.values) - self.past.fresh

    def value(self, of: Expression) -> Values:
        found = self._found.get(of)
        if found is None:
            try:
                with np.errstate(over="raise", invalid="ignore", divide="ignore"):
                    found = self._found[of] = self._work_out(of)
            except FloatingPointError as error:
                raise NotColumnar("too large") from error
        return found

    def values_at(self, of: Expression, places: Index) -> Column:
        """As the streaming evaluator finds them at some of the fresh prints, from 0; nan where they are unknown."""
        found = self.value(of)
        if found.exact:
            return found.at[places]
        read = self.exact.value(of)
        known = (self.exact.at(place, read) for place in places.tolist())
        return np.array([np.nan if value is None else value for value in known])

    def bound(self, of: Expression) -> float:
        """No term of it, and nothing on the way to it, is larger at any of the fresh prints."""
        match of:
            case Number(value):
                return abs(value)
            case Arithmetic("+" | "-", left, right):
                return self.bound(left) + self.bound(right)
            case Arithmetic("*", left, right):
                return self.bound(left) * self.bound(right)
            case Arithmetic(_, left, right):
                away = np.abs(self.value(right).at)
                least = float(np.min(away, where=away > 0, initial=np.inf))
                return self.bound(left) / least * max(1.0, self.bound(right) / least)
            case Series(function=Function.ZSCORE):
                # No print lies farther from the mean of n than n - 1 others of one value let it.
                return sqrt(len(self.past.values))
            case Reading() | Series():
                return float(np.abs(self.past.blocks.tops).max(initial=0.0))
            case _:
                return max(map(self.bound, parts(of)))

    def before(self, window_s: float) -> Column:
        """The last print at or before now - window_s."""
        past = self.past
        starts = past.starts(window_s)
        found = past.values[starts - 1]
        found[: np.searchsorted(starts, 1)] = np.nan
        return found

    def extreme(self, window_s: float, highest: bool) -> Column:
        """The highest (or lowest) print in (now - window_s, now]."""
        found = self._extremes.get((window_s, highest))
        if found is None:
            found = self._extremes[window_s, highest] = self.past.extremes(window_s, highest)
        return found

    def extreme_at(self, places: Index, window_s: float, highest: bool) -> Column:
        """The same at a few of the fresh prints alone, ascending from 0."""
        if (window_s, highest) in self._extremes:
            return self._extremes[window_s, highest][places]
        return self.past.extremes_at(places, window_s, highest)

    def covered_from(self, window_s: float) -> int:
        """The first of the fresh prints, from 0, whose whole window has been seen."""
        past = self.past
        return int(np.searchsorted(past.times[past.fresh :], past.begun_s + window_s - EDGE_S))

    def _work_out(self, of: Expression) -> Values:
        match of:
            case Number(value):
                return Values(np.broadcast_to(np.float64(value), len(self)), True)
            case Reading():
                return Values(self.past.values[self.past.fresh :], True)
            case Named(of=inner):
                return self.value(inner)
            case Negative(operand):
                inside = self.value(operand)
                return Values(-inside.at, inside.exact)
            case Arithmetic(operator, left, right):
                return _combined(operator, self.value(left), self.value(right))
            case Call(name, arguments):
                return _called(name, [self.value(argument) for argument in arguments])
            case Series(function=Function.HIGHEST | Function.LOWEST, duration_s=float() as window_s):
                return self._covered(self.extreme(window_s, of.function is Function.HIGHEST).copy(), window_s, True)
            case Series(function=function, duration_s=float() as window_s):
                return self._moments(function, window_s)
            case _:
                raise NotColumnar(str(of))

    def _covered(self, values: Column, window_s: float, exact: bool) -> Values:
        values[: self.covered_from(window_s)] = np.nan
        return Values(values, exact)

    def _moments(self, function: Function, window_s: float) -> Values:
        """As Moments: in whole price steps, divided last."""
        past = self.past
        shown = past.places()
        places = int(shown[-1])
        is_settled = bool(shown[past.fresh] == places)
        scale, base = 10.0**places, past.base(places)
        totals, squares = past.totals(places)
        starts, tops, bottoms = past.starts(window_s), past.blocks.tops, past.blocks.bottoms
        most = float(past.most(window_s))
        largest = most * float(tops.max(initial=0.0)) * scale
        away = most * (float(tops.max(initial=0.0) - bottoms.min(initial=0.0)) * scale + 1)
        if max(largest, away * away) > FIT_MAX:
            raise NotColumnar("sums are too large")
        if function is Function.SMA:
            found = past.kernels.means(totals, starts, past.fresh, base, scale)
            return self._covered(found, window_s, is_settled and largest < EXACT_MAX)
        if function is Function.STDEV:
            found, spread = past.kernels.deviations(totals, squares, starts, past.fresh, scale)
            return self._covered(found, window_s, is_settled and max(spread, most * most) < EXACT_MAX)
        found, spread = past.kernels.scores(totals, squares, starts, past.fresh)
        # Whole numbers that a float may round: the last digits may differ.
        return self._covered(found, window_s, is_settled and most * spread < EXACT_MAX)


def _combined(operator: str, left: Values, right: Values) -> Values:
    exact = left.exact and right.exact
    match operator:
        case "+":
            return Values(left.at + right.at, exact)
        case "-":
            return Values(left.at - right.at, exact)
        case "*":
            return Values(left.at * right.at, exact)
        case _:
            return Values(left.at / np.where(right.at == 0, np.nan, right.at), exact)


def _called(name: str, arguments: list[Values]) -> Values:
    exact = all(argument.exact for argument in arguments)
    columns = [argument.at for argument in arguments]
    match name:
        case "abs":
            return Values(np.abs(columns[0]), exact)
        case "min":
            return Values(reduce(np.minimum, columns), exact)
        case "max":
            return Values(reduce(np.maximum, columns), exact)
        case _ if exact:
            return Values(np.floor(columns[0]), True)
        case _:
            raise NotColumnar("a step where the last digits count")
