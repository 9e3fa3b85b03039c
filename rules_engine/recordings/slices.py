"""Several recordings into slices of time, column by column, in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Slice:
    """All rows of a stretch of time; those of one instant in the order of the recordings, and of one recording in that
    of its file. ``of`` are the places of each recording's own rows.

    ``first`` and ``second`` are price and size, or bid and ask; ``numbers`` are those of the recordings.
    """

    times_s: Column
    numbers: npt.NDArray[np.int64]
    first: Column
    second: Column
    of: tuple[npt.NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.times_s)

    def rows(self) -> Iterator[Row]:
        """One after the other."""
        for start in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            numbers = self.numbers[part].tolist() if len(self.of) > 1 else repeat(0)
            columns = (self.times_s[part].tolist(), numbers, self.first[part].tolist(), self.second[part].tolist())
            yield from zip(*columns, strict=False)


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
            parts = [source.take(horizon_s) for source in self._sources]
            if not any(map(len, parts)):
                return
            yield _merged(parts)


class _Source:
    """The rows of one recording that have been read and not taken."""

    def __init__(self, blocks: Iterator[Block], rows_max: int) -> None:
        self.ended = False
        self._blocks = blocks
        self._rows_max = rows_max
        self._waiting = Block(np.empty(0), (np.empty(0), np.empty(0)))

    @property
    def rows(self) -> int:
        return len(self._waiting)

    @property
    def last_s(self) -> float:
        """Up to here, exclusive, every row is known while there is more to read."""
        return float(self._waiting.times_s[-1])

    def fill(self) -> None:
        """Reads on until there are enough rows, of more than one instant."""
        pieces, rows = [self._waiting], self.rows
        first_s = float(self._waiting.times_s[0]) if rows else None
        last_s = float(self._waiting.times_s[-1]) if rows else None
        while not self.ended and (rows < self._rows_max or first_s == last_s):
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            elif len(block):
                pieces.append(block)
                rows += len(block)
                first_s = float(block.times_s[0]) if first_s is None else first_s
                last_s = float(block.times_s[-1])
        if len(pieces) > 1:
            self._waiting = _joined(pieces)

    def take(self, horizon_s: float) -> Block:
        """The rows before that moment."""
        count = int(np.searchsorted(self._waiting.times_s, horizon_s))
        taken, self._waiting = _split(self._waiting, count)
        return taken


def _joined(pieces: Sequence[Block]) -> Block:
    columns = zip(*(piece.values for piece in pieces), strict=True)
    return Block(np.concatenate([piece.times_s for piece in pieces]), tuple(map(np.concatenate, columns)))


def _split(block: Block, count: int) -> tuple[Block, Block]:
    first = Block(block.times_s[:count], tuple(column[:count] for column in block.values))
    # Copied, so that what was taken can be let go.
    return first, Block(block.times_s[count:].copy(), tuple(column[count:].copy() for column in block.values))


def _merged(parts: Sequence[Block]) -> Slice:
    """Of one instant, recording by recording: a stable sort keeps the order of the parts."""
    whole = _joined(parts)
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    if sum(len(part) > 0 for part in parts) == 1:
        of = tuple(np.arange(len(part)) for part in parts)
        return Slice(whole.times_s, numbers, whole.values[0], whole.values[1], of)
    order = np.argsort(whole.times_s, kind="stable")
    numbers = numbers[order]
    places = np.argsort(numbers, kind="stable")
    bounds = np.cumsum([len(part) for part in parts])[:-1]
    first, second = (column[order] for column in whole.values)
    return Slice(whole.times_s[order], numbers, first, second, tuple(np.split(places, bounds)))
