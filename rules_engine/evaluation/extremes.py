"""Prints into the lowest and highest of every stretch that ends now: one pair of stacks for windows of all lengths."""

from bisect import bisect_right
from collections.abc import Sequence

from rules_engine.evaluation.past import NEVER, Print, before
from rules_engine.model.tolerance import EDGE_S

_TRIM_MIN = 64


class _Stack:
    """Prints of which each is more extreme than all that came after it, oldest first."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[float] = []

    def drop(self, start_s: float) -> None:
        gone = bisect_right(self.times, start_s)
        del self.times[:gone], self.values[:gone]

    def prepend(self, older: Sequence[Print], sign: float, newer: float) -> None:
        """Takes those of the older prints, oldest first, that no later one undercuts (overtops, ``sign`` -1)."""
        bound = sign * (self.values[0] if self.values else newer)
        found: list[Print] = []
        for time_s, value in reversed(older):
            if sign * value < bound:
                bound = sign * value
                found.append((time_s, value))
        found.reverse()
        self.times[:0] = [time_s for time_s, _ in found]
        self.values[:0] = [value for _, value in found]


class Extremes:
    """The prints that are, or can still become, the lowest or highest of some window that ends now.

    The newest print stands apart, for it is always one of them: a print costs one push, a repeated price none. Memory:
    at most one entry a stack and distinct price, and of older prints than the longest window at most as many again.
    """

    __slots__ = ("_first_s", "_highs", "_longest_s", "_lows", "_newest", "_newest_s", "_trim_at")

    def __init__(self) -> None:
        self._longest_s = 0.0
        self.clear()

    def clear(self) -> None:
        self._lows, self._highs = _Stack(), _Stack()
        self._newest, self._newest_s = 0.0, NEVER
        self._first_s: float | None = None
        self._trim_at = _TRIM_MIN

    def need(self, window_s: float) -> None:
        """Keeps what a window of that length reads."""
        self._longest_s = max(self._longest_s, window_s)

    def extend(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes prints, oldest first, none older than those before."""
        if self._first_s is None:
            self._first_s, self._newest = times[0], values[0]
        lows, low_times, highs, high_times = self._lows.values, self._lows.times, self._highs.values, self._highs.times
        newest, newest_s = self._newest, self._newest_s
        for time_s, value in zip(times, values, strict=True):
            if value > newest:
                lows.append(newest)
                low_times.append(newest_s)
                while highs and highs[-1] <= value:
                    highs.pop()
                    high_times.pop()
            elif value < newest:
                highs.append(newest)
                high_times.append(newest_s)
                while lows and lows[-1] >= value:
                    lows.pop()
                    low_times.pop()
            newest, newest_s = value, time_s
        self._newest, self._newest_s = newest, newest_s
        if len(lows) + len(highs) > self._trim_at:
            self._trim(newest_s - self._longest_s)

    def _trim(self, start_s: float) -> None:
        self._lows.drop(start_s)
        self._highs.drop(start_s)
        self._trim_at = max(_TRIM_MIN, 2 * (len(self._lows.values) + len(self._highs.values)))
        if self._first_s is not None:
            self._first_s = max(self._first_s, start_s + 2 * EDGE_S)

    def after(self, start_s: float, highest: bool) -> Print | None:
        """The highest (or lowest) of the prints after that moment, the latest of equals; None when there is none."""
        stack = self._highs if highest else self._lows
        at = bisect_right(stack.times, start_s)
        if at < len(stack.times):
            return stack.times[at], stack.values[at]
        return (self._newest_s, self._newest) if self._newest_s > start_s else None

    def prepend(self, history: Sequence[Print]) -> None:
        """Takes what of the history, oldest first, came before everything kept so far."""
        older = before(history, self._first_s)
        if not older:
            return
        if self._first_s is None:
            self.extend([time_s for time_s, _ in older], [value for _, value in older])
            return
        self._lows.prepend(older, 1.0, self._newest)
        self._highs.prepend(older, -1.0, self._newest)
        self._first_s = older[0][0]
