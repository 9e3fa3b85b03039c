"""Business days of the US exchanges, from the rules that set their holidays."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

_DAY = timedelta(days=1)


def is_business_day(day: date) -> bool:
    """Neither a weekend nor a US exchange holiday."""
    return day.weekday() < 5 and day not in holidays(day.year)


def business_days_from(day: date, step: int = 1) -> Iterator[date]:
    """Business days from ``day`` on, itself included when it is one; ``step`` -1 walks back."""
    while True:
        if is_business_day(day):
            yield day
        day += _DAY * step


def business_day_at_or_before(day: date) -> date:
    return next(business_days_from(day, -1))


def business_days_before(day: date, count: int) -> date:
    """The business day that lies ``count`` of them before ``day``."""
    days = business_days_from(day - _DAY, -1)
    for _ in range(count - 1):
        next(days)
    return next(days)


def weekday_of_month(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth (1 is the first, -1 the last) given weekday (Monday is 0) of a month."""
    if nth < 0:
        last = end_of_month(year, month)
        return last - _DAY * ((last.weekday() - weekday) % 7) + timedelta(weeks=nth + 1)
    first = date(year, month, 1)
    return first + _DAY * ((weekday - first.weekday()) % 7) + timedelta(weeks=nth - 1)


def end_of_month(year: int, month: int) -> date:
    """The last calendar day of a month."""
    return date(year + month // 12, month % 12 + 1, 1) - _DAY


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """Full closing days of NYSE and Nasdaq; half days count as business days."""
    days = {
        weekday_of_month(year, 1, 0, 3),
        weekday_of_month(year, 2, 0, 3),
        _easter(year) - 2 * _DAY,
        weekday_of_month(year, 5, 0, -1),
        _observed(date(year, 7, 4)),
        weekday_of_month(year, 9, 0, 1),
        weekday_of_month(year, 11, 3, 4),
        _observed(date(year, 12, 25)),
    }
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))
    # New Year on a Saturday is not made up for on the Friday, which ends the old year.
    new_year = date(year, 1, 1)
    if new_year.weekday() != 5:
        days.add(_observed(new_year))
    return frozenset(days)


def _observed(day: date) -> date:
    return day + _DAY * {5: -1, 6: 1}.get(day.weekday(), 0)


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous computus."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, moon = century // 4, (century + 8) // 25
    epact = (19 * golden + century - leap - (century - moon + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * sunday) // 451
    months = epact + sunday - 7 * late + 114
    return date(year, months // 31, months % 31 + 1)
