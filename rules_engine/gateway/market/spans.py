"""IB's words for lengths of time: durations and bar sizes of historical requests."""

import re

DAY_S = 86_400.0
_UNITS_S = {"S": 1.0, "D": DAY_S, "W": 7 * DAY_S, "M": 30 * DAY_S, "Y": 365 * DAY_S}
_DURATION = re.compile(r"(\d{1,6}) ([SDWMY])")
_PERIOD = re.compile(r"(\d{1,4}) (second|minute|hour|day|week|month|year)s?")
_PERIODS_S = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": DAY_S,
    "week": 7 * DAY_S,
    "month": 30 * DAY_S,
    "year": 365 * DAY_S,
}

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


_LEGAL = (
    "1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, "
    "1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M"
)


def bar_size_s(text: str) -> float:
    """Seconds of a bar size in TWS's own spelling; raises ValueError with TWS's sentence."""
    if text not in BAR_SIZES_S:
        raise ValueError(f"Historical data bar size setting is invalid. Legal ones are: {_LEGAL}")
    return BAR_SIZES_S[text]


def duration_s(text: str) -> tuple[float, int]:
    """Seconds of a duration such as `2 D`, and its trading days where it is counted in days (else 0)."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(
            f"Historical data query duration string [{text}] is invalid.  Format is 'integer{{SPACE}}unit (S|D|W|M|Y)'."
        )
    count, unit = int(match[1]), match[2]
    if unit != "Y" and count * _UNITS_S[unit] > _UNITS_S["Y"]:
        raise ValueError("Historical data requests for durations longer than 365 days must be made in years")
    return count * _UNITS_S[unit], count if unit == "D" else 0


def period_s(text: str) -> float:
    """Seconds of a histogram's period, such as `3 days`."""
    match = _PERIOD.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"Histogram period [{text}] is invalid")
    return int(match[1]) * _PERIODS_S[match[2]]
