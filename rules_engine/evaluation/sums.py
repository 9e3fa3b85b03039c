"""Prints into running totals in whole price steps: the sum of any stretch of them is a difference, exact for ever."""

from array import array
from bisect import bisect_right
from collections.abc import MutableSequence, Sequence
from fractions import Fraction
from math import frexp
from operator import sub
from typing import Protocol

from rules_engine.evaluation.past import NEVER, Print, before, twins
from rules_engine.model.tolerance import EDGE_S

TRIM_MIN = 4096
PLACES_STEP, PLACES_STEP_MAX = 2, 8
"""Decimal places of a price step: cents at first, finer when a price shows it."""
_NEAR = 32
"""Windows move on by a few prints at a time."""
_DIGITS = 14
"""Of the first value that is not in price steps: one fewer than a float holds."""
_PLACES_MIN, _PLACES_MAX = 9, 100
_FIT_MAX = 2**63 - 1


class Reader(Protocol):
    """A window that points into the prints by number."""

    since_s: float
    """From when on prints were taken, where that is later than the beginning of the data."""
    oldest: int
    """The number of the oldest print that it still reads."""

    def expire(self, now_s: float) -> None:
        """Moves on to what the window holds now."""
        ...


class Sums:
    """The prints of one stream, as long as its longest window reads them, and the totals of all up to each.

    Values are counted in whole price steps from the first one, so that sums are those of the decimal numbers that
    people wrote, whatever has passed, and a flat window has no spread. A value is the difference of two totals. Memory:
    24 bytes a print (a float, two whole numbers), and up to twice the prints of the longest window; a stream of values
    that are no prices, such as `MA.mid - 1.85 * V.mid`, needs about 120 bytes a print, for its whole numbers do not fit
    into machine words, and its values are kept beside them.
    """

    __slots__ = ("_readers", "_uneven", "base", "first", "places", "scale", "squares", "times", "totals", "wide")

    def __init__(self) -> None:
        self.times = array("d")
        self._uneven = array("d")
        """The values, where they are no prices."""
        self.first = 0
        """The number of the oldest print still here."""
        self.places = PLACES_STEP
        self.scale = 10.0**PLACES_STEP
        self.wide = False
        """Whether the values are no prices: counted in far finer steps, in numbers of any size."""
        self.base = 0
        """What is taken from every value, in steps, so that squares stay small."""
        self.totals: MutableSequence[int] = array("q", (0,))
        self.squares: MutableSequence[int] = array("q", (0,))
        """Entry n is the total of the first n prints here, plus that of those which have gone."""
        self._readers: list[Reader] = []

    def add_reader(self, reader: Reader) -> None:
        """Another window over these prints."""
        self._readers.append(reader)

    def keep_readers(self, readers: Sequence[Reader]) -> None:
        """These windows are left."""
        self._readers = list(readers)
        if self.times:
            self._trim(self.times[-1])

    def extend(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes prints, oldest first, none older than those before."""
        if not self.times:
            self._begin(values[0])
        before_count = len(self.times)
        self._count(values)
        self.times.extend(times)
        if len(self.times) // TRIM_MIN != before_count // TRIM_MIN:
            self._trim(times[-1])

    def take(self, time_s: float, value: float) -> None:
        """Takes one print, not older than those before."""
        times, squares, scale = self.times, self.squares, self.scale
        try:
            steps = round(value * scale)
        except OverflowError:
            return self.extend((time_s,), (value,))
        distance = steps - self.base
        square = squares[-1] + distance * distance
        is_rare = self.wide or steps / scale != value or square > _FIT_MAX
        if is_rare or not (len(times) + 1) % TRIM_MIN or not times:
            return self.extend((time_s,), (value,))
        squares.append(square)
        self.totals.append(self.totals[-1] + distance)
        times.append(time_s)
        return None

    def value(self, at: int) -> float:
        """That of a print here."""
        if self.wide:
            return self._uneven[at]
        return (self.totals[at + 1] - self.totals[at] + self.base) / self.scale

    def values(self, start: int, end: int) -> Sequence[float]:
        """Those of prints here, from ``start`` to before ``end``."""
        if self.wide:
            return self._uneven[start:end]
        base, scale = self.base, self.scale
        steps = map(sub, self.totals[start + 1 : end + 1], self.totals[start:end])
        return [(step + base) / scale for step in steps]

    def whole(self, value: float) -> int:
        """The value in steps."""
        try:
            return round(value * self.scale)
        except OverflowError:  # More steps than a float can tell.
            return round(Fraction(value) * int(self.scale))

    def _begin(self, value: float) -> None:
        if self.wide:
            places = _DIGITS - frexp(value)[1] * 3 // 10
            self.scale = 10.0 ** min(max(places, _PLACES_MIN), _PLACES_MAX)
        self.base = self.whole(value)

    def _count(self, values: Sequence[float]) -> None:
        """Adds the values to the totals; all anew in finer steps or wider numbers where one does not fit."""
        totals, squares, scale, base, wide = self.totals, self.squares, self.scale, self.base, self.wide
        total, square = totals[-1], squares[-1]
        for number, value in enumerate(values):
            try:
                steps = round(value * scale)
                is_even = wide or steps / scale == value
            except OverflowError:
                steps, is_even = self.whole(value), wide
            if not is_even:
                known = self.values(0, len(squares) - 1)
                self._refine(value)
                return self._count_anew([*known, *values[number:]])
            distance = steps - base
            total += distance
            square += distance * distance
            try:
                squares.append(square)
            except OverflowError:
                known = self.values(0, len(squares) - 1)
                self.wide = totals[0] == 0
                return self._count_anew([*known, *values[number:]])
            totals.append(total)
        if wide:
            self._uneven.extend(values)
        return None

    def _refine(self, value: float) -> None:
        """The value is in none of the present steps."""
        while self.places < PLACES_STEP_MAX and abs(value) < _FIT_MAX:
            self.places += 1
            self.scale = 10.0**self.places
            if self.whole(value) / self.scale == value:
                return
        self.wide = True

    def _count_anew(self, values: Sequence[float]) -> None:
        """The totals from nothing."""
        self.totals, self.squares = ([0], [0]) if self.wide else (array("q", (0,)), array("q", (0,)))
        self._uneven = array("d")
        if values:
            self._begin(values[0])
            self._count(values)

    def _trim(self, now_s: float) -> None:
        for reader in self._readers:
            reader.expire(now_s)
        unread = min(reader.oldest for reader in self._readers) - self.first
        if unread > len(self.times) // 2:
            for entries in (self.times, self._uneven, self.totals, self.squares):
                del entries[:unread]
            self.first += unread

    def until(self, time_s: float, since: int = 0) -> int:
        """How many of the prints here are not after that moment; at least the first ``since`` are known not to be."""
        times, edge_s = self.times, time_s + EDGE_S
        near = min(since + _NEAR, len(times))
        if near < len(times) and times[near] <= edge_s:
            return bisect_right(times, edge_s, near)
        return bisect_right(times, edge_s, since, near)

    def prepend(self, history: Sequence[Print], complete_from_s: float) -> None:
        """Takes what of the history, oldest first, came before everything here."""
        older = before(history, self.times[0] if self.times else None)
        values = self.values(0, len(self.times))
        older = older[: len(older) - twins(older, self.times, values)]
        self.times = array("d", (time_s for time_s, _ in older)) + self.times
        self._count_anew([*(value for _, value in older), *values])
        for reader in self._readers:
            reader.since_s = min(reader.since_s, complete_from_s)
            reader.oldest = self.first

    def clear(self) -> None:
        self.first += len(self.times)
        self.times = array("d")
        self._count_anew(())
        for reader in self._readers:
            reader.since_s = NEVER
            reader.oldest = self.first
