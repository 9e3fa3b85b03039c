"""The recorded prices of one instrument: looked through first, then played."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.model.place import Problem
from rules_engine.recordings.bars import Spacings, prints_of_bars
from rules_engine.recordings.cells import NOTHING_BEFORE, Before
from rules_engine.recordings.columns import Block, with_sizes
from rules_engine.recordings.csv_file import CsvFile
from rules_engine.recordings.layout import Layout, Shape
from rules_engine.recordings.location import Location
from rules_engine.recordings.parquet_file import ParquetFile
from rules_engine.recordings.problems import PROBLEMS_MAX, Code, Problems, RecordingError
from rules_engine.recordings.steps import Steps

_PARQUET = frozenset({".parquet", ".pq"})

_EMPTY = "no prices in this file"

Progress = Callable[[int], None]
"""Told how much more has been done: bytes that were looked through, rows that were played."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look through all of it found: ``rows`` of it from ``first_s`` to ``last_s``, where prints end.

    ``bar_s`` is the usual length of its bars, 0 when it has none. ``low`` is the lowest price. ``is_countable``:
    prices are in decimal steps, and sums of their squares, counted in these, fit into 64 bits.
    """

    shape: Shape
    rows: int
    first_s: float
    last_s: float
    bar_s: float = 0.0
    low: float = math.inf
    is_countable: bool = False


class Recording:
    """The prices of one instrument, in one file or in several that follow each other: a day each, say.

    Times without a zone are times of ``zone``. All is read twice, in pieces: problems are told before anything of it is
    played. ``files`` are paths or addresses.
    """

    def __init__(self, instrument: str, files: Path | Sequence[Location], zone: ZoneInfo) -> None:
        self.instrument = instrument
        self.files = (Location(str(files)),) if isinstance(files, Path) else tuple(files)
        self._zone = zone
        self._survey: Survey | None = None

    def survey(self, progress: Progress = lambda size: None) -> Survey:
        """Looks through all of it. Raises RecordingError with everything that is wrong with it, up to a bound."""
        problems: list[Problem] = []
        rows, first_s, last_s = 0, 0.0, 0.0
        spacings, steps = Spacings(), Steps()
        layout: Layout | None = None
        for layout, block in self._blocks(problems, progress):
            first_s = first_s if rows else float(block.times_s[0])
            last_s = float(block.times_s[-1])
            rows += len(block)
            for prices in block.values[: layout.prices]:
                steps.add(prices)
            if layout.shape is Shape.BARS:
                spacings.add(block.times_s)
        if problems or layout is None:
            raise RecordingError(problems)
        shape = layout.shape
        bar_s = spacings.bar_s() if shape is Shape.BARS else 0.0
        prints = 4 * rows if shape is Shape.BARS else rows
        is_countable = steps.are_countable(prints)
        self._survey = Survey(shape, rows, first_s, last_s + 3 * bar_s / 4, bar_s, steps.low, is_countable)
        return self._survey

    def size(self) -> int:
        """Of all its files, in bytes."""
        return sum(at.size() for at in self.files)

    def blocks(self, progress: Progress = lambda rows: None) -> Iterator[Block]:
        """Prints (price, size) or quotes (bid, ask), in order. Raises RecordingError when the files are
        not what they were when they were looked through."""
        survey = self.surveyed
        rows = self._sound(survey, progress)
        return prints_of_bars(rows, survey.bar_s) if survey.shape is Shape.BARS else rows

    def learn(self, survey: Survey) -> None:
        """Takes over what a look through the file found elsewhere."""
        self._survey = survey

    @property
    def surveyed(self) -> Survey:
        """What a look through the file found, which happens now if it did not before."""
        return self._survey or self.survey()

    @property
    def is_countable(self) -> bool:
        """Whether sums over its prices are exact in whole steps."""
        return self.surveyed.is_countable

    @property
    def shape(self) -> Shape:
        """What its rows are."""
        return self.surveyed.shape

    def _sound(self, survey: Survey, progress: Progress) -> Iterator[Block]:
        problems: list[Problem] = []
        rows = 0
        for _, block in self._blocks(problems):
            rows += len(block)
            yield with_sizes(survey.shape, block)
            progress(len(block))
        if rows != survey.rows and not problems:
            found = Problems(str(self.files[0]))
            found.add(Code.UNREADABLE, f"the file changed while it was read: {survey.rows} rows, then {rows}")
            problems += found.found
        if problems:
            raise RecordingError(problems)

    def _blocks(
        self, problems: list[Problem], progress: Progress = lambda size: None
    ) -> Iterator[tuple[Layout, Block]]:
        """The sound rows of one file after the other; what is wrong is added to the problems."""
        before, shape = NOTHING_BEFORE, None
        for at in self.files:
            found = Problems(str(at))
            file = (ParquetFile if at.suffix in _PARQUET else CsvFile)(at, self._zone, found, before)
            told = 0
            for block in file.blocks():
                progress(file.read_bytes - told)
                told = file.read_bytes
                assert file.layout is not None
                shape = shape or file.layout.shape
                if file.layout.shape is not shape:
                    found.add(Code.COLUMNS, f"its rows are {file.layout.shape}, those of the files before are {shape}")
                    break
                before = Before(float(block.times_s[-1]), str(at))
                yield file.layout, block
            if file.layout is None and not found.found:
                found.add(Code.NO_PRICES, _EMPTY)
            problems += found.found
            if len(problems) > PROBLEMS_MAX:
                return
        if shape is None and not problems:
            found = Problems(str(self.files[0]))
            found.add(Code.NO_PRICES, _EMPTY)
            problems += found.found
