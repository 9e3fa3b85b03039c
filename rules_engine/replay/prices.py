"""The recorded prices of a backtest as engines want them: slices of time, and what went by between the two ends."""

from collections.abc import Iterator, Sequence

import numpy as np

from rules_engine.recordings import Recording
from rules_engine.recordings.columns import Column
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS, Slice, Slices
from rules_engine.replay.span import Span


class Prices:
    """Counts the rows between the two ends as they go by: ``rows_heard`` from ``first_s`` to ``last_s``."""

    def __init__(
        self, recordings: Sequence[Recording], span: Span, progress: Progress, slice_rows: int = SLICE_ROWS
    ) -> None:
        self.first_s: float | None = None
        self.last_s = 0.0
        self.rows_heard = 0
        self.held_max = 0
        """The most rows of slices that were held at once."""
        self._span = span
        self._slices = Slices(recordings, progress, slice_rows)

    def slices(self) -> Iterator[Slice]:
        """All rows in order, a stretch of time after the other, up to the one that reaches the end."""
        for each in self._slices:
            self.held_max = self._slices.held_max
            inside = [self._inside(block.times_s) for own in each.pieces for block in own]
            heard = [times_s for times_s in inside if len(times_s)]
            if heard:
                self.rows_heard += sum(map(len, heard))
                self.last_s = max(float(times_s[-1]) for times_s in heard)
                if self.first_s is None:
                    self.first_s = min(float(times_s[0]) for times_s in heard)
            yield each
            if any(own and own[-1].times_s[-1] >= self._span.end_s for own in each.pieces):
                return

    def _inside(self, times_s: Column) -> Column:
        start, end = np.searchsorted(times_s, (self._span.start_s, self._span.end_s))
        return times_s[start:end]
