"""A CSV file, read in pieces of bounded size, into blocks of rows and located problems."""

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from zoneinfo import ZoneInfo

from rules_engine.recordings.cells import NOTHING_BEFORE, Before, Fault, read_cells
from rules_engine.recordings.columns import Block, block_of, is_clean, quick_block
from rules_engine.recordings.layout import ACCEPTED, Layout, layout_of
from rules_engine.recordings.location import Location
from rules_engine.recordings.problems import Code, Problems

PIECE_BYTES = 1 << 21
LINE_BYTES_MAX = 1 << 16
_BOM = b"\xef\xbb\xbf"
_HINTS = {
    Code.UNSORTED: "sort the file by time",
    Code.OVERLAP: "files are read in the order of their paths: name them so that it is that of time",
    Code.NOT_A_PRICE: "leave the row out, or correct it",
    Code.TWICE: "leave one of them out",
    Code.BOTH_EARLIER: "this hour comes twice: write times in UTC or with an offset, or sort the file by time",
}


class CsvFile:
    """One CSV file whose first line names the columns. ``layout`` is known once reading has begun.

    Its rows come after the one ``before``, or then.
    """

    def __init__(self, at: Location, zone: ZoneInfo, problems: Problems, before: Before = NOTHING_BEFORE) -> None:
        self.layout: Layout | None = None
        self.read_bytes = 0
        self._at = at
        self._zone = zone
        self._problems = problems
        self._before = before

    def blocks(self) -> Iterator[Block]:
        """The sound rows in order; what is wrong with the others is among the problems."""
        try:
            with self._at.open() as file:
                yield from self._blocks(file)
        except OSError as error:
            self._problems.add(Code.UNREADABLE, f"the file is not read: {error.strerror or error}")

    def _blocks(self, file: BinaryIO) -> Iterator[Block]:
        line = 1
        for piece in self._pieces(file):
            text = self._decoded(piece, line)
            if text is None:
                return
            if self.layout is None:
                header, _, text = text.partition("\n")
                line += 1
                self.layout = self._header(header)
                if self.layout is None:
                    return
            if text:
                block = self._block(self.layout, text.removesuffix("\n"), line)
                if len(block):
                    yield block
            line += text.count("\n")
            if self._problems.full:
                return

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """Whole lines, some megabytes of them at a time, with `\\n` at their ends, whatever ends them in the file."""
        rest, line = b"", 1
        while data := file.read(PIECE_BYTES):
            while data.endswith(b"\r") and (more := file.read(1)):
                data += more
            self.read_bytes += len(data)
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            end = data.rfind(b"\n") + 1
            if end:
                piece = rest + data[:end]
                yield piece
                line += piece.count(b"\n")
                rest = data[end:]
            else:
                rest += data
            if len(rest) > LINE_BYTES_MAX and b"\n" not in rest:
                self._problems.add(Code.LINE_TOO_LONG, "this line does not end: is it a CSV file?", line=line)
                return
        if rest:
            yield rest

    def _decoded(self, piece: bytes, line: int) -> str | None:
        if line == 1:
            piece = piece.removeprefix(_BOM)
        try:
            return piece.decode()
        except UnicodeDecodeError as error:
            before = piece[: error.start]
            column = len(before) - before.rfind(b"\n")
            self._problems.add(
                Code.NOT_UTF8,
                f"not UTF-8 text (byte {piece[error.start]:#04x})",
                line=line + before.count(b"\n"),
                column=column,
                hint="save the file as CSV in UTF-8",
            )
            return None

    def _header(self, line: str) -> Layout | None:
        cells = _split(line)
        found = layout_of(cells or [])
        if isinstance(found, Layout):
            return found
        self._problems.add(Code.COLUMNS, found, length=len(line), hint=f"wanted: {ACCEPTED}", quoted=line)
        return None

    def _block(self, layout: Layout, text: str, first: int) -> Block:
        block = quick_block(layout, text, self._zone)
        if block is None or not is_clean(layout, block, self._before.at_s):
            block = self._careful_block(layout, text.split("\n"), first)
        if len(block):
            self._before = Before(float(block.times_s[-1]))
        return block

    def _careful_block(self, layout: Layout, lines: Sequence[str], first: int) -> Block:
        """Row by row, each cell by itself."""
        times_s, rows, before = [], [], self._before
        for line, text in enumerate(lines, first):
            if not text.strip():
                continue
            cells = _split(text)
            if len(text) > LINE_BYTES_MAX:
                self._problems.add(Code.LINE_TOO_LONG, "this line is too long for prices", line=line, quoted=text)
            elif cells is None:
                self._problems.add(Code.NOT_CSV, "a quote is not closed on its line", line=line, quoted=text)
            elif len(cells) != len(layout.header):
                words = f"{len(cells)} values under {len(layout.header)} columns"
                self._problems.add(Code.CELL_COUNT, words, line=line, length=len(text), quoted=text)
            else:
                found = read_cells(layout, cells, self._zone, before)
                if isinstance(found, list):
                    for fault in found:
                        self._tell(layout, fault, line, text, cells)
                else:
                    before = Before(found[0])
                    times_s.append(found[0])
                    rows.append(found[1])
            if self._problems.full:
                break
        return block_of(times_s, rows, len(layout.columns))

    def _tell(self, layout: Layout, fault: Fault, line: int, text: str, cells: Sequence[str]) -> None:
        column, code, words = fault
        # Exact where no cell is quoted, which is nearly everywhere; in a quoted line it may point too far left.
        at = sum(len(cell) + 1 for cell in cells[:column]) + 1
        self._problems.add(
            code,
            f"{layout.header[column]}: {words}",
            line=line,
            column=at,
            length=len(cells[column]),
            hint=_HINTS.get(code, ""),
            quoted=text,
        )


def _split(line: str) -> list[str] | None:
    """The cells of one line; None when it is not CSV."""
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return rows[0] if rows else []
