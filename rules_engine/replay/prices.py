"""The recorded prices of a backtest as engines want them: row by row, or in slices of columns."""

from collections.abc import Iterator, Sequence

import numpy as np

from rules_engine.recordings import Recording, Row, merged
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS, Slice, Slices
from rules_engine.replay.span import Span


class Prices:
    """Counts the rows between the two ends as they go by: ``rows_heard`` from ``first_s`` to ``last_s``.

    ``countable`` says of each recording whether its prices are in steps that sums of columns hold exactly.
    """

    def __init__(
        self, recordings: Sequence[Recording], span: Span, progress: Progress, slice_rows: int = SLICE_ROWS
    ) -> None:
        self.first_s: float | None = None
        self.last_s = 0.0
        self.rows_heard = 0
        self.held_max = 0
        """The most rows of slices that were held at once."""
        self.countable = tuple(recording.is_countable for recording in recordings)
        self._recordings = recordings
        self._span = span
        self._progress = progress
        self._slice_rows = slice_rows

    def rows(self) -> Iterator[Row]:
        """All rows in order."""
        start_s, end_s = self._span.start_s, self._span.end_s
        for row in merged(self._recordings, self._progress):
            if start_s <= row[0] < end_s:
                if self.first_s is None:
                    self.first_s = row[0]
                self.last_s = row[0]
                self.rows_heard += 1
            yield row

    def slices(self) -> Iterator[Slice]:
        """The same rows, a stretch of time after the other."""
        slices = Slices(self._recordings, self._progress, self._slice_rows)
        for each in slices:
            self.held_max = slices.held_max
            start, end = (int(at) for at in np.searchsorted(each.times_s, (self._span.start_s, self._span.end_s)))
            if start < end:
                if self.first_s is None:
                    self.first_s = float(each.times_s[start])
                self.last_s = float(each.times_s[end - 1])
                self.rows_heard += end - start
            yield each
