"""Instants as the wire writes them, and a queue of what is due when."""

import heapq
import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE = "US/Eastern"
"""The zone of the simulated TWS: of times that come without one, and of times that it reports."""

_TIME = re.compile(r"(\d{8})([ -])(\d{2}:\d{2}:\d{2})(?: ([\w/+-]+))?")


def read_time(text: str) -> float:
    """POSIX seconds of `20260102 15:04:05 US/Eastern`, of `20260102-15:04:05` (UTC), or without a zone of TWS's own."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time")
    day, separator, clock, zone = match.groups()
    if zone is None:
        zone = "UTC" if separator == "-" else ZONE
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is not a time zone") from error
    return datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=place).timestamp()


def time_text(at_s: float, zone: str = ZONE) -> str:
    """An instant with its zone, as in `20260102 15:04:05 US/Eastern`."""
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(zone)):%Y%m%d %H:%M:%S} {zone}"


def utc_text(at_s: float) -> str:
    """An instant in UTC, as in `20260102-15:04:05`."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y%m%d-%H:%M:%S}"


def clock_text(at_s: float, zone: str = ZONE) -> str:
    """An instant in a zone that stands elsewhere, as in `20260102-15:04:05`."""
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(zone)):%Y%m%d-%H:%M:%S}"


def day_text(at_s: float, zone: str = ZONE) -> str:
    """The date of an instant in a zone, as in `20260102`."""
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(zone)):%Y%m%d}"


def next_midnight_s(at_s: float, zone: str = ZONE) -> float:
    """When the next day begins in a zone."""
    tomorrow = datetime.fromtimestamp(at_s, ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(zone)).timestamp()


def midnight_s(at_s: float, zone: str = ZONE) -> float:
    """When the day of an instant began in a zone."""
    day = datetime.fromtimestamp(at_s, ZoneInfo(zone)).date()
    return datetime.combine(day, time(), ZoneInfo(zone)).timestamp()


class Timers:
    """What is due when. Nobody cancels a timer: what it calls looks whether it is still wanted."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        """Do this then."""
        heapq.heappush(self._due, (time_s, next(self._order), action))

    def next_s(self) -> float | None:
        """When the next one is due."""
        return self._due[0][0] if self._due else None

    def run(self, now_s: float) -> int:
        """Do everything that is due by now; returns how much it was."""
        done = 0
        while self._due and self._due[0][0] <= now_s:
            heapq.heappop(self._due)[2]()
            done += 1
        return done
