"""The stretch of time that a backtest judges."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf

from rules_engine.language.moments import read_moment

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """[start_s, end_s) in POSIX seconds; without bounds all that there is."""

    start_s: float = -inf
    end_s: float = inf


@dataclass(frozen=True, slots=True)
class Extent:
    """From the first to the last of all recorded prices, in POSIX seconds; the first is infinite when there are none.
    ``rows`` are all that the files have.

    The clock of rules runs that long, whichever of the prices they read.
    """

    first_s: float = inf
    last_s: float = -inf
    rows: int = 0


def read_start(text: str, timezone: str) -> float | None:
    """When a date begins, or the moment of a date and time; None when the text is neither."""
    return read_moment(f"{text} 00:00" if _DATE.fullmatch(text) else text, timezone)


def read_end(text: str, timezone: str) -> float | None:
    """When a date ends, or the moment of a date and time; None when the text is neither."""
    if not _DATE.fullmatch(text):
        return read_moment(text, timezone)
    try:
        following = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return read_moment(f"{following} 00:00", timezone)
