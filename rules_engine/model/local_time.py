"""Clock times into instants, the same on every day of the year."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MIDNIGHT = time()
_DAYS_AHEAD = 8
"""Far enough to meet every weekday again."""


def local_day(now_s: float, timezone: str) -> date:
    """The calendar day there."""
    return datetime.fromtimestamp(now_s, ZoneInfo(timezone)).date()


def local_day_span(now_s: float, timezone: str) -> tuple[date, float]:
    """The calendar day there, and when the next one begins."""
    day = local_day(now_s, timezone)
    return day, instant(day + timedelta(days=1), _MIDNIGHT, timezone)


@lru_cache(maxsize=4096)
def instant(day: date, at: time, timezone: str) -> float:
    """POSIX seconds of a clock time: the first one when it comes twice, the next existing one when it is skipped."""
    zone = ZoneInfo(timezone)
    wall = datetime.combine(day, at, zone)
    reading = datetime.fromtimestamp(wall.timestamp(), zone)
    if reading.replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None):
        return wall.timestamp()
    return _clock_change(wall.replace(fold=1).timestamp(), wall.timestamp(), zone)


def _clock_change(before_s: float, after_s: float, zone: ZoneInfo) -> float:
    low, high = int(before_s), int(after_s)
    old = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return float(high)


def daily_span(
    now_s: float, start: time | None, end: time | None, timezone: str, days: frozenset[int] | None = None
) -> tuple[bool, float]:
    """Whether now is in a daily stretch [start, end), and the next moment at which one starts or ends.

    No ``start`` is the day's beginning, no ``end`` its end. A stretch whose end comes first crosses midnight and
    belongs to the day on which it starts. ``days`` are weekdays, 0 for Monday; None is every day.
    """
    inside, until_s = False, float("inf")
    for from_s, to_s in _stretches(local_day(now_s, timezone), start, end, timezone, days):
        inside = inside or from_s <= now_s < to_s
        until_s = min(until_s, *(edge_s for edge_s in (from_s, to_s) if edge_s > now_s), float("inf"))
    return inside, until_s


def _stretches(
    today: date, start: time | None, end: time | None, timezone: str, days: frozenset[int] | None
) -> Iterator[tuple[float, float]]:
    overnight = end is None or (start is not None and end < start)
    for offset in range(-1, _DAYS_AHEAD):
        day = today + timedelta(days=offset)
        if days is None or day.weekday() in days:
            last_day = day + timedelta(days=1) if overnight else day
            yield instant(day, start or _MIDNIGHT, timezone), instant(last_day, end or _MIDNIGHT, timezone)
