"""What can be wrong with a file of prices, and a bounded list of it."""

from collections.abc import Sequence
from enum import StrEnum

from rules_engine.model.place import Place, Problem

PROBLEMS_MAX = 20
"""Of one file. What follows is not looked for."""
_QUOTED_MAX = 300


class Code(StrEnum):
    """D0 the file and its columns, D1 its cells, D2 its rows."""

    UNREADABLE = "D001"
    NOT_UTF8 = "D002"
    NO_PRICES = "D003"
    COLUMNS = "D004"
    LINE_TOO_LONG = "D005"
    NOT_PARQUET = "D006"
    NEEDS_PYARROW = "D007"
    MORE = "D099"
    CELL_COUNT = "D101"
    BAD_TIME = "D102"
    BAD_NUMBER = "D103"
    NOT_A_PRICE = "D104"
    NOT_CSV = "D105"
    UNSORTED = "D201"
    TWICE = "D202"
    CROSSED = "D203"
    BOTH_EARLIER = "D204"
    OVERLAP = "D205"


class RecordingError(Exception):
    """A recording cannot be played; ``problems`` says why and where. Nothing of it counts."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0].place
        super().__init__(f"{first.file}:{first.line}: {self.problems[0].message}")


class Problems:
    """The problems of one file, in file order."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether reading on is of no use."""
        return len(self.found) > PROBLEMS_MAX

    def add(
        self,
        code: Code,
        message: str,
        *,
        line: int = 1,
        column: int = 1,
        length: int = 1,
        hint: str = "",
        quoted: str = "",
    ) -> None:
        """Line and column count from 1; of Parquet files these are the row and the number of its column."""
        if self.full:
            return
        if len(self.found) == PROBLEMS_MAX:
            code, message, hint, length = Code.MORE, f"and more; only the first {PROBLEMS_MAX} are shown", "", 1
        place = Place(self.file, line, column, max(1, length))
        self.found.append(Problem(place, code, message, hint, quoted=quoted[:_QUOTED_MAX]))
