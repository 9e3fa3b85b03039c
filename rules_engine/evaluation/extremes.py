"""Prints into the lowest and highest of every stretch that ends now: one pair of stacks for windows of all lengths."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import neg

from rules_engine.evaluation.past import NEVER, Print, before
from rules_engine.model.tolerance import EDGE_S

_TRIM_MIN = 64
_WAITING_MAX = 64


class _Stack:
    """Prints of which each is more extreme than all that came after it, oldest first."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[float] = []

    def drop(self, start_s: float) -> None:
        gone = bisect_right(self.times, start_s)
        del self.times[:gone], self.values[:gone]

    def push(self, time_s: float, value: float) -> None:
        self.times.append(time_s)
        self.values.append(value)

    def extend(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes prints, newest first."""
        self.times.extend(reversed(times))
        self.values.extend(reversed(values))

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
    at most one entry a stack and distinct price, of older prints than the longest window at most as many again, and up
    to 64 prints that wait.
    """

    __slots__ = (
        "_first_s",
        "_highs",
        "_longest_s",
        "_lows",
        "_newest",
        "_newest_s",
        "_times",
        "_trim_at",
        "_values",
    )

    def __init__(self) -> None:
        self._longest_s = 0.0
        self.clear()

    def clear(self) -> None:
        self._lows, self._highs = _Stack(), _Stack()
        self._newest, self._newest_s = 0.0, NEVER
        self._first_s: float | None = None
        self._trim_at = _TRIM_MIN
        self._times: list[float] = []
        self._values: list[float] = []
        """Prints that wait: many at once are cheaper than one by one."""

    def need(self, window_s: float) -> None:
        """Keeps what a window of that length reads."""
        self._longest_s = max(self._longest_s, window_s)

    def need_only(self, window_s: float) -> None:
        """Windows of that length are the longest that are left."""
        self._longest_s = window_s
        if self._times:
            self._stack()
        self._trim(self._newest_s - window_s)

    def take(self, time_s: float, value: float) -> None:
        """Takes one print, not older than those before."""
        self._times.append(time_s)
        self._values.append(value)
        if len(self._times) > _WAITING_MAX:
            self._stack()

    def extend(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes prints, oldest first, none older than those before. Very many need not wait."""
        if len(times) > _WAITING_MAX:
            if self._times:
                self._stack()
            self._put(times, values)
            return
        self._times.extend(times)
        self._values.extend(values)
        if len(self._times) > _WAITING_MAX:
            self._stack()

    def _stack(self) -> None:
        """Puts the prints that wait onto the stacks."""
        self._put(self._times, self._values)
        self._times.clear()
        self._values.clear()

    def _put(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Puts prints onto the stacks."""
        if self._first_s is None:
            self._first_s, self._newest, self._newest_s = times[0], values[0], times[0]
        if len(values) == 1:
            self._push(values[0])
        else:
            self._push_all(times, values)
        self._newest, self._newest_s = values[-1], times[-1]
        if len(self._lows.times) + len(self._highs.times) > self._trim_at:
            self._trim(self._newest_s - self._longest_s)

    def _push(self, value: float) -> None:
        """The newest print so far makes way for another one."""
        if value > self._newest:
            self._lows.push(self._newest_s, self._newest)
            values = self._highs.values
            while values and values[-1] <= value:
                values.pop()
                self._highs.times.pop()
        elif value < self._newest:
            self._highs.push(self._newest_s, self._newest)
            values = self._lows.values
            while values and values[-1] >= value:
                values.pop()
                self._lows.times.pop()

    def _push_all(self, times: Sequence[float], values: Sequence[float]) -> None:
        """The same with many.

        Read from the newest backwards, they tell by themselves which of them can still become extremes: those beyond
        all that came later.
        """
        low = high = values[-1]
        lows: list[float] = []
        low_times: list[float] = []
        highs: list[float] = []
        high_times: list[float] = []
        for time_s, value in zip(reversed(times), reversed(values), strict=True):
            if value < low:
                low_times.append(time_s)
                lows.append(value)
                low = value
            elif value > high:
                high_times.append(time_s)
                highs.append(value)
                high = value
        self._outdo(low, high)
        if self._newest < low:
            self._lows.push(self._newest_s, self._newest)
        elif self._newest > high:
            self._highs.push(self._newest_s, self._newest)
        self._lows.extend(low_times, lows)
        self._highs.extend(high_times, highs)

    def _outdo(self, low: float, high: float) -> None:
        """Forgets what newer prints equal or outdo."""
        lows, highs = self._lows, self._highs
        at = bisect_left(lows.values, low)
        del lows.times[at:], lows.values[at:]
        at = bisect_left(highs.values, -high, key=neg)
        del highs.times[at:], highs.values[at:]

    def _trim(self, start_s: float) -> None:
        self._lows.drop(start_s)
        self._highs.drop(start_s)
        self._trim_at = max(_TRIM_MIN, 2 * (len(self._lows.values) + len(self._highs.values)))
        if self._first_s is not None:
            self._first_s = max(self._first_s, start_s + 2 * EDGE_S)

    def after(self, start_s: float, highest: bool) -> float | None:
        """The highest (or lowest) of the prints after that moment; None when there is none."""
        if self._times:
            self._stack()
        stack = self._highs if highest else self._lows
        at = bisect_right(stack.times, start_s)
        if at < len(stack.times):
            return stack.values[at]
        return self._newest if self._newest_s > start_s else None

    def last_s(self, value: float, highest: bool) -> float:
        """When the last print came that was as high as that or higher (as low or lower); NEVER if none is kept."""
        if self._times:
            self._stack()
        if self._newest >= value if highest else self._newest <= value:
            return self._newest_s
        stack = self._highs if highest else self._lows
        at = bisect_right(stack.values, -value, key=neg) if highest else bisect_right(stack.values, value)
        return stack.times[at - 1] if at else NEVER

    def prepend(self, history: Sequence[Print]) -> None:
        """Takes what of the history, oldest first, came before everything kept so far."""
        if self._times:
            self._stack()
        older = before(history, self._first_s)
        if not older:
            return
        if self._first_s is None:
            self.extend([time_s for time_s, _ in older], [value for _, value in older])
            if self._times:  # More than may wait are on the stacks already.
                self._stack()
            return
        self._lows.prepend(older, 1.0, self._newest)
        self._highs.prepend(older, -1.0, self._newest)
        self._first_s = older[0][0]
