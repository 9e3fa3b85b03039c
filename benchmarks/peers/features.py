"""What an expression over a window needs from its caller: the window's range, and what an edge is."""

from collections import deque

from benchmarks.moves import WINDOW_S


class Range:
    """Lowest and highest print of the last five minutes, in cents: two monotonic deques."""

    def __init__(self) -> None:
        self._lows: deque[tuple[float, int]] = deque()
        self._highs: deque[tuple[float, int]] = deque()

    def push(self, time_s: float, cents: int) -> tuple[int, int]:
        """Lowest and highest, this print included."""
        lows, highs, edge_s = self._lows, self._highs, time_s - WINDOW_S
        while lows and lows[-1][1] >= cents:
            lows.pop()
        lows.append((time_s, cents))
        while lows[0][0] <= edge_s:
            lows.popleft()
        while highs and highs[-1][1] <= cents:
            highs.pop()
        highs.append((time_s, cents))
        while highs[0][0] <= edge_s:
            highs.popleft()
        return lows[0][1], highs[0][1]


class Edge:
    """A rule fires when it turns true; while its window fills it cannot turn false."""

    def __init__(self) -> None:
        self._full_s: float | None = None
        self._held = False

    def tick(self, time_s: float, holds: bool) -> bool:
        """True at the print with which the rule fires."""
        if self._full_s is None:
            self._full_s = time_s + WINDOW_S
        if holds:
            fired, self._held = not self._held, True
            return fired
        if time_s >= self._full_s:
            self._held = False
        return False
