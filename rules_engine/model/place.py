"""Where a word stands in a file, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Place(NamedTuple):
    """A stretch of text: line and column count from 1, length in characters."""

    file: str
    line: int
    column: int
    length: int = 1


class Severity(StrEnum):
    """Whether a problem keeps the rules from running, or is only worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in what the user wrote. ``quoted`` is the source line, secrets masked."""

    place: Place
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    quoted: str = ""


class RulesError(Exception):
    """The text is not a valid set of rules; ``problems`` says where and why. Nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0] if self.problems else None
        super().__init__(f"{first.place.file}:{first.place.line}: {first.message}" if first else "no problems")
