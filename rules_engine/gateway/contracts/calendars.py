"""Which days an exchange opens and when it closes early, from the exchange_calendars package."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType

EVERY_DAY = "every day"
"""The calendar of what never rests."""
WEEKDAYS = "weekdays"
"""The calendar of what rests on weekends only."""
NEW_YORK = "XNYS"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2045, 12, 31)
"""Holidays are known between these days; before and after them only weekends are closed."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ExchangeDays:
    """The business days of one exchange. A half day is a business day."""

    holidays: frozenset[date] = frozenset()
    """Closed days that are no weekend."""
    early_closes_s: Mapping[date, float] = field(default_factory=lambda: MappingProxyType({}))
    """The instant at which a half day ends."""
    weekends: bool = False
    """Trades on Saturdays and Sundays too."""

    def opens(self, day: date) -> bool:
        """Whether it is a business day."""
        return (self.weekends or day.weekday() < 5) and day not in self.holidays

    def walk(self, day: date, step: int = 1) -> Iterator[date]:
        """Business days from ``day`` on, itself included when it is one; ``step`` -1 walks back."""
        while True:
            if self.opens(day):
                yield day
            day += _DAY * step

    def at_or_before(self, day: date) -> date:
        """The last business day until ``day``."""
        return next(self.walk(day, -1))

    def before(self, day: date, count: int) -> date:
        """The business day that lies ``count`` of them before ``day``."""
        days = self.walk(day - _DAY, -1)
        for _ in range(count - 1):
            next(days)
        return next(days)


@lru_cache(maxsize=64)
def exchange_days(code: str) -> ExchangeDays:
    """The business days of an exchange by its code in exchange_calendars, or of EVERY_DAY or WEEKDAYS."""
    if code in (EVERY_DAY, WEEKDAYS):
        return ExchangeDays(weekends=code == EVERY_DAY)
    with warnings.catch_warnings():
        # The package relies on parts of pandas that will change; nothing a user of the gateway could do about it.
        warnings.simplefilter("ignore")
        # It brings pandas with it, half a second that only those wait for who ask about sessions or expiries.
        from exchange_calendars import get_calendar

        calendar = get_calendar(code, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
        sessions = {day.date() for day in calendar.sessions}
        early = {day.date(): calendar.session_close(day).timestamp() for day in calendar.early_closes}
    days = (FIRST_DAY + _DAY * ahead for ahead in range((LAST_DAY - FIRST_DAY).days + 1))
    holidays = frozenset(day for day in days if day.weekday() < 5 and day not in sessions)
    return ExchangeDays(holidays, MappingProxyType(early))
