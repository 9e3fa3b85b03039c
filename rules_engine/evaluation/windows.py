"""Prints of a stretch of time into its extremes, sums and last print before it, at constant cost a print."""

from array import array
from collections import deque
from collections.abc import Sequence
from math import frexp, sqrt

from rules_engine.model.tolerance import EDGE_S

Print = tuple[float, float]
"""Time and value."""

NEVER = float("-inf")
_TRIM_MIN = 4096
_DIGITS = 14
"""Of the first value: one fewer than a float holds, so that a decimal number becomes the whole number it should."""
_PLACES_MIN, _PLACES_MAX = 9, 250


class Extreme:
    """The highest (or lowest) print in (now - window_s, now]: a deque of those that can still become it."""

    __slots__ = ("_candidates", "_sign", "_window_s", "first_s", "since_s")

    def __init__(self, window_s: float, highest: bool, since_s: float) -> None:
        self.since_s = since_s
        """From when on prints were taken, where that is later than the beginning of the data."""
        self.first_s: float | None = None
        """The oldest print taken."""
        self._window_s = window_s
        self._sign = -1.0 if highest else 1.0
        self._candidates: deque[Print] = deque()

    def push(self, time_s: float, value: float) -> None:
        candidates, signed = self._candidates, self._sign * value
        if self.first_s is None:
            self.first_s = time_s
        while candidates and candidates[-1][1] >= signed:
            candidates.pop()
        candidates.append((time_s, signed))

    def at(self, now_s: float) -> float | None:
        """None when the window holds no print. ``now_s`` never goes back."""
        candidates, start_s = self._candidates, now_s - self._window_s + EDGE_S
        while candidates and candidates[0][0] <= start_s:
            candidates.popleft()
        return self._sign * candidates[0][1] if candidates else None

    def prepend(self, history: Sequence[Print], complete_from_s: float) -> None:
        """Takes what of the history, oldest first, came before everything taken so far."""
        candidates, older = self._candidates, before(history, self.first_s)
        self.since_s = min(self.since_s, complete_from_s)
        self.first_s = older[0][0] if older else self.first_s
        for time_s, value in reversed(older):
            signed = self._sign * value
            if not candidates or signed < candidates[0][1]:
                candidates.appendleft((time_s, signed))

    def clear(self) -> None:
        self._candidates.clear()
        self.first_s, self.since_s = None, NEVER


class Prints:
    """The prints of one stream, as long as its longest window reads them; windows point into it by number."""

    __slots__ = ("_readers", "first", "times", "values")

    def __init__(self) -> None:
        self.times = array("d")
        self.values = array("d")
        self.first = 0
        """The number of the oldest print still here."""
        self._readers: list[Moments | Before] = []

    def add_reader(self, reader: "Moments | Before") -> None:
        self._readers.append(reader)

    def push(self, time_s: float, value: float) -> None:
        self.times.append(time_s)
        self.values.append(value)
        for reader in self._readers:
            reader.push(time_s, value)
        if len(self.times) & (_TRIM_MIN - 1) == 0:
            self._trim(time_s)

    def _trim(self, now_s: float) -> None:
        for reader in self._readers:
            reader.expire(now_s)
        unread = min(reader.oldest for reader in self._readers) - self.first
        if unread > len(self.times) // 2:
            del self.times[:unread], self.values[:unread]
            self.first += unread

    def prepend(self, history: Sequence[Print], complete_from_s: float) -> None:
        """Takes what of the history, oldest first, came before everything here."""
        older = before(history, self.times[0] if self.times else None)
        self.times = array("d", (time_s for time_s, _ in older)) + self.times
        self.values = array("d", (value for _, value in older)) + self.values
        for reader in self._readers:
            reader.since_s = min(reader.since_s, complete_from_s)
            reader.restart()

    def clear(self) -> None:
        self.first += len(self.times)
        self.times, self.values = array("d"), array("d")
        for reader in self._readers:
            reader.since_s = NEVER
            reader.restart()


