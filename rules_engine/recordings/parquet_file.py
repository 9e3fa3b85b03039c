"""A Parquet file, read in batches, into blocks of rows and located problems. Alone imports pyarrow."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, TypeGuard
from zoneinfo import ZoneInfo

import numpy as np

from rules_engine.recordings.cells import NOTHING_BEFORE, Before, moment_after, read_time, value_faults
from rules_engine.recordings.columns import Block, Column, block_of, epochs_s, is_clean, moments_s
from rules_engine.recordings.layout import ACCEPTED, Layout, layout_of
from rules_engine.recordings.location import Location
from rules_engine.recordings.problems import Code, Problems

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1 << 14
"""Small, for hundreds of files may be read side by side."""
_PLACES_MAX = 8
"""Numbers of 32 bits have seven digits or so; smaller prices stay as they are."""


class ParquetFile:
    """One Parquet file. Lines of its problems are rows counted from 1, columns the numbers of its columns.

    Its rows come after the one ``before``, or then.
    """

    def __init__(self, at: Location, zone: ZoneInfo, problems: Problems, before: Before = NOTHING_BEFORE) -> None:
        self.layout: Layout | None = None
        self.read_bytes = 0
        """As if all its rows were of one size."""
        self._at = at
        self._zone = zone
        self._problems = problems
        self._before = before

    def blocks(self) -> Iterator[Block]:
        """The sound rows in order; what is wrong with the others is among the problems."""
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            hint = "pip install pyarrow, or write the prices as CSV"
            self._problems.add(Code.NEEDS_PYARROW, "reading Parquet needs pyarrow, which is not installed", hint=hint)
            return
        try:
            # pyarrow reads files of this machine itself, and faster.
            with pq.ParquetFile(self._at.text if self._at.is_here else self._at.open()) as file:
                self.layout = self._layout(file.schema_arrow)
                if self.layout is not None:
                    a_row = self._at.size() / max(1, file.metadata.num_rows)
                    yield from self._batches(file.iter_batches(BATCH_ROWS, columns=_wanted(self.layout, file)), a_row)
        except OSError as error:
            self._problems.add(Code.UNREADABLE, f"the file is not read: {error.strerror or error}")
        except (pa.ArrowException, UnicodeDecodeError) as error:
            self._problems.add(Code.NOT_PARQUET, f"not a Parquet file: {str(error).splitlines()[0]}")

    def _layout(self, schema: "pa.Schema") -> Layout | None:
        found = layout_of(schema.names)
        if not isinstance(found, Layout):
            self._problems.add(Code.COLUMNS, found, hint=f"wanted: {ACCEPTED}")
            return None
        if _is_short(schema.types[found.time]):
            words = f"{schema.names[found.time]}: numbers of so few bits ({schema.types[found.time]}) name no second"
            self._problems.add(Code.COLUMNS, words, column=found.time + 1, hint="write timestamps, or 64 bits")
            return None
        return found

    def _batches(self, batches: "Iterator[pa.RecordBatch]", row_bytes: float) -> Iterator[Block]:
        assert self.layout is not None
        row = 1
        for batch in batches:
            by_name = {name.strip().lower(): batch.column(number) for number, name in enumerate(batch.schema.names)}
            times = by_name[self.layout.header[self.layout.time]]
            values = [_written(by_name[self.layout.name(number)]) for number in range(len(self.layout.columns))]
            self.read_bytes = round((row - 1 + batch.num_rows) * row_bytes)
            block = self._quick(times, values)
            if block is None or not is_clean(self.layout, block, self._before.at_s):
                block = self._careful(self.layout, _cells(times), [column.to_pylist() for column in values], row)
            if len(block):
                self._before = Before(float(block.times_s[-1]))
                yield block
            row += batch.num_rows
            if self._problems.full:
                return

    def _quick(self, times: "pa.Array", values: "list[pa.Array]") -> Block | None:
        import pyarrow as pa

        kinds = [column.type for column in values]
        if times.null_count or not all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
            return None
        times_s = self._times_s(times)
        if times_s is None:
            return None
        columns = (column.to_numpy(zero_copy_only=False).astype(np.float64) for column in values)
        return Block(times_s, tuple(columns))

    def _times_s(self, times: "pa.Array") -> Column | None:
        import pyarrow as pa

        kind = times.type
        if pa.types.is_timestamp(kind):
            moments = times.to_numpy(zero_copy_only=False).astype("datetime64[us]")
            return moments_s(moments, None if kind.tz else self._zone)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return epochs_s(times.to_numpy(zero_copy_only=False).astype(np.float64))
        return None

    def _careful(self, layout: Layout, times: list[object], columns: list[list[object]], first: int) -> Block:
        times_s, rows, before = [], [], self._before
        for row, (at, *values) in enumerate(zip(times, *columns, strict=True), first):
            moments = _moments(at, self._zone)
            if not moments:
                self._tell(layout, row, layout.time, Code.BAD_TIME, f"{at!r} is not a time")
                continue
            faults = [
                (column, Code.BAD_NUMBER, "no number" if value is None else f"{value!r} is not a number")
                for column, value in zip(layout.columns, values, strict=True)
                if not _is_number(value)
            ]
            numbers = [float(value) for value in values if _is_number(value)]
            faults = faults or list(value_faults(layout, numbers))
            at_s = moment_after(layout, before, moments)
            if not faults and isinstance(at_s, float):
                before = Before(at_s)
                times_s.append(at_s)
                rows.append(numbers)
            elif not faults and isinstance(at_s, tuple):
                faults = [at_s]
            for fault in faults:
                self._tell(layout, row, *fault)
            if self._problems.full:
                break
        return block_of(times_s, rows, len(layout.columns))

    def _tell(self, layout: Layout, row: int, column: int, code: Code, words: str) -> None:
        self._problems.add(code, f"row {row}: {layout.header[column]}: {words}", line=row, column=column + 1)


def _wanted(layout: Layout, file: "pa.parquet.ParquetFile") -> list[str]:
    names: list[str] = file.schema_arrow.names
    return [names[column] for column in (layout.time, *layout.columns)]


def _is_short(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_float32(kind) or pa.types.is_float16(kind))


def _written(column: "pa.Array") -> "pa.Array":
    """Numbers of 32 or 16 bits as somebody wrote them: the fewest decimal places by which they are these (100.01, of
    which 32 bits make 100.01000213623047)."""
    import pyarrow as pa

    if not _is_short(column.type):
        return column
    short = column.to_numpy(zero_copy_only=False)
    found = short.astype(np.float64)
    left = np.flatnonzero(np.isfinite(found))
    for places in range(_PLACES_MAX + 1):
        rounded = np.rint(found[left] * 10.0**places) / 10.0**places
        is_same = rounded.astype(short.dtype) == short[left]
        found[left[is_same]] = rounded[is_same]
        left = left[~is_same]
    return pa.array(found, mask=column.is_null().to_numpy(zero_copy_only=False))


def _cells(times: "pa.Array") -> list[object]:
    """Each as Python has it. A zone only says how a moment is shown; what no calendar has is told by its number."""
    import pyarrow as pa

    if pa.types.is_timestamp(times.type) and times.type.tz:
        times = times.cast(pa.timestamp(times.type.unit, "UTC"))
    return [_cell(time) for time in times]


def _cell(time: "pa.Scalar") -> object:
    try:
        found: object = time.as_py()
    except (OverflowError, ValueError):
        return f"{time.type} {time.value}"
    return found


def _is_number(value: object) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _moments(at: object, zone: ZoneInfo) -> tuple[float, ...]:
    """As `cells.read_time`."""
    if isinstance(at, date) and not isinstance(at, datetime):
        at = datetime.combine(at, time())
    if isinstance(at, datetime):
        at = at.isoformat()
    return () if at is None or isinstance(at, bool) else read_time(str(at), zone)
