"""One file of recorded prices: looked through first, then played."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.recordings.bars import Spacings, prints_of_bars
from rules_engine.recordings.columns import Block, with_sizes
from rules_engine.recordings.csv_file import CsvFile
from rules_engine.recordings.layout import Shape
from rules_engine.recordings.parquet_file import ParquetFile
from rules_engine.recordings.problems import Code, Problems, RecordingError
from rules_engine.recordings.steps import Steps

_PARQUET = frozenset({".parquet", ".pq"})

Progress = Callable[[int], None]
"""Told how many more rows have been read."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole look through the file found: ``rows`` of it from ``first_s`` to ``last_s``, where prints end.

    ``bar_s`` is the usual length of its bars, 0 when it has none. ``is_countable``: prices are in decimal steps, and
    sums of their squares, counted in these, fit into 64 bits.
    """

    shape: Shape
    rows: int
    first_s: float
    last_s: float
    bar_s: float = 0.0
    is_countable: bool = False


class Recording:
    """The prices of one instrument in one file. Times without a zone are times of ``zone``.

    The file is read twice, in pieces: problems are told before anything of it is played.
    """

    def __init__(self, instrument: str, path: Path, zone: ZoneInfo) -> None:
        self.instrument = instrument
        self.path = path
        self._zone = zone
        self._survey: Survey | None = None

    def survey(self, progress: Progress = lambda rows: None) -> Survey:
        """Looks through the whole file. Raises RecordingError with everything that is wrong with it, up to a bound."""
        problems = Problems(str(self.path))
        file = self._open(problems)
        rows, first_s, last_s = 0, 0.0, 0.0
        spacings, steps = Spacings(), Steps()
        for block in file.blocks():
            first_s = first_s if rows else float(block.times_s[0])
            last_s = float(block.times_s[-1])
            rows += len(block)
            assert file.layout is not None
            for prices in block.values[: file.layout.prices]:
                steps.add(prices)
            if file.layout.shape is Shape.BARS:
                spacings.add(block.times_s)
            progress(len(block))
        if not rows and not problems.found:
            problems.add(Code.NO_PRICES, "no prices in this file")
        if problems.found or file.layout is None:
            raise RecordingError(problems.found)
        shape = file.layout.shape
        bar_s = spacings.bar_s() if shape is Shape.BARS else 0.0
        prints = 4 * rows if shape is Shape.BARS else rows
        self._survey = Survey(shape, rows, first_s, last_s + 3 * bar_s / 4, bar_s, steps.are_countable(prints))
        return self._survey

    def blocks(self, progress: Progress = lambda rows: None) -> Iterator[Block]:
        """Prints (price, size) or quotes (bid, ask), in order. Raises RecordingError when the file is
        not what it was when it was looked through."""
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
        problems = Problems(str(self.path))
        rows = 0
        for block in self._open(problems).blocks():
            rows += len(block)
            yield with_sizes(survey.shape, block)
            progress(len(block))
        if rows != survey.rows and not problems.found:
            problems.add(Code.UNREADABLE, f"the file changed while it was read: {survey.rows} rows, then {rows}")
        if problems.found:
            raise RecordingError(problems.found)

    def _open(self, problems: Problems) -> CsvFile | ParquetFile:
        kind = ParquetFile if self.path.suffix.lower() in _PARQUET else CsvFile
        return kind(self.path, self._zone, problems)
