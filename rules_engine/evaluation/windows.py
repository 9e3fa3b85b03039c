"""What rules read of the prints of the last so many seconds: extremes, mean and spread, the last print before them."""

from math import inf, sqrt

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.sums import Sums
from rules_engine.model.tolerance import EDGE_S


class Extreme:
    """The highest (or lowest) print in (now - window_s, now]. All lengths share one pair of stacks."""

    __slots__ = ("_extremes", "_highest", "since_s", "window_s")

    def __init__(self, extremes: Extremes, window_s: float, highest: bool, since_s: float) -> None:
        self.since_s = since_s
        """From when on prints were taken, where that is later than the beginning of the data."""
        self.window_s = window_s
        self._extremes = extremes
        self._highest = highest
        extremes.need(window_s)

    def at(self, now_s: float) -> float | None:
        """None when the window holds no print."""
        return self._extremes.after(now_s - self.window_s + EDGE_S, self._highest)

    def until_s(self, value: float) -> float:
        """When the last print leaves that is as high as that one or higher (as low or lower)."""
        return self._extremes.last_s(value, self._highest) + self.window_s - EDGE_S


class Moments:
    """Mean and spread of the prints in (now - window_s, now]: one number besides the shared sums. None also where it is
    beyond all floats."""

    __slots__ = ("_sums", "oldest", "since_s", "window_s")

    def __init__(self, sums: Sums, window_s: float, since_s: float) -> None:
        self.since_s = since_s
        self._sums = sums
        self.window_s = window_s
        self.oldest = sums.first
        sums.add_reader(self)

    def expire(self, now_s: float) -> None:
        self.reach(now_s)

    def reach(self, now_s: float) -> int:
        """Where among the prints of the sums the window begins."""
        sums = self._sums
        at = sums.until(now_s - self.window_s, self.oldest - sums.first)
        self.oldest = sums.first + at
        return at

    def totals(self, now_s: float) -> tuple[int, int, int]:
        """How many prints, their sum and the sum of their squares, in steps from the sums' base."""
        at, sums = self.reach(now_s), self._sums
        return len(sums.times) - at, sums.totals[-1] - sums.totals[at], sums.squares[-1] - sums.squares[at]

    def mean(self, now_s: float) -> float | None:
        count, total, _ = self.totals(now_s)
        try:
            return (self._sums.base * count + total) / count / self._sums.scale if count else None
        except OverflowError:
            return None

    def deviation(self, now_s: float) -> float | None:
        """The sample standard deviation (n - 1)."""
        count, total, squares = self.totals(now_s)
        if count < 2:
            return None
        try:
            return sqrt((count * squares - total * total) / (count * (count - 1))) / self._sums.scale
        except OverflowError:
            return None

    def score(self, now_s: float) -> float | None:
        """The last print against the mean, in standard deviations; None when there is no spread."""
        count, total, squares = self.totals(now_s)
        spread = count * squares - total * total
        if count < 2 or not spread:
            return None
        # Subtracted as whole numbers: of two floats that are nearly equal, mostly their rounding would be left.
        totals = self._sums.totals
        distance = count * (totals[-1] - totals[-2]) - total
        try:
            return distance / sqrt(count * spread / (count - 1))
        except OverflowError:
            return None


class Before:
    """The last print at or before now - window_s."""

    __slots__ = ("_sums", "oldest", "since_s", "window_s")

    def __init__(self, sums: Sums, window_s: float, since_s: float) -> None:
        self.since_s = since_s
        self._sums = sums
        self.window_s = window_s
        self.oldest = sums.first
        sums.add_reader(self)

    def expire(self, now_s: float) -> None:
        sums = self._sums
        self.oldest = sums.first + max(sums.until(now_s - self.window_s, self.oldest - sums.first) - 1, 0)

    def reach(self, now_s: float) -> int:
        """Where among the prints of the sums it stands; -1 while the oldest one is younger."""
        self.expire(now_s)
        at, times = self.oldest - self._sums.first, self._sums.times
        return at if at < len(times) and times[at] <= now_s - self.window_s + EDGE_S else -1

    def at(self, now_s: float) -> float | None:
        """None while the oldest print is younger than that."""
        at = self.reach(now_s)
        return None if at < 0 else self._sums.value(at)

    def known_at_s(self) -> float:
        """From when on there is one, if no data is lost."""
        times = self._sums.times
        return times[0] + self.window_s - EDGE_S if times else inf


Window = Extreme | Moments | Before
"""What a stream keeps for those who read it."""
