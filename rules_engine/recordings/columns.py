"""Rows as columns of numbers: quick reading and checking. Whatever is not plain is left to `cells`."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import repeat
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from rules_engine.recordings.cells import DUST, EPOCH_MAX_S, MINUTES, TIMES_S
from rules_engine.recordings.layout import SIZE_DEFAULT, Layout, Shape

Column = npt.NDArray[np.float64]

_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_OFFSETS = ("Z", "+00:00")
_YEARS = (np.datetime64("1900-01-01", "us"), np.datetime64("2200-01-01", "us"))


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of one recording: times in POSIX seconds, ascending, and their values, column by column."""

    times_s: Column
    values: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.times_s)


def block_of(times_s: Sequence[float], values: Sequence[Sequence[float]], count: int) -> Block:
    """The same from rows; ``count`` is how many values each of them has."""
    columns = np.array(values, dtype=np.float64).reshape(len(times_s), count)
    return Block(np.array(times_s, dtype=np.float64), tuple(columns[:, number].copy() for number in range(count)))


def quick_block(layout: Layout, text: str, zone: ZoneInfo) -> Block | None:
    """The block of lines in which every cell is plain; None when one of them may not be."""
    if not _is_plain(text):
        return None
    # One split for all lines: a list for each of them would keep the garbage collector busy.
    width = len(layout.header)
    cells = text.replace("\n", ",\n").split(",")
    firsts = cells[::width]
    rows = text.count("\n") + 1
    if len(cells) != rows * width or not all(map(str.startswith, firsts[1:], repeat("\n"))):
        return None
    cells[::width] = map(str.lstrip, firsts)
    times_s = _quick_times(cells[layout.time :: width], zone)
    if times_s is None:
        return None
    try:
        values = tuple(np.array(list(map(float, cells[column::width])), np.float64) for column in layout.columns)
    except ValueError:
        return None
    return Block(times_s, values)


def _is_plain(text: str) -> bool:
    """Whether splitting at commas is all that there is to it, and Python's numbers are everybody's."""
    return text.isascii() and not any(odd in text for odd in ('"', "_", "\r", "\0"))


def is_clean(layout: Layout, block: Block, before_s: float) -> bool:
    """Whether nothing is wrong with any row, as `cells.value_faults` and `cells.moment_after` see it."""
    times_s, values = block.times_s, block.values
    steps = np.diff(times_s, prepend=before_s)
    strictly = layout.shape is Shape.BARS
    if not ((times_s >= TIMES_S[0]) & (times_s < TIMES_S[1]) & ((steps > 0) if strictly else (steps >= 0))).all():
        return False
    for number, column in enumerate(values):
        enough = column > 0 if number < layout.prices else column >= 0
        if not (enough & np.isfinite(column)).all():
            return False
    match layout.shape:
        case Shape.QUOTES:
            return bool((values[0] <= values[1]).all())
        case Shape.BARS:
            open_, high, low, close = values[:4]
            inside = (np.maximum(open_, close) <= high * (1 + DUST)) & (np.minimum(open_, close) >= low * (1 - DUST))
            return bool(((low <= high) & inside).all())
        case Shape.PRINTS:
            return True


def _quick_times(texts: Sequence[str], zone: ZoneInfo) -> Column | None:
    if all(text[4:5] == "-" and len(text) > 9 for text in texts):
        return _quick_iso(texts, zone)
    # Eight digits are a date; so short a number of seconds lies in the first years of the epoch anyway.
    if all(len(text) > 8 and text[:1].isdigit() for text in texts):
        return _quick_epochs(texts)
    return None


def _quick_epochs(texts: Sequence[str]) -> Column | None:
    try:
        numbers = np.array(list(map(float, texts)), dtype=np.float64)
    except ValueError:
        return None
    return epochs_s(numbers)


def epochs_s(numbers: Column) -> Column | None:
    """Seconds of numbers that count seconds, milli-, micro- or nanoseconds; None where one is no time, or may be
    written as another."""
    is_minute = (numbers >= MINUTES[0]) & (numbers < MINUTES[1])
    if not (np.isfinite(numbers) & (numbers > 0) & ~is_minute).all():
        return None
    units = np.ones(len(numbers))
    while (large := numbers / units > EPOCH_MAX_S).any():
        units[large] *= 1000
    return numbers / units


def _quick_iso(texts: Sequence[str], zone: ZoneInfo) -> Column | None:
    offset = next((offset for offset in _OFFSETS if texts[0].endswith(offset)), "")
    if offset:
        if not all(text.endswith(offset) for text in texts):
            return None
        texts = [text[: -len(offset)] for text in texts]
    # A zone of another form, or one among rows without.
    if any("+" in text or "Z" in text or "-" in text[10:] or text[:1] in " +-" for text in texts):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy reads on over a letter where a zone may stand, and only warns.
            moments = np.array(texts, dtype="datetime64[us]")
    except (ValueError, UserWarning):
        return None
    return moments_s(moments, None if offset else zone)


def moments_s(moments: npt.NDArray[np.datetime64], zone: ZoneInfo | None) -> Column | None:
    """POSIX seconds of moments in microseconds, in UTC or in ``zone``; None where a day is not plain there."""
    if not ((moments >= _YEARS[0]) & (moments < _YEARS[1])).all():
        return None
    microseconds = moments.astype(np.int64)
    if zone is not None:
        days, day_of = np.unique(microseconds // _DAY_US, return_inverse=True)
        offsets = [_offset_us(int(day), zone) for day in days]
        if None in offsets:
            return None
        microseconds = microseconds - np.array(offsets, dtype=np.int64)[day_of]
    return microseconds / 1e6


def _offset_us(day: int, zone: ZoneInfo) -> int | None:
    """How far the zone is ahead of UTC on that day since 1970; None when that changes during the day."""
    midnight = datetime.combine(_EPOCH + timedelta(days=day), time())
    starts, ends = (
        (at.replace(tzinfo=UTC) - at.replace(tzinfo=zone)) // timedelta(microseconds=1)
        for at in (midnight, midnight + timedelta(days=1))
    )
    return starts if starts == ends else None


def with_sizes(shape: Shape, block: Block) -> Block:
    """The block with the usual size for every quantity that the file does not have; quotes lose theirs."""
    wanted = {Shape.PRINTS: 2, Shape.QUOTES: 2, Shape.BARS: 5}[shape]
    missing = wanted - len(block.values)
    # A bar's volume is shared among its four prints.
    usual = SIZE_DEFAULT * 4 if shape is Shape.BARS else SIZE_DEFAULT
    return Block(block.times_s, (*block.values[:wanted], *(np.full(len(block), usual) for _ in range(missing))))
