"""Dates and times as written, in a zone, into moments."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_DATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)", re.ASCII)


def read_moment(text: str, timezone: str) -> float | None:
    """POSIX seconds of `2030-12-18 16:00` in the zone; None when the text is no date and time."""
    found = _DATED.fullmatch(text)
    if found is None:
        return None
    try:
        return moment_s(datetime.fromisoformat(f"{found[1]}T{found[2]}"), timezone)
    except ValueError:
        return None


def moment_s(local: datetime, timezone: str) -> float:
    """POSIX seconds of a local time. A time that summer time skips is the instant of the skip; of two, the first."""
    zone = ZoneInfo(timezone)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first.timestamp()
    return _skip_s(local.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def _skip_s(before: datetime, after: datetime, zone: ZoneInfo) -> float:
    """The instant between the two at which the zone's offset changes, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return float(round(after.timestamp()))


def is_timezone(name: str) -> bool:
    """Whether the machine's database of zones has it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return bool(name)


def machine_timezone() -> str:
    """The machine's own zone by its IANA name, UTC when it has none."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and is_timezone(named):
        return named
    try:
        target = str(Path("/etc/localtime").resolve())
    except OSError:
        return "UTC"
    name = target.partition("zoneinfo/")[2]
    return name if name and is_timezone(name) else "UTC"
