"""Several recordings into slices of time, column by column, in order."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import repeat

import numpy as np
import numpy.typing as npt

from rules_engine.recordings.columns import Block, Column
from rules_engine.recordings.recording import Progress, Recording

SLICE_ROWS = 1 << 18
"""Columns of a slice stay near the processor; what a window of minutes holds besides is little."""
_ROWS_AT_ONCE = 1 << 13
"""As objects of Python, rows are large."""

Row = tuple[float, int, float, float]
"""POSIX seconds, the number of the recording, then price and size, or bid and ask."""


class Slice:
    """All rows of a stretch of time; those of one instant in the order of the recordings, and of one recording in that
    of its file. ``pieces`` are each recording's own rows, in order; columns of all are made when they are asked for.
    """

    def __init__(self, pieces: Sequence[Sequence[Block]]) -> None:
        self.pieces = pieces

    def __len__(self) -> int:
        return sum(self.counts)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many rows are of each recording."""
        return tuple(sum(map(len, own)) for own in self.pieces)

    @property
    def last_s(self) -> float:
        """The time of its last row."""
        return max((float(own[-1].times_s[-1]) for own in self.pieces if own), default=-np.inf)

    @cached_property
    def times_s(self) -> Column:
        return self._column(lambda block: block.times_s)

    @cached_property
    def first(self) -> Column:
        """Price or bid."""
        return self._column(lambda block: block.values[0])

    @cached_property
    def second(self) -> Column:
        """Size or ask."""
        return self._column(lambda block: block.values[1])

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Those of the recordings."""
        numbers = np.repeat(np.arange(len(self.counts)), self.counts)
        return numbers if self._order is None else numbers[self._order]

    @cached_property
    def of(self) -> tuple[npt.NDArray[np.int64], ...]:
        """The places of each recording's own rows."""
        places = np.arange(len(self))
        if self._order is not None:
            places[self._order] = places.copy()
        return tuple(np.split(places, np.cumsum(self.counts)[:-1]))

    def rows(self) -> Iterator[Row]:
        """One after the other."""
        for start in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            numbers = self.numbers[part].tolist() if len(self.counts) > 1 else repeat(0)
            columns = (self.times_s[part].tolist(), numbers, self.first[part].tolist(), self.second[part].tolist())
            yield from zip(*columns, strict=False)

    def cut(self, row: int) -> tuple["Slice", "Slice"]:
        """The rows before that one, and those from it on."""
        counts = [int(np.searchsorted(own, row)) for own in self.of]
        both = [_split(own, count) for own, count in zip(self.pieces, counts, strict=True)]
        return Slice([before for before, _ in both]), Slice([after for _, after in both])

    @cached_property
    def _order(self) -> npt.NDArray[np.int64] | None:
        """Of one instant, recording by recording: a stable sort keeps the order of the pieces."""
        if sum(count > 0 for count in self.counts) < 2:
            return None
        return np.argsort(np.concatenate([block.times_s for own in self.pieces for block in own]), kind="stable")

    def _column(self, of: Callable[[Block], Column]) -> Column:
        columns = [of(block) for own in self.pieces for block in own]
        whole = columns[0] if len(columns) == 1 else np.concatenate(columns) if columns else np.empty(0)
        return whole if self._order is None else whole[self._order]


class Slices:
    """Reads all recordings side by side, about ``rows_max`` rows at a time. ``held_max`` is the most rows held at once:
    no more than that, and two pieces of a file for each recording, besides what shares one instant."""

    def __init__(self, recordings: Sequence[Recording], progress: Progress, rows_max: int = SLICE_ROWS) -> None:
        self.held_max = 0
        each_max = max(1, rows_max // max(1, len(recordings)))
        self._sources = [_Source(recording.blocks(progress), each_max) for recording in recordings]

    def __iter__(self) -> Iterator[Slice]:
        while True:
            for source in self._sources:
                source.fill()
            self.held_max = max(self.held_max, sum(source.rows for source in self._sources))
            horizon_s = min((source.last_s for source in self._sources if not source.ended), default=np.inf)
            found = Slice([source.take(horizon_s) for source in self._sources])
            if not len(found):
                return
            yield found


class _Source:
    """The rows of one recording that have been read and not taken."""

    def __init__(self, blocks: Iterator[Block], rows_max: int) -> None:
        self.ended = False
        self.rows = 0
        self._blocks = blocks
        self._rows_max = rows_max
        self._waiting: list[Block] = []

    @property
    def last_s(self) -> float:
        """Up to here, exclusive, every row is known while there is more to read."""
        return float(self._waiting[-1].times_s[-1])

    def fill(self) -> None:
        """Reads on until there are enough rows, of more than one instant."""
        while not self.ended and (self.rows < self._rows_max or self._waiting[0].times_s[0] == self.last_s):
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            elif len(block):
                self._waiting.append(block)
                self.rows += len(block)

    def take(self, horizon_s: float) -> Sequence[Block]:
        """The rows before that moment."""
        count = sum(int(np.searchsorted(block.times_s, horizon_s)) for block in self._waiting)
        taken, self._waiting = _split(self._waiting, count)
        self.rows -= count
        return taken


def _split(pieces: Sequence[Block], count: int) -> tuple[list[Block], list[Block]]:
    """So many rows, and the others."""
    before, after = [], []
    for block in pieces:
        if count >= len(block):
            before.append(block)
        elif count <= 0:
            after.append(block)
        else:
            before.append(Block(block.times_s[:count], tuple(column[:count] for column in block.values)))
            after.append(Block(block.times_s[count:], tuple(column[count:] for column in block.values)))
        count -= len(block)
    return before, after
