"""The ten rules that W2 and W4 give a symbol, as sentences and as a good engineer writes each by hand with a deque.

Prices are whole cents, so every comparison by hand is exact.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

EDGE_S = 1e-6
Heard = tuple[int, float, int]
"""A print: number of its symbol, time, cents."""
Fired = list[tuple[int, int, int]]
"""Number of the print, of its symbol and of the rule."""


class Hand:
    """One rule by hand: ``truth`` says what holds at a print (None: not known yet), and an edge fires.

    ``seen_happening``: it also fires when it turns true before it was ever known to be false.
    """

    seen_happening = False

    def __init__(self) -> None:
        self._known: bool | None = None

    def tick(self, time_s: float, cents: int) -> bool:
        """True at the print with which the rule fires."""
        truth = self.truth(time_s, cents)
        before = self._known
        if truth is None:
            return False
        self._known = truth
        return truth and (before is False or (before is None and self.seen_happening))

    def truth(self, time_s: float, cents: int) -> bool | None:
        """What is so now."""
        raise NotImplementedError


class Crosses(Hand):
    def __init__(self, level: int, way: int) -> None:
        self._level, self._way, self._armed = level, way, False

    def tick(self, time_s: float, cents: int) -> bool:
        beyond = self._way * (cents - self._level)
        fired = self._armed and beyond >= 0
        self._armed = beyond < 0
        return fired


class Enters(Hand):
    def __init__(self, low: int, high: int) -> None:
        self._low, self._high, self._armed = low, high, False

    def tick(self, time_s: float, cents: int) -> bool:
        inside = self._low <= cents <= self._high
        fired = self._armed and inside
        self._armed = not inside
        return fired


class Channel:
    """Lowest and highest print of a window: two monotonic deques."""

    def __init__(self, window_s: float) -> None:
        self._window_s, self._first_s = window_s, float("inf")
        self._lows: deque[tuple[float, int]] = deque()
        self._highs: deque[tuple[float, int]] = deque()

    def push(self, time_s: float, cents: int) -> tuple[int, int, bool]:
        """Lowest, highest, and whether the window is full."""
        lows, highs, start_s = self._lows, self._highs, time_s - self._window_s + EDGE_S
        self._first_s = min(self._first_s, time_s)
        while lows and lows[-1][1] >= cents:
            lows.pop()
        lows.append((time_s, cents))
        while lows[0][0] <= start_s:
            lows.popleft()
        while highs and highs[-1][1] <= cents:
            highs.pop()
        highs.append((time_s, cents))
        while highs[0][0] <= start_s:
            highs.popleft()
        return lows[0][1], highs[0][1], self._first_s <= start_s


class Moves(Hand):
    seen_happening = True

    def __init__(self, percent: int, window_s: float) -> None:
        super().__init__()
        self._channel, self._up, self._down = Channel(window_s), 100 + percent, 100 - percent

    def truth(self, time_s: float, cents: int) -> bool | None:
        low, high, full = self._channel.push(time_s, cents)
        if cents * 100 >= low * self._up or cents * 100 <= high * self._down:
            return True
        return False if full else None


class Wide(Hand):
    def __init__(self, percent: int, window_s: float) -> None:
        super().__init__()
        self._channel, self._room = Channel(window_s), 100 + percent

    def truth(self, time_s: float, cents: int) -> bool | None:
        low, high, full = self._channel.push(time_s, cents)
        return high * 100 > self._room * low if full else None


class Total:
    """How many prints a window holds, their sum and that of their squares."""

    def __init__(self, window_s: float) -> None:
        self._window_s, self._first_s = window_s, float("inf")
        self._prints: deque[tuple[float, int]] = deque()
        self._total = self._squares = 0

    def push(self, time_s: float, cents: int) -> tuple[int, int, int] | None:
        """None until the window is full."""
        prints, start_s = self._prints, time_s - self._window_s + EDGE_S
        self._first_s = min(self._first_s, time_s)
        prints.append((time_s, cents))
        self._total += cents
        self._squares += cents * cents
        while prints[0][0] <= start_s:
            gone = prints.popleft()[1]
            self._total -= gone
            self._squares -= gone * gone
        return (len(prints), self._total, self._squares) if self._first_s <= start_s else None


class MeansCross(Hand):
    def __init__(self, short_s: float, long_s: float) -> None:
        self._short, self._long, self._armed = Total(short_s), Total(long_s), False

    def tick(self, time_s: float, cents: int) -> bool:
        short, long = self._short.push(time_s, cents), self._long.push(time_s, cents)
        if short is None or long is None:
            return False
        above = short[1] * long[0] - long[1] * short[0]
        fired = self._armed and above >= 0
        self._armed = above < 0
        return fired


class Outlying(Hand):
    """More than three deviations above the mean. ``flat``: what a window without spread says."""

    def __init__(self, window_s: float, flat: bool | None) -> None:
        super().__init__()
        self._total, self._flat = Total(window_s), flat

    def truth(self, time_s: float, cents: int) -> bool | None:
        found = self._total.push(time_s, cents)
        if found is None or found[0] < 2:
            return None
        count, total, squares = found
        spread = count * squares - total * total
        if not spread:
            return self._flat
        distance = count * cents - total
        return distance > 0 and distance * distance * (count - 1) > 9 * count * spread


class Changes(Hand):
    def __init__(self, percent: int, window_s: float) -> None:
        super().__init__()
        self._room, self._window_s = 100 + percent, window_s
        self._prints: deque[tuple[float, int]] = deque()
        self._before: int | None = None

    def truth(self, time_s: float, cents: int) -> bool | None:
        prints, start_s = self._prints, time_s - self._window_s + EDGE_S
        prints.append((time_s, cents))
        while prints[0][0] <= start_s:
            self._before = prints.popleft()[1]
        return None if self._before is None else cents * 100 >= self._before * self._room


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as a sentence about ``{S}``, and the same by hand."""

    sentence: str
    by_hand: Callable[[], Hand]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the ten rules of one symbol say: prices in cents, windows in seconds."""

    high: int
    low: int
    inner: int
    outer: int
    tens: int
    minute: int
    five: int


def figures(home: int, stretch: float = 1.0) -> Figures:
    """Around a price in cents; ``stretch`` lengthens the windows, in whole seconds."""
    levels = (round(home * share) for share in (1.02, 0.98, 0.995, 1.005))
    windows = (max(2, round(length * stretch)) for length in (10, 60, 300))
    return Figures(*levels, *windows)


def mix(figures: Figures) -> list[Written]:
    """The ten rules of a symbol."""
    high, low, inner, outer = figures.high, figures.low, figures.inner, figures.outer
    tens, minute, five = figures.tens, figures.minute, figures.five
    return [
        Written(f"{{S}} crosses above {high / 100:.2f}", lambda: Crosses(high, 1)),
        Written(f"{{S}} crosses below {low / 100:.2f}", lambda: Crosses(low, -1)),
        Written(f"{{S}} moves 2% in {minute}s", lambda: Moves(2, minute)),
        Written(f"{{S}} moves 3% in {five}s", lambda: Moves(3, five)),
        Written(f"sma({{S}}, {tens}s) crosses above sma({{S}}, {minute}s)", lambda: MeansCross(tens, minute)),
        Written(f"{{S}} > sma({{S}}, {five}s) + 3 * stdev({{S}}, {five}s)", lambda: Outlying(five, flat=False)),
        Written(f"zscore({{S}}, {minute}s) > 3", lambda: Outlying(minute, flat=None)),
        Written(f"{{S}} enters {inner / 100:.2f} to {outer / 100:.2f}", lambda: Enters(inner, outer)),
        Written(f"highest({{S}}, {five}s) > 1.02 * lowest({{S}}, {five}s)", lambda: Wide(2, five)),
        Written(f"{{S}} changes up 2% in {minute}s", lambda: Changes(2, minute)),
    ]
