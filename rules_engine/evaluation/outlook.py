"""Between which numbers the values of a rule stay through the next prints: interval arithmetic on one price."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, sqrt
from typing import TYPE_CHECKING

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.windows import Extreme, Moments
from rules_engine.model.expression import (
    AccountReading,
    Arithmetic,
    Expression,
    Function,
    Named,
    Negative,
    Number,
    Position,
    Reading,
    Series,
    WorkingOrders,
    walk,
)
from rules_engine.model.judging import Range, Stretch
from rules_engine.model.tolerance import EDGE_S

if TYPE_CHECKING:
    from rules_engine.evaluation.view import View

Interval = tuple[float, float]

_PRINTS_MIN = 4
"""A shorter stretch costs more to find than to do without."""
_PRINTS_FIRST, _PRINTS_LONGEST = 16.0, 4096.0
_TRIES = 2
_PAUSE = 16
"""After no stretch was found, so many prints are judged before another is sought."""


class Outlook:
    """What can come of one instrument's own prints. It keeps how far ahead it pays to look, and nothing else."""

    __slots__ = (
        "_ahead",
        "_extremes",
        "_from",
        "_from_s",
        "_known_at_s",
        "_of",
        "_pause",
        "_quote",
        "_view",
    )

    def __init__(self, view: "View", of: Reading) -> None:
        self._view = view
        self._of = of
        self._quote = view.market.feed(of.instrument.name).quote(of.field)
        self._extremes: Extremes | None = None
        self._known_at_s: list[Callable[[], float]] = []
        self._ahead = _PRINTS_FIRST
        self._pause = 0
        self._from: int | None = None
        self._from_s = 0.0

    def range(self, of: Expression) -> Range | None:
        match of:
            case Number(value):
                return lambda stretch: (value, value)
            case Named(of=inner):
                return self.range(inner)
            case Reading():
                return lambda stretch: (stretch.low, stretch.high)
            case Negative(operand):
                inside = self.range(operand)
                return None if inside is None else _negative(inside)
            case Arithmetic(operator, left, right):
                first, second = self.range(left), self.range(right)
                return None if first is None or second is None else _combined(operator, first, second)
            case Series(of=Reading(), duration_s=float() as window_s):
                return self._series(of, window_s)
            case _:
                return None

    def before(self, window_s: float) -> Range:
        market, stream = self._view.market, self._stream()
        window = stream.before(window_s, market.now_s)
        self._known_at_s.append(window.known_at_s)

        def read(stretch: Stretch) -> tuple[float, float] | None:
            if window.at(market.now_s) is None:
                return None
            values = window.coming(stretch.until_s)
            low, high = min(values), max(values)
            # In a window shorter than the stretch, prints of the stretch are compared with each other.
            inside = stretch.until_s - window_s > market.now_s - EDGE_S
            return (min(low, stretch.low), max(high, stretch.high)) if inside else (low, high)

        return read

    def unknown(self) -> Stretch | None:
        until_s = max((known_at_s() for known_at_s in self._known_at_s), default=NEVER)
        return Stretch(-inf, inf, until_s) if until_s > self._view.market.now_s else None

    def longest(self, certain: Callable[[Stretch], bool]) -> Stretch | None:
        if self._pause:
            self._pause -= 1
            return None
        for _ in range(_TRIES):
            stretch = self._next(self._ahead)
            if stretch is not None and certain(stretch):
                self._ahead = min(self._ahead * 2, _PRINTS_LONGEST)
                return stretch
            self._ahead /= 4
            if self._ahead < _PRINTS_MIN:
                break
        self._ahead = max(self._ahead, _PRINTS_MIN)
        self._pause = _PAUSE
        return None

    def _next(self, prints: float) -> Stretch | None:
        """What so many prints may bring, if they are like as many before them."""
        value, now_s, count = self._quote.value, self._view.market.now_s, self._quote.prints
        if self._from is None:
            self._from, self._from_s = count, now_s
        if value is None or count == self._from or self._extremes is None:
            return None
        ahead_s = (now_s - self._from_s) / (count - self._from) * prints
        low, high = (self._extremes.after(now_s - ahead_s, highest) for highest in (False, True))
        if low is None or high is None:
            return None
        room = (high[1] - low[1]) / 2 + abs(value) * 1e-5
        return Stretch(value - 2 * room, value + 2 * room, now_s + ahead_s, int(2 * prints))

    def _stream(self) -> Stream:
        stream = self._view.stream(self._of)
        if stream.extremes is None:
            stream.extremes = Extremes()
        self._extremes = stream.extremes
        return stream

    def _series(self, of: Series, window_s: float) -> Range:
        now_s, stream = self._view.market.now_s, self._stream()
        lows, highs = stream.extreme(window_s, False, now_s), stream.extreme(window_s, True, now_s)
        self._known_at_s.append(partial(stream.covered_at_s, highs, window_s))
        if of.function is Function.HIGHEST:
            return partial(_highest, self._view.market, highs)
        if of.function is Function.LOWEST:
            return partial(_lowest, self._view.market, lows)
        return partial(_RANGES[of.function], self._view.market, stream.moments(window_s, now_s), lows, highs)


