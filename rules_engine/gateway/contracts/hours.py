"""Trading hours: when an instrument trades, in instants and in the strings that contract details carry."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules_engine.gateway.contracts.calendars import EVERY_DAY, NEW_YORK, WEEKDAYS, exchange_days

_DAY = timedelta(days=1)
WIRE_DAYS = 6
"""Contract details tell the hours of this many days."""

Minutes = tuple[int, int]
"""Start and end of a session, in minutes from local midnight of the trade date; below zero is the evening before."""
Span = tuple[float, float]
"""Start and end of a session, as instants."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The sessions of a day, in order; on a half day of the exchange they end early."""

    calendar: str
    """The exchange whose holidays and half days count, see `calendars.py`."""
    zone: str
    wire_zone: str
    """The zone as contract details name it."""
    trading: tuple[Minutes, ...]
    liquid: tuple[Minutes, ...]

    def span_s(self, day: date, *, liquid: bool) -> Span | None:
        """The first opening and the last closing of a trade date, None when it is closed."""
        spans = _spans_s(self, day, liquid)
        return (spans[0][0], spans[-1][1]) if spans else None

    def is_open(self, at_s: float, *, liquid: bool) -> bool:
        """Opening is inclusive, closing exclusive."""
        return any(start_s <= at_s < end_s for start_s, end_s in _spans_s(self, self.trade_date(at_s), liquid))

    def trade_date(self, at_s: float) -> date:
        """The date that a print of this instant belongs to: an evening session counts for the next day."""
        local = datetime.fromtimestamp(at_s, ZoneInfo(self.zone))
        evening = self._first < 0 and local.hour * 60 + local.minute >= 24 * 60 + self._first
        return local.date() + (_DAY if evening else timedelta())

    def midnight_s(self, day: date) -> float:
        """The instant at which a date begins at the exchange."""
        return _instant_s(self, day, 0)

    def day_start_s(self, day: date) -> float:
        """The instant from which on prints count for a trade date."""
        return _instant_s(self, day, min(0, self._first))

    def next_open_s(self, at_s: float) -> float:
        """The first instant from ``at_s`` on at which it trades."""
        day = self.trade_date(at_s)
        while True:
            for start_s, end_s in _spans_s(self, day, False):
                if at_s < end_s:
                    return max(at_s, start_s)
            day += _DAY

    def last_close_s(self, at_s: float) -> float:
        """The end of the liquid hours of the trade date before the one of ``at_s``."""
        day = self.trade_date(at_s) - _DAY
        while not (spans := _spans_s(self, day, True)):
            day -= _DAY
        return spans[-1][1]

    def open_spans(self, start_s: float, end_s: float, *, liquid: bool) -> Iterator[Span]:
        """The parts of `[start_s, end_s)` in which it trades, in order."""
        day = self.trade_date(start_s)
        last = self.trade_date(end_s)
        while day <= last:
            for opens_s, closes_s in _spans_s(self, day, liquid):
                if opens_s < end_s and closes_s > start_s:
                    yield max(start_s, opens_s), min(end_s, closes_s)
            day += _DAY

    def wire(self, now_s: float, *, liquid: bool) -> str:
        """IB's form, `20301122:0930-20301122:1600;20301123:CLOSED`, for the trade dates from now on."""
        return _wire_days(self, self.trade_date(now_s), liquid)

    @property
    def _first(self) -> int:
        return self.trading[0][0]

    def sessions(self, day: date, *, liquid: bool) -> tuple[Minutes, ...]:
        """The sessions of a trade date in local minutes, () when it is closed."""
        days = exchange_days(self.calendar)
        if not days.opens(day):
            return ()
        regular = self.liquid if liquid else self.trading
        if day not in days.early_closes_s:
            return regular
        early = round((days.early_closes_s[day] - self.midnight_s(day)) / 60)
        # What trades on after the regular close does so for as long after an early one.
        end = min(early + regular[-1][1] - self.liquid[-1][1], regular[-1][1])
        return tuple((start, min(until, end)) for start, until in regular if start < end)


def _instant_s(hours: Hours, day: date, minute: int) -> float:
    return _at(day, minute).replace(tzinfo=ZoneInfo(hours.zone)).astimezone(UTC).timestamp()


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


@lru_cache(maxsize=8192)
def _spans_s(hours: Hours, day: date, liquid: bool) -> tuple[Span, ...]:
    return tuple(
        (_instant_s(hours, day, start), _instant_s(hours, day, end))
        for start, end in hours.sessions(day, liquid=liquid)
    )


