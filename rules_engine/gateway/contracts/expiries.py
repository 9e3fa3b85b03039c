"""Last trading days of futures and options, from the exchanges' rules."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice

from rules_engine.gateway.contracts.calendars import ExchangeDays

LISTED_UNTIL = date(2031, 12, 31)
"""Contracts are listed at least this far, and always five years ahead."""
MONTH_LETTERS = "FGHJKMNQUVXZ"
_DAY = timedelta(days=1)
_WEDNESDAY, _FRIDAY = 2, 4
_WEEKLIES = 6


def listed_until(today: date) -> date:
    """The last day on which a listed contract may expire."""
    return max(LISTED_UNTIL, today + timedelta(days=5 * 365))


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


def third_friday(year: int, month: int, days: ExchangeDays) -> date:
    """Equity index futures and monthly options; the business day before when it is a holiday."""
    return days.at_or_before(weekday_of_month(year, month, _FRIDAY, 3))


def option_expiries(today: date, days: ExchangeDays) -> Iterator[date]:
    """The next Fridays, then every third Friday; in order, each once."""
    first_friday = today + _DAY * ((_FRIDAY - today.weekday()) % 7)
    weeklies = {days.at_or_before(first_friday + timedelta(weeks=week)) for week in range(_WEEKLIES)}
    until = listed_until(today)
    months = ((year, month) for year in range(today.year, until.year + 1) for month in range(1, 13))
    monthlies = {third_friday(year, month, days) for year, month in months}
    yield from sorted(day for day in weeklies | monthlies if today <= day <= until)


def _crude_oil(year: int, month: int, days: ExchangeDays) -> date:
    """Three business days before the 25th of the month before delivery, counted from a business day."""
    before = date(year, month, 1) - _DAY
    return days.before(days.at_or_before(before.replace(day=25)), 3)


def _micro_crude_oil(year: int, month: int, days: ExchangeDays) -> date:
    """The business day before the big contract ends."""
    return days.before(_crude_oil(year, month, days), 1)


def _refined_product(year: int, month: int, days: ExchangeDays) -> date:
    """The last business day of the month before delivery."""
    return days.at_or_before(date(year, month, 1) - _DAY)


def _natural_gas(year: int, month: int, days: ExchangeDays) -> date:
    """Three business days before the first of the delivery month."""
    return days.before(date(year, month, 1), 3)


def _metal(year: int, month: int, days: ExchangeDays) -> date:
    """The third last business day of the delivery month."""
    return next(islice(days.walk(end_of_month(year, month), -1), 2, None))


def _treasury_bond(year: int, month: int, days: ExchangeDays) -> date:
    """Seven business days before the last business day of the delivery month."""
    return days.before(_last_business_day(year, month, days), 7)


def _last_business_day(year: int, month: int, days: ExchangeDays) -> date:
    return days.at_or_before(end_of_month(year, month))


def _lean_hogs(year: int, month: int, days: ExchangeDays) -> date:
    """The tenth business day of the contract month."""
    return next(islice(days.walk(date(year, month, 1)), 9, None))


def _grain(year: int, month: int, days: ExchangeDays) -> date:
    """The business day before the 15th."""
    return days.before(date(year, month, 15), 1)


def _currency(year: int, month: int, days: ExchangeDays) -> date:
    """Two business days before the third Wednesday."""
    return days.before(weekday_of_month(year, month, _WEDNESDAY, 3), 2)


def _volatility(year: int, month: int, days: ExchangeDays) -> date:
    """Thirty days before the third Friday of the following month."""
    following = end_of_month(year, month) + _DAY
    return days.at_or_before(third_friday(following.year, following.month, days) - timedelta(days=30))


def _last_friday(year: int, month: int, days: ExchangeDays) -> date:
    return days.at_or_before(weekday_of_month(year, month, _FRIDAY, -1))


def _bund(year: int, month: int, days: ExchangeDays) -> date:
    """Two exchange days before the delivery day, which is the tenth or the exchange day after it."""
    return days.before(next(days.walk(date(year, month, 10))), 2)


LAST_TRADING_DAY: dict[str, Callable[[int, int, ExchangeDays], date]] = {
    "third friday": third_friday,
    "crude oil": _crude_oil,
    "micro crude oil": _micro_crude_oil,
    "refined product": _refined_product,
    "natural gas": _natural_gas,
    "metal": _metal,
    "treasury bond": _treasury_bond,
    "last business day": _last_business_day,
    "lean hogs": _lean_hogs,
    "grain": _grain,
    "currency": _currency,
    "volatility": _volatility,
    "last friday": _last_friday,
    "bund": _bund,
}
"""From the name of a rule to the last trading day of the contract of a year and month, on its exchange's calendar."""
