"""The words after `--clock` and `--start` into a clock."""

import math
import re
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules_engine.gateway.times import ZONE
from rules_engine.model.clock import Clock, CompressedClock, SteppedClock, SystemClock

_SPEED = re.compile(r"(\d+(?:\.\d+)?)x")
_START = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?: ([\w/+-]+))?")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class ClockError(Exception):
    """Words that make no clock; the text says what to write."""


def read_clock(word: str = "real", start: str = "") -> Clock:
    """A clock that is `real`, `60x` as fast as life, or `stepped`, and begins at the start, else now.

    A start is written `2026-11-27 09:25 US/Eastern`; without a zone it is that of TWS. Raises ClockError.
    """
    life = SystemClock()
    start_s = read_start(start) if start else None
    if word == "stepped":
        return SteppedClock(life.now_s() if start_s is None else start_s)
    if word == "real":
        return life if start_s is None else CompressedClock(start_s)
    match = _SPEED.fullmatch(word)
    speed = float(match[1]) if match else 0.0
    if not 0.0 < speed < math.inf:
        raise ClockError(f"clock '{word}': write real, stepped, or how many times faster than life, such as 60x")
    return CompressedClock(life.now_s() if start_s is None else start_s, speed)


def read_start(text: str) -> float:
    """POSIX seconds of a start. Raises ClockError."""
    match = _START.fullmatch(text.strip())
    if match is None:
        raise ClockError(f"start '{text}': write a date and a time, such as 2026-11-27 09:25 {ZONE}")
    day, clock, zone = match.groups()
    try:
        return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(zone or ZONE)).timestamp()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ClockError(f"start '{text}': {error}") from error


def read_time_of_day(text: str) -> time:
    """A time of day without seconds or zone. Raises ClockError."""
    match = _TIME_OF_DAY.fullmatch(text.strip())
    if match is None:
        raise ClockError(f"'{text}' is not a time of day; write it like 23:45")
    return time(int(match[1]), int(match[2]))
