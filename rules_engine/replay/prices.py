"""The recorded prices of a backtest as engines want them: slices of time, and what went by between the two ends."""

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np

from rules_engine.recordings import Recording
from rules_engine.recordings.columns import Block
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS, Slice, Slices
from rules_engine.replay.span import Span


class Prices:
    """Counts the rows between the two ends as they go by: ``rows_heard`` from ``first_s`` to ``last_s``; ``closing``
    are the values of each recording's last one, by its number."""

    def __init__(
        self, recordings: Sequence[Recording], span: Span, progress: Progress, slice_rows: int = SLICE_ROWS
    ) -> None:
        self.first_s: float | None = None
        self.last_s = -inf
        self.rows_heard = 0
        self.closing: dict[int, tuple[float, float]] = {}
        self.held_max = 0
        """The most rows of slices that were held at once."""
        self._span = span
        self._slices = Slices(recordings, progress, slice_rows)

    def slices(self) -> Iterator[Slice]:
        """All rows in order, a stretch of time after the other, up to the one that reaches the end."""
        for each in self._slices:
            self.held_max = self._slices.held_max
            for number, own in enumerate(each.pieces):
                for block in own:
                    self._hear(number, block)
            yield each
            if any(own and own[-1].times_s[-1] >= self._span.end_s for own in each.pieces):
                return

    def _hear(self, number: int, block: Block) -> None:
        start, end = np.searchsorted(block.times_s, (self._span.start_s, self._span.end_s)).tolist()
        if start == end:
            return
        first_s, last_s = float(block.times_s[start]), float(block.times_s[end - 1])
        self.rows_heard += end - start
        self.first_s = first_s if self.first_s is None else min(self.first_s, first_s)
        self.last_s = max(self.last_s, last_s)
        self.closing[number] = float(block.values[0][end - 1]), float(block.values[1][end - 1])