class Moments:
    """Mean and spread of the prints in (now - window_s, now].

    Values are summed as whole multiples of a power of ten so small that nothing of a price is lost: the sums are those
    of the decimal numbers that people wrote, whatever has passed through the window, and a flat window has no spread.
    """

    __slots__ = ("_prints", "_scale", "_squares", "_total", "_window_s", "oldest", "since_s")

    def __init__(self, prints: Prints, window_s: float, since_s: float) -> None:
        self.since_s = since_s
        self._prints = prints
        self._window_s = window_s
        self._scale = 0.0
        self.restart()
        prints.add_reader(self)

    def restart(self) -> None:
        """Reads its prints anew."""
        self.oldest = self._prints.first
        self._total = self._squares = 0
        for value in self._prints.values:
            self.push(0.0, value)

    def push(self, time_s: float, value: float) -> None:
        whole = self._whole(value)
        self._total += whole
        self._squares += whole * whole

    def _whole(self, value: float) -> int:
        if not self._scale:
            places = _DIGITS - frexp(value)[1] * 3 // 10
            self._scale = 10.0 ** min(max(places, _PLACES_MIN), _PLACES_MAX) if value else 0.0
        return round(value * self._scale)

    def expire(self, now_s: float) -> None:
        prints, start_s = self._prints, now_s - self._window_s + EDGE_S
        index, end = self.oldest - prints.first, len(prints.times)
        while index < end and prints.times[index] <= start_s:
            whole = self._whole(prints.values[index])
            self._total -= whole
            self._squares -= whole * whole
            index += 1
        self.oldest = prints.first + index

    def _count(self, now_s: float) -> int:
        self.expire(now_s)
        return self._prints.first + len(self._prints.times) - self.oldest

    def mean(self, now_s: float) -> float | None:
        count = self._count(now_s)
        if not count:
            return None
        return self._total / count / self._scale if self._scale else 0.0

    def deviation(self, now_s: float) -> float | None:
        """The sample standard deviation (n - 1)."""
        count = self._count(now_s)
        if count < 2:
            return None
        spread = (count * self._squares - self._total * self._total) / (count * (count - 1))
        return sqrt(spread) / self._scale if self._scale else 0.0

    def score(self, now_s: float) -> float | None:
        """The last print against the mean, in standard deviations; None when there is no spread."""
        count = self._count(now_s)
        spread = count * self._squares - self._total * self._total
        if count < 2 or not spread:
            return None
        # Subtracted as whole numbers: of two floats that are nearly equal, mostly their rounding would be left.
        distance = count * self._whole(self._prints.values[-1]) - self._total
        return distance / sqrt(count * spread / (count - 1))


class Before:
    """The last print at or before now - window_s."""

    __slots__ = ("_prints", "_window_s", "oldest", "since_s")

    def __init__(self, prints: Prints, window_s: float, since_s: float) -> None:
        self.since_s = since_s
        self._prints = prints
        self._window_s = window_s
        self.oldest = 0
        self.restart()
        prints.add_reader(self)

    def restart(self) -> None:
        """Reads its prints anew."""
        self.oldest = self._prints.first

    def push(self, time_s: float, value: float) -> None:
        """A new print is never old enough."""

    def expire(self, now_s: float) -> None:
        times, start_s = self._prints.times, now_s - self._window_s + EDGE_S
        index = self.oldest - self._prints.first
        while index + 1 < len(times) and times[index + 1] <= start_s:
            index += 1
        self.oldest = self._prints.first + index

    def at(self, now_s: float) -> float | None:
        """None while the oldest print is younger than that."""
        self.expire(now_s)
        index = self.oldest - self._prints.first
        times = self._prints.times
        if index >= len(times) or times[index] > now_s - self._window_s + EDGE_S:
            return None
        return self._prints.values[index]


def before(history: Sequence[Print], first_s: float | None) -> Sequence[Print]:
    """What of the history is older than the first print that was seen live."""
    if first_s is None:
        return history
    return [entry for entry in history if entry[0] < first_s - EDGE_S]
