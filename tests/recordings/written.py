"""Files of prices for tests, and their rows merged one by one."""

from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.recordings import Recording
from rules_engine.recordings.slices import Row

NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")


def recording(folder: Path, text: str | bytes, name: str = "prices.csv", zone: ZoneInfo = UTC) -> Recording:
    """A recording of V with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Recording("V", path, zone)


def rows(*recordings: Recording) -> list[Row]:
    return list(merged(recordings))


def merged(recordings: Sequence[Recording]) -> Iterator[Row]:
    """All rows in order of time; those of one instant in the order of the recordings."""
    return merge(*(_rows(number, recording) for number, recording in enumerate(recordings)))


def _rows(number: int, recording: Recording) -> Iterator[Row]:
    for block in recording.blocks():
        first, second = block.values
        for time_s, one, other in zip(block.times_s.tolist(), first.tolist(), second.tolist(), strict=True):
            yield time_s, number, one, other
