"""Functions over a past: of the prints of a duration, or of completed bars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite
from statistics import stdev

from rules_engine.evaluation.arithmetic import compile_value
from rules_engine.evaluation.bars import BarSeries, component
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.windows import Extreme, Moments
from rules_engine.model.expression import (
    Arithmetic,
    Call,
    Expression,
    Function,
    Named,
    Negative,
    Reading,
    Series,
)
from rules_engine.model.judging import Value
from rules_engine.model.tick import Bar


@dataclass(frozen=True, slots=True)
class ExtremeWindow:
    """The highest or lowest print of a window, as of the market's time."""

    market: Market
    stream: Stream
    extreme: Extreme

    def value(self) -> float | None:
        return self.extreme.at(self.market.now_s)

    def is_covered(self) -> bool:
        return self.stream.covered_at_s(self.extreme) <= self.market.now_s

    def until_s(self, value: float) -> float:
        return self.extreme.until_s(value)

    def covered_at_s(self) -> float:
        return self.stream.covered_at_s(self.extreme)


@dataclass(frozen=True, slots=True)
class MomentsWindow:
    """The mean, deviation or score of the prints of a window, as of the market's time."""

    market: Market
    stream: Stream
    moments: Moments
    function: Function

    def value(self) -> float | None:
        now_s = self.market.now_s
        match self.function:
            case Function.SMA:
                return self.moments.mean(now_s)
            case Function.STDEV:
                return self.moments.deviation(now_s)
            case _:
                return self.moments.score(now_s)

    def is_covered(self) -> bool:
        return self.stream.covered_at_s(self.moments) <= self.market.now_s


class OverBars:
    """A function over the last ``bar_count`` completed bars; of several series, those bars that all of them have.

    Memory: the bars are those of its series, which keep ``bar_count`` each, of several twice as many. Of its own a few
    numbers a series, and while it works out, up to 300 bytes a bar that a series keeps.
    """

    __slots__ = ("_count", "_current", "_formula", "_function", "_legs", "_market", "_readings", "_result", "_seen")

    def __init__(self, of: Series, readings: Sequence[Reading], legs: Sequence[BarSeries], market: Market) -> None:
        assert of.bar_count is not None
        self._function = of.function
        self._count = of.bar_count
        self._readings = readings
        self._legs = legs
        self._market = market
        self._current: dict[Expression, float] = {}
        self._formula = compile_value(of.of, self._leaf)
        self._seen: list[int] | None = None
        self._result: float | None = None

    def _leaf(self, of: Expression) -> Value:
        return lambda: self._current.get(of)

    def value(self) -> float | None:
        """Worked out anew when a bar has closed."""
        for leg in self._legs:
            leg.roll(self._market.now_s)
        seen = [leg.version for leg in self._legs]
        if seen != self._seen:
            self._seen, self._result = seen, self._work_out()
        return self._result

    def _work_out(self) -> float | None:
        values = [value for value in map(self._at, self._shared_starts()[-self._count :]) if value is not None]
        return over(self._function, values) if len(values) == self._count else None

    def _shared_starts(self) -> list[tuple[Bar, ...]]:
        by_start = [{bar.start_s: bar for bar in leg.completed} for leg in self._legs]
        shared = sorted(set(by_start[0]).intersection(*by_start[1:]))
        return [tuple(bars[start_s] for bars in by_start) for start_s in shared]

    def _at(self, bars: tuple[Bar, ...]) -> float | None:
        self._current.update(
            (reading, component(bar, reading.field)) for reading, bar in zip(self._readings, bars, strict=True)
        )
        value = self._formula()
        return value if value is not None and isfinite(value) else None


def over(function: Function, values: Sequence[float]) -> float | None:
    """The function of these values, oldest first; None where it has no value or one beyond all floats."""
    try:
        return _over(function, values)
    except OverflowError:
        return None


def _over(function: Function, values: Sequence[float]) -> float | None:
    mean = fsum(values) / len(values)
    match function:
        case Function.SMA:
            return mean
        case Function.HIGHEST:
            return max(values)
        case Function.LOWEST:
            return min(values)
        case Function.STDEV:
            return stdev(values) if len(values) > 1 else None
        case Function.ZSCORE:
            deviation = stdev(values) if len(values) > 1 else 0.0
            return (values[-1] - mean) / deviation if deviation else None


def unnamed(of: Expression) -> Expression:
    """The same value without the names that a rule gave to its parts, so that rules share it."""
    match of:
        case Named(of=inner):
            return unnamed(inner)
        case Negative(operand):
            return Negative(unnamed(operand))
        case Arithmetic(operator, left, right):
            return Arithmetic(operator, unnamed(left), unnamed(right))
        case Call(name, arguments):
            return Call(name, tuple(map(unnamed, arguments)))
        case Series(of=inner):
            return replace(of, of=unnamed(inner))
        case _:
            return of
