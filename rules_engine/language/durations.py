"""Lengths of time as people write them, into seconds."""

import re
from functools import lru_cache

_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})?"
# `day` is a time in force as well: `at limit 400 day` is no length of time.
_WORDS = rf"(?:{_PART}[ ]+(?:seconds?|minutes?|hours?|days)|1[ ]+day(?!s))"
DURATION_PATTERN = rf"(?:{_PART}[dhms])+(?![A-Za-z0-9_.])|{_WORDS}(?:[ ]+{_WORDS})*(?![A-Za-z0-9_])"
"""Both spellings, `1h30m` and `1 hour 30 minutes`, for the grammar of sentences."""

DURATION_MAX_S = 366 * 86_400
BARS_S = tuple(
    sorted(
        {
            **{f"{n}s": n for n in (1, 5, 10, 15, 30)},
            **{f"{n}m": n * 60 for n in (1, 2, 3, 5, 10, 15, 20, 30)},
            **{f"{n}h": n * 3600 for n in (1, 2, 3, 4, 8)},
            "1d": 86_400,
        }.values()
    )
)
"""The bars that IB keeps history of."""
BARS_HINT = "bars are 1s, 5s, 10s, 15s, 30s, 1m, 2m, 3m, 5m, 10m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 8h or 1d"

_REPEATED_MAX = 1_000
"""Texts of which the answer is kept: rules say the same few again and again."""


@lru_cache(maxsize=_REPEATED_MAX)
def read_duration(text: str) -> float | None:
    """Seconds; None when the text is not a duration, is zero, or is longer than a year and a day."""
    if re.fullmatch(DURATION_PATTERN, text, re.ASCII) is None:
        return None
    parts = re.findall(rf"({_PART})[ ]*([dhms])", text)
    total_s = sum(float(count) * _UNITS_S[unit] for count, unit in parts)
    return total_s if 0 < total_s <= DURATION_MAX_S else None
