"""Expressions over the prints of one instrument into columns: their values at every print of a slice."""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from rules_engine.evaluation.columnar.past import Column, Index, NotColumnar, Past
from rules_engine.evaluation.columnar.rolling import extremes
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
    walk,
)
from rules_engine.model.tolerance import EDGE_S

_WHOLE_MAX = 2.0**53
"""Up to here, whole numbers as floats are exact."""


@dataclass(frozen=True, slots=True)
class Values:
    """``at`` is nan where the value is unknown. ``size`` is no smaller than any term on the way.

    ``exact``: bit for bit what the streaming evaluator finds; else they may differ in the last digits of the size.
    """

    at: Column
    size: Column
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
        self._found: dict[Expression, Values] = {}
        self._extremes: dict[tuple[float, bool], Column] = {}

    def value(self, of: Expression) -> Values:
        found = self._found.get(of)
        if found is None:
            try:
                with np.errstate(over="raise", invalid="ignore", divide="ignore"):
                    found = self._found[of] = self._work_out(of)
            except FloatingPointError as error:
                raise NotColumnar("too large") from error
        return found

    def before(self, window_s: float) -> Column:
        """The last print at or before now - window_s."""
        past = self.past
        starts = past.starts(window_s)
        return np.where(starts > 0, past.values[starts - 1], np.nan)

    def extreme(self, window_s: float, highest: bool) -> Column:
        """The highest (or lowest) print in (now - window_s, now]."""
        found = self._extremes.get((window_s, highest))
        if found is None:
            past = self.past
            ends = np.arange(past.fresh + 1, len(past.values) + 1)
            found = extremes(past.values, past.starts(window_s), ends, highest)
            self._extremes[window_s, highest] = found
        return found

    def extreme_at(self, places: Index, window_s: float, highest: bool) -> Column:
        """The same at some of the fresh prints alone, ascending from 0."""
        if (window_s, highest) in self._extremes:
            return self._extremes[window_s, highest][places]
        past = self.past
        at = past.fresh + places
        starts = np.searchsorted(past.times, (past.times[at] - window_s) + EDGE_S, side="right")
        return extremes(past.values, starts, at + 1, highest)

    def is_covered(self, window_s: float) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Whether every print of the window has been seen."""
        past = self.past
        return past.begun_s + window_s - EDGE_S <= past.times[past.fresh :]

    def _work_out(self, of: Expression) -> Values:
        match of:
            case Number(value):
                count = len(self.past.values) - self.past.fresh
                return Values(np.full(count, value), np.full(count, abs(value)), True)
            case Reading():
                values = self.past.values[self.past.fresh :]
                return Values(values, np.abs(values), True)
            case Named(of=inner):
                return self.value(inner)
            case Negative(operand):
                inside = self.value(operand)
                return Values(-inside.at, inside.size, inside.exact)
            case Arithmetic(operator, left, right):
                return _combined(operator, self.value(left), self.value(right))
            case Call(name, arguments):
                return _called(name, [self.value(argument) for argument in arguments])
            case Series(function=Function.HIGHEST | Function.LOWEST, duration_s=float() as window_s):
                return self._covered(self.extreme(window_s, of.function is Function.HIGHEST), window_s, True)
            case Series(function=function, duration_s=float() as window_s):
                return self._moments(function, window_s)
            case _:
                raise NotColumnar(str(of))

    def _covered(self, values: Column, window_s: float, exact: bool, size: Column | None = None) -> Values:
        at = np.where(self.is_covered(window_s), values, np.nan)
        return Values(at, np.abs(at) if size is None else size, exact)

    def _moments(self, function: Function, window_s: float) -> Values:
        """As Moments: in whole price steps, divided last."""
        past = self.past
        shown = past.places()
        places = int(shown[-1])
        exact = bool(shown[past.fresh] == places)
        totals, squares = past.totals(places)
        scale, base = 10.0**places, past.base(places)
        starts, ends = past.starts(window_s), np.arange(past.fresh + 1, len(past.values) + 1)
        count, total = ends - starts, totals[ends] - totals[starts]
        most, largest = float(count.max(initial=0)), float(past.values.max(initial=0.0)) * scale
        if most * largest > _WHOLE_MAX:
            raise NotColumnar("sums are too large")
        if function is Function.SMA:
            return self._covered((base * count + total) / count / scale, window_s, exact)
        square = squares[ends] - squares[starts]
        if most * float(square.max(initial=0)) > _WHOLE_MAX:
            raise NotColumnar("squares are too large")
        spread = count * square - total * total
        if function is Function.STDEV:
            at = np.sqrt(spread / (count * (count - 1))) / scale
            return self._covered(np.where(count > 1, at, np.nan), window_s, exact)
        # Whole numbers that a float may round: the last digits may differ.
        exact = exact and most * float(spread.max(initial=0)) <= _WHOLE_MAX
        distance = count * (np.rint(past.values[past.fresh :] * scale).astype(np.int64) - base) - total
        at = distance / np.sqrt(count * spread.astype(np.float64) / (count - 1))
        return self._covered(np.where((count > 1) & (spread > 0), at, np.nan), window_s, exact)


def _combined(operator: str, left: Values, right: Values) -> Values:
    exact = left.exact and right.exact
    match operator:
        case "+":
            return Values(left.at + right.at, np.maximum(left.size, right.size), exact)
        case "-":
            return Values(left.at - right.at, np.maximum(left.size, right.size), exact)
        case "*":
            return Values(left.at * right.at, left.size * right.size, exact)
        case _:
            divisor = np.where(right.at == 0, np.nan, right.at)
            away = np.abs(divisor)
            return Values(left.at / divisor, left.size / away * np.maximum(1.0, right.size / away), exact)


def _called(name: str, arguments: list[Values]) -> Values:
    exact = all(argument.exact for argument in arguments)
    size = reduce(np.maximum, (argument.size for argument in arguments))
    columns = [argument.at for argument in arguments]
    match name:
        case "abs":
            return Values(np.abs(columns[0]), size, exact)
        case "min":
            return Values(reduce(np.minimum, columns), size, exact)
        case "max":
            return Values(reduce(np.maximum, columns), size, exact)
        case _ if exact:
            return Values(np.floor(columns[0]), size, True)
        case _:
            raise NotColumnar("a step where the last digits count")