def outlook_on(view: "View", of: Sequence[Expression]) -> Outlook | None:
    """None unless the expressions read one print that nothing but its own ticks changes, and nothing else."""
    leaves = {part for expression in of for part in walk(expression) if isinstance(part, _LEAVES)}
    if len(leaves) != 1:
        return None
    (leaf,) = leaves
    return Outlook(view, leaf) if isinstance(leaf, Reading) and view.is_print(leaf) else None


_LEAVES = (Reading, AccountReading, Position, WorkingOrders)


def _highest(market: Market, highs: Extreme, stretch: Stretch) -> tuple[float, float] | None:
    highest, lasting = highs.at(market.now_s), highs.at(stretch.until_s)
    if highest is None:
        return None
    return stretch.low if lasting is None else lasting, max(highest, stretch.high)


def _lowest(market: Market, lows: Extreme, stretch: Stretch) -> tuple[float, float] | None:
    lowest, lasting = lows.at(market.now_s), lows.at(stretch.until_s)
    if lowest is None:
        return None
    return min(lowest, stretch.low), stretch.high if lasting is None else lasting


def _moments(
    market: Market, moments: Moments, lows: Extreme, highs: Extreme, stretch: Stretch
) -> tuple[float, float, float, float] | None:
    """Between which numbers mean and deviation stay, while some prints leave and others, within the stretch, come.

    A print that comes or leaves moves the mean by at most its distance from it over the prints that stay, and the sum
    of squares around the present mean by at most that distance squared.
    """
    now_s = market.now_s
    count, mean, squares = moments.around_mean(now_s)
    low, high = lows.at(now_s), highs.at(now_s)
    leaving, coming = moments.leaving(stretch.until_s), stretch.prints
    staying = count - leaving
    if staying < 2 or low is None or high is None:
        return None
    rise = (coming * max(0.0, stretch.high - mean) + leaving * (mean - low)) / staying
    fall = (coming * max(0.0, mean - stretch.low) + leaving * (high - mean)) / staying
    least = squares - leaving * max(mean - low, high - mean) ** 2 - (count + coming) * max(rise, fall) ** 2
    most = squares + coming * max(abs(stretch.high - mean), abs(mean - stretch.low)) ** 2
    spread = sqrt(max(0.0, least) / (count + coming)), sqrt(most / (staying - 1))
    return mean - fall, mean + rise, *spread


def _mean(market: Market, moments: Moments, lows: Extreme, highs: Extreme, stretch: Stretch) -> Interval | None:
    found = _moments(market, moments, lows, highs, stretch)
    return None if found is None else found[:2]


def _deviation(market: Market, moments: Moments, lows: Extreme, highs: Extreme, stretch: Stretch) -> Interval | None:
    found = _moments(market, moments, lows, highs, stretch)
    return None if found is None else found[2:]


def _score(market: Market, moments: Moments, lows: Extreme, highs: Extreme, stretch: Stretch) -> Interval | None:
    found = _moments(market, moments, lows, highs, stretch)
    if found is None:
        return None
    mean_low, mean_high, least, most = found
    return _quotient((stretch.low - mean_high, stretch.high - mean_low), (least, most))


_RANGES = {Function.SMA: _mean, Function.STDEV: _deviation, Function.ZSCORE: _score}


def _negative(inside: Range) -> Range:
    def read(stretch: Stretch) -> Interval | None:
        found = inside(stretch)
        return None if found is None else (-found[1], -found[0])

    return read


def _combined(operator: str, first: Range, second: Range) -> Range:
    combine = _COMBINE[operator]

    def read(stretch: Stretch) -> Interval | None:
        left, right = first(stretch), second(stretch)
        return None if left is None or right is None else combine(left, right)

    return read


def _product(left: Interval, right: Interval) -> Interval:
    corners = [one * other for one in left for other in right]
    return min(corners), max(corners)


def _quotient(left: Interval, right: Interval) -> Interval | None:
    return _product(left, (1 / right[1], 1 / right[0])) if right[0] > 0 or right[1] < 0 else None


_COMBINE: dict[str, Callable[[Interval, Interval], Interval | None]] = {
    "+": lambda left, right: (left[0] + right[0], left[1] + right[1]),
    "-": lambda left, right: (left[0] - right[1], left[1] - right[0]),
    "*": _product,
    "/": _quotient,
}
