"""Several recordings into one stream of rows in order of time."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import repeat

from rules_engine.recordings.recording import Progress, Recording

Row = tuple[float, int, float, float]
"""POSIX seconds, the number of the recording, then price and size, or bid and ask."""


def merged(recordings: Sequence[Recording], progress: Progress = lambda rows: None) -> Iterator[Row]:
    """All rows; those of one instant in the order of the recordings, and of one recording in that of its file.

    Holds a few pieces of each file and no more. Raises RecordingError.
    """
    return merge(*(_rows(number, recording, progress) for number, recording in enumerate(recordings)))


def _rows(number: int, recording: Recording, progress: Progress) -> Iterator[Row]:
    for block in recording.blocks(progress):
        first, second = block.values
        yield from zip(block.times_s.tolist(), repeat(number), first.tolist(), second.tolist())
