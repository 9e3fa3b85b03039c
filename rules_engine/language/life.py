"""The words of a rule's life: spellings of counts, days, hours and gaps."""

import re
from datetime import time

from rules_engine.language.durations import read_duration
from rules_engine.model.rule import Active, AtMost, IfMissed

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = frozenset(range(7))


class BadWord(Exception):
    """The text is not a spelling of what it should be; ``args`` are the message and what to write."""


def read_at_most(text: str) -> AtMost:
    """`3 per day`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5}) per day", text)
    if found is None:
        raise BadWord(f"'{text}' is not a count", "write '3 per day'")
    return AtMost(int(found[1]))


def read_if_missed(text: str) -> IfMissed:
    """`act`, `tell` or `act within 1m`."""
    if text in ("act", "tell"):
        return IfMissed(act=text == "act", within_s=None)
    within_s = read_duration(text.removeprefix("act within "))
    if within_s is None:
        raise BadWord(f"'{text}' does not say what to do", "write 'act', 'tell' or 'act within 1m'")
    return IfMissed(act=True, within_s=within_s)


def read_active(days: str | None, hours: str | None) -> Active:
    """`mon-fri` or `mon,wed,fri`; `09:45-15:30`. None: every day, all day."""
    start, end = _hours(hours) if hours is not None else (None, None)
    return Active(_days(days) if days is not None else _EVERY_DAY, start, end)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in re.split(r", ?", text):
        first, _, last = part.partition("-")
        for word in (first, last or first):
            if word not in _DAYS:
                raise BadWord(f"'{word}' is not a day", f"days are {', '.join(_DAYS)}")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found)


def _hours(text: str) -> tuple[time, time]:
    words = re.split(r" ?- ?", text)
    try:
        start, end = (time.fromisoformat(word) for word in words)
    except ValueError:
        raise BadWord(f"'{text}' are no hours", "write them as in 09:45-15:30") from None
    if start == end:
        raise BadWord(f"no time is between {words[0]} and {words[1]}", "leave 'hours' out for all day")
    return start, end
