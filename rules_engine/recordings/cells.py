"""The text of one row into its time and values, or what is wrong with which cell: slow, and obvious."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules_engine.recordings.layout import Layout, Shape
from rules_engine.recordings.problems import Code

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NO_PRICE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"[0-9]{8}", re.ASCII)
_MINUTE = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9]", re.ASCII
)
"""A date and a time without any sign between them, which would also be milliseconds of a moment in 1976."""
MINUTES = (1.9e11, 2.1e11)
"""Between these lie such numbers."""
EPOCH_MAX_S = 1e11
"""A larger number counts milli-, micro- or nanoseconds."""
DUST = 1e-6
"""As a share: so far may an open or a close lie beyond its bar's ends, as prices adjusted for dividends are rounded."""
TIMES_S = (-2_208_988_800.0, 7_258_118_400.0)
"""From 1900 up to 2200. Times beyond were meant to be others: 20301220093000 is no number of milliseconds."""

Fault = tuple[int, Code, str]
"""The column, counted from 0, what is wrong, and in words."""
Values = tuple[float, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Before:
    """The last sound row before another one, which may be no earlier. ``elsewhere`` is the file that has it, where that
    is the one before."""

    at_s: float = -math.inf
    elsewhere: str = ""

    @property
    def words(self) -> str:
        return f"the last row of {self.elsewhere}" if self.elsewhere else "the row above"


NOTHING_BEFORE = Before()


def read_cells(layout: Layout, cells: Sequence[str], zone: ZoneInfo, before: Before) -> Values | list[Fault]:
    """The row's time in POSIX seconds and its values, or every fault of its cells; of sound ones, that it does not come
    after the row ``before``."""
    faults: list[Fault] = []
    moments = read_time(cells[layout.time].strip(), zone)
    if not moments:
        text = cells[layout.time].strip()
        wanted = "ISO 8601 (2030-12-20 09:30:00) nor seconds since 1970, of the years 1900 to 2199"
        words = f"'{text}' is neither {wanted}" if text else "no time"
        faults.append((layout.time, Code.BAD_TIME, words))
    values = []
    for column in layout.columns:
        number = read_number(cells[column].strip())
        if number is None:
            text = cells[column].strip()
            faults.append((column, Code.BAD_NUMBER, f"'{text}' is not a number" if text else "no number"))
        else:
            values.append(number)
    if faults := faults or list(value_faults(layout, values)):
        return faults
    at_s = moment_after(layout, before, moments)
    return (at_s, tuple(values)) if isinstance(at_s, float) else [at_s]


def read_time(text: str, zone: ZoneInfo) -> tuple[float, ...]:
    """POSIX seconds of ISO 8601 text, or of a number of seconds, milli-, micro- or nanoseconds since 1970.

    A time without a zone is one of ``zone``; where it comes twice there, as clocks are put back, it is both moments,
    ascending. Nothing for a text that is no time, or may be another one.
    """
    found = _number_s(text) if _NUMBER.fullmatch(text) and not _DATE.fullmatch(text) else _iso_s(text, zone)
    return tuple(at_s for at_s in found if TIMES_S[0] <= at_s < TIMES_S[1])


def _number_s(text: str) -> tuple[float, ...]:
    number, unit = float(text), 1.0
    if not 0 < number < math.inf or _MINUTE.fullmatch(text):
        return ()
    # Divided once, so that a moment in nanoseconds is rounded once.
    while number / unit > EPOCH_MAX_S:
        unit *= 1000
    return (number / unit,)


def _iso_s(text: str, zone: ZoneInfo) -> tuple[float, ...]:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return (at.timestamp(),)
        first, second = (at.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    except (ValueError, OverflowError):
        return ()
    # Of a time that was left out, as clocks were put forward, the other reading is the earlier one.
    return (first, second) if first < second else (first,)


def read_number(text: str) -> float | None:
    """A plain number; also `nan` and `inf`, which are no prices."""
    if _NUMBER.fullmatch(text):
        return float(text)
    return float(text) if _NO_PRICE.fullmatch(text) else None


def value_faults(layout: Layout, values: Sequence[float]) -> Iterator[Fault]:
    """What no market ever said."""
    for number, value in enumerate(values):
        is_price = number < layout.prices
        if not math.isfinite(value) or value < 0 or (value == 0 and is_price):
            yield layout.columns[number], Code.NOT_A_PRICE, f"{value:g} is not a {'price' if is_price else 'quantity'}"
            return
    if layout.shape is Shape.QUOTES and values[0] > values[1]:
        yield layout.columns[0], Code.CROSSED, f"{values[0]:g} is above the ask, {values[1]:g}"
    elif layout.shape is Shape.BARS and values[2] > values[1]:
        yield layout.columns[2], Code.CROSSED, f"{values[2]:g} is above the high, {values[1]:g}"
    elif layout.shape is Shape.BARS:
        _, high, low, *_ = values
        for number in (0, 3):
            if values[number] > high * (1 + DUST):
                yield layout.columns[number], Code.CROSSED, f"{values[number]:g} is above the high, {high:g}"
            elif values[number] < low * (1 - DUST):
                yield layout.columns[number], Code.CROSSED, f"{values[number]:g} is below the low, {low:g}"


def moment_after(layout: Layout, before: Before, moments: Sequence[float]) -> float | Fault:
    """The first of a row's moments at which it can follow the row above, or what is wrong with it; prints may share an
    instant, bars may not. So an hour that comes twice begins anew where its times step back."""
    for at_s in moments:
        if at_s > before.at_s or (at_s == before.at_s and layout.shape is not Shape.BARS):
            return at_s
    if before.at_s in moments:
        return layout.time, Code.TWICE, f"a second bar of the same time{before.elsewhere and f', as {before.words}'}"
    if len(moments) > 1:
        return layout.time, Code.BOTH_EARLIER, f"both moments of that time are earlier than {before.words}"
    return layout.time, Code.OVERLAP if before.elsewhere else Code.UNSORTED, f"earlier than {before.words}"
