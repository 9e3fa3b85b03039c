"""Trading hours: when an instrument trades, in instants and in the strings that contract details carry."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules_engine.gateway.holidays import is_business_day

_DAY = timedelta(days=1)
WIRE_DAYS = 6
"""Contract details tell the hours of this many days."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours, in minutes from local midnight of the trade date; below zero is the evening before."""

    zone: str
    wire_zone: str
    trading: tuple[int, int]
    liquid: tuple[int, int]
    daily: bool = False
    """Trades on every day of the year."""

    def span_s(self, day: date, *, liquid: bool) -> tuple[float, float] | None:
        """Opening and closing instant of a trade date, None when it is closed."""
        return _span_s(self, day, liquid)

    def is_open(self, at_s: float, *, liquid: bool) -> bool:
        """Opening is inclusive, closing exclusive."""
        span = _span_s(self, self.trade_date(at_s), liquid)
        return span is not None and span[0] <= at_s < span[1]

    def trade_date(self, at_s: float) -> date:
        """The date that a print of this instant belongs to: an evening session counts for the next day."""
        local = datetime.fromtimestamp(at_s, ZoneInfo(self.zone))
        evening = self.trading[0] < 0 and local.hour * 60 + local.minute >= 24 * 60 + self.trading[0]
        return local.date() + (_DAY if evening else timedelta())

    def midnight_s(self, day: date) -> float:
        """The instant at which a date begins at the exchange."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).timestamp()

    def day_start_s(self, day: date) -> float:
        """The instant from which on prints count for a trade date."""
        return _at(day, min(0, self.trading[0])).replace(tzinfo=ZoneInfo(self.zone)).timestamp()

    def next_open_s(self, at_s: float) -> float:
        """The first instant from ``at_s`` on at which it trades."""
        day = self.trade_date(at_s)
        while True:
            span = _span_s(self, day, False)
            if span is not None and at_s < span[1]:
                return max(at_s, span[0])
            day += _DAY

    def last_close_s(self, at_s: float) -> float:
        """The end of the liquid hours of the trade date before the one of ``at_s``."""
        day = self.trade_date(at_s) - _DAY
        while (span := _span_s(self, day, True)) is None:
            day -= _DAY
        return span[1]

    def open_spans(self, start_s: float, end_s: float, *, liquid: bool) -> Iterator[tuple[float, float]]:
        """The parts of `[start_s, end_s)` in which it trades, in order."""
        day = self.trade_date(start_s)
        last = self.trade_date(end_s)
        while day <= last:
            span = _span_s(self, day, liquid)
            if span is not None and span[0] < end_s and span[1] > start_s:
                yield max(start_s, span[0]), min(end_s, span[1])
            day += _DAY

    def wire(self, now_s: float, *, liquid: bool) -> str:
        """IB's form, `20301122:0930-20301122:1600;20301123:CLOSED`, for the days from now on."""
        return _wire_days(self, self.trade_date(now_s), liquid)

    def _wire_day(self, day: date, liquid: bool) -> str:
        if not self._trades(day):
            return f"{day:%Y%m%d}:CLOSED"
        start, end = (_at(day, minute) for minute in (self.liquid if liquid else self.trading))
        return f"{start:%Y%m%d:%H%M}-{end:%Y%m%d:%H%M}"

    def _trades(self, day: date) -> bool:
        return self.daily or is_business_day(day)


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


@lru_cache(maxsize=8192)
def _span_s(hours: Hours, day: date, liquid: bool) -> tuple[float, float] | None:
    if not hours._trades(day):
        return None
    zone = ZoneInfo(hours.zone)
    start, end = (
        _at(day, minute).replace(tzinfo=zone).astimezone(UTC) for minute in (hours.liquid if liquid else hours.trading)
    )
    return start.timestamp(), end.timestamp()


@lru_cache(maxsize=128)
def _wire_days(hours: Hours, first: date, liquid: bool) -> str:
    return ";".join(hours._wire_day(first + _DAY * ahead, liquid) for ahead in range(WIRE_DAYS))


def always_open(now_s: float) -> str:
    """IB's form of hours that never end. It begins two days back, whatever zone the reader puts it in."""
    first = datetime.fromtimestamp(now_s, UTC).date() - 2 * _DAY
    days = [first + _DAY * ahead for ahead in range(WIRE_DAYS + 3)]
    return ";".join(f"{day:%Y%m%d}:0000-{day + _DAY:%Y%m%d}:0000" for day in days)


def _clock(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


_NEW_YORK = ("America/New_York", "US/Eastern")
_CHICAGO = ("America/Chicago", "US/Central")
_LONDON = ("Europe/London", "GB-Eire")
_EVENING = -_clock(7)
CALENDARS = {
    "us_stock": Hours(*_NEW_YORK, (_clock(4), _clock(20)), (_clock(9, 30), _clock(16))),
    "us_option": Hours(*_NEW_YORK, (_clock(9, 30), _clock(16)), (_clock(9, 30), _clock(16))),
    "us_index": Hours(*_CHICAGO, (_clock(8, 30), _clock(15, 15)), (_clock(8, 30), _clock(15))),
    "us_bond": Hours(*_NEW_YORK, (_clock(8), _clock(17)), (_clock(8), _clock(17))),
    "globex": Hours(*_CHICAGO, (_EVENING, _clock(16)), (_clock(8, 30), _clock(16))),
    "nymex": Hours(*_NEW_YORK, (-_clock(6), _clock(17)), (_clock(9, 30), _clock(17))),
    "livestock": Hours(*_CHICAGO, (_clock(8, 30), _clock(13, 5)), (_clock(8, 30), _clock(13, 5))),
    "forex": Hours(*_NEW_YORK, (-_clock(6, 45), _clock(17)), (-_clock(6, 45), _clock(17))),
    "metal": Hours(*_NEW_YORK, (-_clock(6), _clock(17)), (-_clock(6), _clock(17))),
    "crypto": Hours("UTC", "UTC", (0, _clock(24)), (0, _clock(24)), daily=True),
    "london": Hours(*_LONDON, (_clock(8), _clock(16, 30)), (_clock(8), _clock(16, 30))),
    "frankfurt": Hours("Europe/Berlin", "MET", (_clock(8), _clock(22)), (_clock(9), _clock(17, 30))),
    "mexico": Hours(
        "America/Mexico_City", "America/Mexico_City", (_clock(8, 30), _clock(15)), (_clock(8, 30), _clock(15))
    ),
    "toronto": Hours("America/Toronto", "US/Eastern", (_clock(9, 30), _clock(16)), (_clock(9, 30), _clock(16))),
}
