"""One value as the wire's text and back, and the fields of a message read in turn."""

import functools
import math
import re
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass

UNSET_INTEGER = 2**31 - 1
UNSET_NUMBER = sys.float_info.max
UNSET_DOUBLE = "1.7976931348623157E308"
"""The unset number as TWS prints it; clients spell it in several ways."""

_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER_MIN = -(2**31)
_WHOLE_MAX = 1e15
_TEXTS_MAX = 16_384
"""Prices and sizes repeat: their texts are kept."""
_QUOTED_MAX = 100
"""So many letters of a field are told back to its client."""


class Malformed(Exception):
    """One field of an otherwise possible frame cannot be read: the client is told which, and its session lives."""

    def __init__(self, field: str, text: str, expected: str, element: str = "") -> None:
        quoted = text if len(text) <= _QUOTED_MAX else f"{text[:_QUOTED_MAX]}..."
        super().__init__(f"field '{field}'{element and f' of {element}'}: {quoted!r} is not {expected}")
        self.field = field
        self._text, self._expected = text, expected

    @classmethod
    def missing(cls, field: str) -> "Malformed":
        """The message ends too early."""
        return cls(field, "", "present: the message ends before it")

    def of(self, element: str) -> "Malformed":
        """The same, in this element of a list."""
        return Malformed(self.field, self._text, self._expected, element)


class NotAnIdentity(Exception):
    """A number that says what the message belongs to is missing: nothing can be answered."""


def whole(text: str) -> int:
    """A whole number of 32 bits. Raises ValueError."""
    if not _INTEGER.fullmatch(text) or not _INTEGER_MIN <= int(text) <= UNSET_INTEGER:
        raise ValueError("a whole number")
    return int(text)


def _number(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError("a number")
    return value


def number_or_infinity(text: str) -> float:
    """A number, or the infinity that one library calls Infinity and the others Infinite. Raises ValueError."""
    return math.inf if text in ("Infinity", "Infinite") else _number(text)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


@functools.lru_cache(_TEXTS_MAX)
def number_text(value: float) -> str:
    """A double as the server prints it: whole ones without a fraction, so that old clients read sizes as integers."""
    if value == math.inf:
        return "Infinity"
    if value == UNSET_NUMBER:
        return UNSET_DOUBLE
    if abs(value) < _WHOLE_MAX and value == int(value):
        return str(int(value))
    return repr(value)


def _flag_text(value: bool) -> str:
    return "1" if value else "0"


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one type are read and written."""

    read: Callable[[str], object]
    write: Callable[[typing.Any], str]  # Any: each kind is only ever given values of its own type.
    zero: object
    unset: object
    """The value that stands for none where a field may be empty."""
    format: str | None
    """What `%` writes them with, if it writes them as `write` does."""


KINDS: dict[type, Kind] = {
    str: Kind(str, str, "", None, "%s"),
    int: Kind(whole, str, 0, UNSET_INTEGER, "%d"),
    float: Kind(_number, number_text, 0.0, UNSET_NUMBER, None),
    bool: Kind(_flag, _flag_text, False, None, "%d"),
}
