"""IB's words for lengths of time: durations and bar sizes of historical requests."""

import re

DAY_S = 86_400.0
_UNITS_S = {"S": 1.0, "D": DAY_S, "W": 7 * DAY_S, "M": 30 * DAY_S, "Y": 365 * DAY_S}
_DURATION = re.compile(r"(\d{1,6}) ([SDWMY])")

BAR_SIZES_S = {
    "1 secs": 1.0,
    "5 secs": 5.0,
    "10 secs": 10.0,
    "15 secs": 15.0,
    "30 secs": 30.0,
    "1 min": 60.0,
    "2 mins": 120.0,
    "3 mins": 180.0,
    "5 mins": 300.0,
    "10 mins": 600.0,
    "15 mins": 900.0,
    "20 mins": 1200.0,
    "30 mins": 1800.0,
    "1 hour": 3600.0,
    "2 hours": 7200.0,
    "3 hours": 10800.0,
    "4 hours": 14400.0,
    "8 hours": 28800.0,
    "1 day": DAY_S,
    "1 week": 7 * DAY_S,
    "1W": 7 * DAY_S,
    "1 month": 30 * DAY_S,
    "1M": 30 * DAY_S,
}


def bar_size_s(text: str) -> float:
    """Seconds of a bar size; "1 sec" and "1 min" are known with and without their plural."""
    for spelling in (text, f"{text}s", text.removesuffix("s")):
        if spelling in BAR_SIZES_S:
            return BAR_SIZES_S[spelling]
    raise ValueError(f"{text!r} is not a bar size")


def duration_s(text: str) -> tuple[float, int]:
    """Seconds of a duration such as `2 D`, and its trading days where it is counted in days (else 0)."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a duration")
    count, unit = int(match[1]), match[2]
    return count * _UNITS_S[unit], count if unit == "D" else 0