@lru_cache(maxsize=128)
def _wire_days(hours: Hours, first: date, liquid: bool) -> str:
    return ";".join(_wire_day(hours, first + _DAY * ahead, liquid) for ahead in range(WIRE_DAYS))


def _wire_day(hours: Hours, day: date, liquid: bool) -> str:
    sessions = hours.sessions(day, liquid=liquid)
    if not sessions:
        return f"{day:%Y%m%d}:CLOSED"
    return ";".join(f"{_at(day, start):%Y%m%d:%H%M}-{_at(day, end):%Y%m%d:%H%M}" for start, end in sessions)


def always_open(now_s: float) -> str:
    """IB's form of hours that never end. It begins two days back, whatever zone the reader puts it in."""
    return _always_open_from(datetime.fromtimestamp(now_s, UTC).date() - 2 * _DAY)


@lru_cache(maxsize=8)
def _always_open_from(first: date) -> str:
    days = [first + _DAY * ahead for ahead in range(WIRE_DAYS + 3)]
    return ";".join(f"{day:%Y%m%d}:0000-{day + _DAY:%Y%m%d}:0000" for day in days)


def _session(text: str) -> Minutes:
    start, end = (_minute(word) for word in text.split("-"))
    return (start - 24 * 60 if start >= end else start), end


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _hours(calendar: str, zone: str, wire_zone: str, trading: str, liquid: str = "") -> Hours:
    """Sessions are written `9:30-16:00`, several with spaces; one that starts later than it ends starts the evening
    before."""
    told = [tuple(_session(word) for word in text.split()) for text in (trading, liquid or trading)]
    return Hours(calendar, zone, wire_zone, told[0], told[1])


_NEW_YORK = ("America/New_York", "US/Eastern")
_CHICAGO = ("America/Chicago", "US/Central")
_LONDON = ("Europe/London", "GB-Eire")
_BERLIN = ("Europe/Berlin", "MET")
_MEXICO = ("America/Mexico_City", "America/Mexico_City")
CALENDARS = {
    "us_stock": _hours(NEW_YORK, *_NEW_YORK, "4:00-20:00", "9:30-16:00"),
    "us_option": _hours(NEW_YORK, *_NEW_YORK, "9:30-16:00"),
    "us_index": _hours(NEW_YORK, *_CHICAGO, "8:30-15:15", "8:30-15:00"),
    "us_bond": _hours(NEW_YORK, *_NEW_YORK, "8:00-17:00"),
    "globex": _hours("CMES", *_CHICAGO, "17:00-16:00", "8:30-16:00"),
    "nymex": _hours("CMES", *_NEW_YORK, "18:00-17:00", "9:30-17:00"),
    "cfe": _hours("CFE", *_CHICAGO, "17:00-16:00", "8:30-15:15"),
    "grain": _hours(NEW_YORK, *_CHICAGO, "19:00-7:45 8:30-13:20", "8:30-13:20"),
    "livestock": _hours(NEW_YORK, *_CHICAGO, "8:30-13:05"),
    "eurex": _hours("XEUR", *_BERLIN, "1:10-22:00", "9:00-17:30"),
    "forex": _hours(WEEKDAYS, *_NEW_YORK, "17:15-17:00"),
    "metal": _hours("CMES", *_NEW_YORK, "18:00-17:00"),
    "crypto": _hours(EVERY_DAY, "UTC", "UTC", "0:00-24:00"),
    "london": _hours("XLON", *_LONDON, "8:00-16:30"),
    "frankfurt": _hours("XETR", *_BERLIN, "8:00-22:00", "9:00-17:30"),
    "paris": _hours("XPAR", "Europe/Paris", "MET", "9:00-17:30"),
    "amsterdam": _hours("XAMS", "Europe/Amsterdam", "MET", "9:00-17:30"),
    "madrid": _hours("XMAD", "Europe/Madrid", "MET", "9:00-17:30"),
    "zurich": _hours("XSWX", "Europe/Zurich", "MET", "9:00-17:30"),
    "mexico": _hours("XMEX", *_MEXICO, "8:30-15:00"),
    "toronto": _hours("XTSE", "America/Toronto", "US/Eastern", "9:30-16:00"),
    "tokyo": _hours("XTKS", "Asia/Tokyo", "Japan", "9:00-11:30 12:30-15:30"),
    "hong_kong": _hours("XHKG", "Asia/Hong_Kong", "Hongkong", "9:30-12:00 13:00-16:00"),
}
