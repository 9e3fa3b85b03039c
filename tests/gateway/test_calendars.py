"""Business days and half days: our sessions against the package they come from, and against dates that people know."""

import subprocess
import sys
import warnings
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from exchange_calendars import get_calendar

from rules_engine.gateway.contracts.calendars import EVERY_DAY, FIRST_DAY, LAST_DAY, WEEKDAYS, exchange_days
from rules_engine.gateway.contracts.hours import CALENDARS, Hours

DAY = timedelta(days=1)
CODES = sorted({hours.calendar for hours in CALENDARS.values()} - {EVERY_DAY, WEEKDAYS})


@lru_cache
def package_calendar(code: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_calendar(code, start="2005-01-01", end="2030-12-31")


def days(first: date, last: date) -> list[date]:
    return [first + DAY * ahead for ahead in range((last - first).days + 1)]


@pytest.mark.parametrize("code", CODES)
def test_every_day_of_26_years_is_open_or_closed_as_in_the_package(code: str) -> None:
    sessions = {day.date() for day in package_calendar(code).sessions}
    ours = exchange_days(code)
    assert [day for day in days(date(2005, 1, 1), date(2030, 12, 31)) if ours.opens(day) != (day in sessions)] == []


@pytest.mark.parametrize("code", CODES)
def test_every_half_day_of_26_years_ends_when_the_package_says(code: str) -> None:
    theirs = package_calendar(code)
    expected = {day.date(): theirs.session_close(day).timestamp() for day in theirs.early_closes}
    ours = exchange_days(code).early_closes_s
    assert {day: at_s for day, at_s in ours.items() if 2005 <= day.year <= 2030} == expected


@pytest.mark.parametrize(
    ("code", "closed"),
    [
        ("XNYS", "2012-10-29 2012-10-30 2018-12-05 2025-01-09 2026-04-03 2026-06-19 2026-07-03 2026-11-26 2026-12-25"),
        ("CMES", "2026-01-01 2026-04-03 2026-12-25"),
        ("XLON", "2022-09-19 2023-05-08 2026-04-06 2026-05-04 2026-12-28"),
        ("XETR", "2026-05-01 2026-12-24 2026-12-31"),
        ("XEUR", "2026-04-03 2026-04-06 2026-05-01"),
        ("XMEX", "2026-02-02 2026-03-16 2026-09-16"),
        ("XTSE", "2026-02-16 2026-05-18 2026-07-01"),
        ("XHKG", "2026-02-17 2026-02-18 2026-02-19"),
        ("XTKS", "2026-01-02 2026-05-04 2026-12-31"),
    ],
)
def test_holidays_that_people_know(code: str, closed: str) -> None:
    assert [text for text in closed.split() if exchange_days(code).opens(date.fromisoformat(text))] == []


@pytest.mark.parametrize(
    ("code", "opened"),
    [
        ("XNYS", "2021-12-31 2026-11-27 2026-12-24"),
        ("CMES", "2026-01-19 2026-05-25 2026-11-26"),
        ("XLON", "2026-06-19 2026-07-03"),
        ("XETR", "2026-10-05 2026-12-30"),
    ],
)
def test_days_that_only_look_like_holidays(code: str, opened: str) -> None:
    assert [text for text in opened.split() if not exchange_days(code).opens(date.fromisoformat(text))] == []


def test_beyond_what_is_known_only_weekends_are_closed() -> None:
    new_york = exchange_days("XNYS")
    assert new_york.opens(date(1999, 7, 5)) and not new_york.opens(date(1999, 7, 4))
    christmas = next(date(year, 12, 25) for year in range(LAST_DAY.year + 1, 2100) if date(year, 12, 25).weekday() < 5)
    assert new_york.opens(christmas)
    assert not new_york.opens(date(FIRST_DAY.year, 7, 4))


def test_what_never_rests_and_what_rests_on_weekends() -> None:
    christmas, sunday = date(2026, 12, 25), date(2026, 12, 27)
    assert exchange_days(EVERY_DAY).opens(christmas) and exchange_days(EVERY_DAY).opens(sunday)
    assert exchange_days(WEEKDAYS).opens(christmas) and not exchange_days(WEEKDAYS).opens(sunday)


def test_business_days_are_counted_over_holidays_and_weekends() -> None:
    new_york = exchange_days("XNYS")
    assert new_york.at_or_before(date(2026, 11, 26)) == date(2026, 11, 25)
    assert new_york.before(date(2026, 11, 30), 2) == date(2026, 11, 25)
    assert new_york.before(date(2026, 11, 27), 1) == date(2026, 11, 25)


def instant_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def wire(hours: Hours, at: str, *, liquid: bool) -> list[str]:
    return hours.wire(instant_s(at), liquid=liquid).split(";")


# The Monday before Thanksgiving 2026, noon in New York: six trade dates from it on.
THANKSGIVING = {
    ("us_stock", True): (
        "20261123:0930-20261123:1600;20261124:0930-20261124:1600;20261125:0930-20261125:1600;20261126:CLOSED;"
        "20261127:0930-20261127:1300;20261128:CLOSED"
    ),
    ("us_stock", False): (
        "20261123:0400-20261123:2000;20261124:0400-20261124:2000;20261125:0400-20261125:2000;20261126:CLOSED;"
        "20261127:0400-20261127:1700;20261128:CLOSED"
    ),
    ("us_index", False): (
        "20261123:0830-20261123:1515;20261124:0830-20261124:1515;20261125:0830-20261125:1515;20261126:CLOSED;"
        "20261127:0830-20261127:1215;20261128:CLOSED"
    ),
    ("globex", False): (
        "20261122:1700-20261123:1600;20261123:1700-20261124:1600;20261124:1700-20261125:1600;"
        "20261125:1700-20261126:1200;20261126:1700-20261127:1200;20261128:CLOSED"
    ),
    ("globex", True): (
        "20261123:0830-20261123:1600;20261124:0830-20261124:1600;20261125:0830-20261125:1600;"
        "20261126:0830-20261126:1200;20261127:0830-20261127:1200;20261128:CLOSED"
    ),
    ("nymex", False): (
        "20261122:1800-20261123:1700;20261123:1800-20261124:1700;20261124:1800-20261125:1700;"
        "20261125:1800-20261126:1300;20261126:1800-20261127:1300;20261128:CLOSED"
    ),
    ("grain", False): (
        "20261122:1900-20261123:0745;20261123:0830-20261123:1320;20261123:1900-20261124:0745;"
        "20261124:0830-20261124:1320;20261124:1900-20261125:0745;20261125:0830-20261125:1320;20261126:CLOSED;"
        "20261126:1900-20261127:0745;20261127:0830-20261127:1200;20261128:CLOSED"
    ),
    ("forex", False): (
        "20261122:1715-20261123:1700;20261123:1715-20261124:1700;20261124:1715-20261125:1700;"
        "20261125:1715-20261126:1700;20261126:1715-20261127:1700;20261128:CLOSED"
    ),
    ("london", True): (
        "20261123:0800-20261123:1630;20261124:0800-20261124:1630;20261125:0800-20261125:1630;"
        "20261126:0800-20261126:1630;20261127:0800-20261127:1630;20261128:CLOSED"
    ),
    ("crypto", False): (
        "20261123:0000-20261124:0000;20261124:0000-20261125:0000;20261125:0000-20261126:0000;"
        "20261126:0000-20261127:0000;20261127:0000-20261128:0000;20261128:0000-20261129:0000"
    ),
}


@pytest.mark.parametrize(("name", "liquid"), THANKSGIVING, ids=str)
def test_contract_details_of_a_week_with_a_holiday_and_a_half_day(name: str, liquid: bool) -> None:
    assert wire(CALENDARS[name], "2026-11-23 17:00", liquid=liquid) == THANKSGIVING[name, liquid].split(";")


def test_a_lunch_break_is_two_sessions_and_a_half_day_has_only_the_morning() -> None:
    told = wire(CALENDARS["hong_kong"], "2026-12-23 05:00", liquid=True)
    assert told[:4] == [
        "20261223:0930-20261223:1200",
        "20261223:1300-20261223:1600",
        "20261224:0930-20261224:1200",
        "20261225:CLOSED",
    ]


# New York and Chicago are on winter time: 13:00 and 12:00 there are 18:00 UTC.
@pytest.mark.parametrize(
    ("name", "at", "trading", "liquid"),
    [
        ("us_stock", "2026-11-25 20:59:59", True, True),
        ("us_stock", "2026-11-25 21:00", True, False),
        ("us_stock", "2026-11-26 17:00", False, False),
        ("us_stock", "2026-11-27 17:59:59", True, True),
        ("us_stock", "2026-11-27 18:00", True, False),
        ("us_stock", "2026-11-27 22:00", False, False),
        ("us_stock", "2026-11-28 17:00", False, False),
        ("us_option", "2026-11-27 18:00", False, False),
        ("globex", "2026-11-22 22:59:59", False, False),
        ("globex", "2026-11-22 23:00", True, False),
        ("globex", "2026-11-23 21:59:59", True, True),
        ("globex", "2026-11-23 22:30", False, False),
        ("globex", "2026-11-23 23:00", True, False),
        ("globex", "2026-11-26 17:59:59", True, True),
        ("globex", "2026-11-26 18:00", False, False),
        ("globex", "2026-11-26 23:00", True, False),
        ("globex", "2026-12-24 23:30", False, False),
        ("grain", "2026-11-23 14:00", False, False),
        ("forex", "2026-11-22 22:14:59", False, False),
        ("forex", "2026-11-22 22:15", True, True),
        ("forex", "2026-11-26 17:00", True, True),
        ("forex", "2026-11-27 22:00", False, False),
        ("forex", "2026-11-28 12:00", False, False),
        ("crypto", "2026-12-25 12:00", True, True),
        ("crypto", "2026-11-29 03:00", True, True),
        ("london", "2026-12-24 12:29:59", True, True),
        ("london", "2026-12-24 12:30", False, False),
        ("frankfurt", "2026-12-30 12:59:59", True, True),
        ("frankfurt", "2026-12-30 13:00", True, False),
        ("tokyo", "2026-11-24 02:45", False, False),
        ("tokyo", "2026-11-24 03:30", True, True),
    ],
)
def test_whether_it_is_open(name: str, at: str, trading: bool, liquid: bool) -> None:
    at_s = instant_s(at)
    hours = CALENDARS[name]
    assert (hours.is_open(at_s, liquid=False), hours.is_open(at_s, liquid=True)) == (trading, liquid)


@pytest.mark.parametrize("name", CALENDARS)
def test_open_spans_next_open_and_is_open_agree_over_a_year_s_end(name: str) -> None:
    hours = CALENDARS[name]
    start_s, end_s = instant_s("2026-12-18 00:00"), instant_s("2027-01-06 00:00")
    spans = list(hours.open_spans(start_s, end_s, liquid=False))
    assert spans == sorted(spans)
    step_s = 900.0
    for number in range(int((end_s - start_s) / step_s)):
        at_s = start_s + number * step_s
        inside = any(low_s <= at_s < high_s for low_s, high_s in spans)
        assert hours.is_open(at_s, liquid=False) == inside
        assert (hours.next_open_s(at_s) == at_s) == inside


@pytest.mark.parametrize("name", CALENDARS)
def test_liquid_hours_lie_within_trading_hours_on_every_day(name: str) -> None:
    hours = CALENDARS[name]
    for day in days(date(2024, 1, 1), date(2030, 12, 31)):
        trading, liquid = hours.span_s(day, liquid=False), hours.span_s(day, liquid=True)
        assert (trading is None) == (liquid is None)
        if trading is not None and liquid is not None:
            assert trading[0] <= liquid[0] < liquid[1] <= trading[1]


def test_the_close_before_a_half_day_is_the_regular_one_and_after_it_the_early_one() -> None:
    hours = CALENDARS["us_stock"]
    assert hours.last_close_s(instant_s("2026-11-27 15:00")) == instant_s("2026-11-25 21:00")
    assert hours.last_close_s(instant_s("2026-11-30 15:00")) == instant_s("2026-11-27 18:00")


def loaded_after(program: str) -> str:
    """Which of the slow packages a fresh interpreter has loaded after a program."""
    tail = ";print(*[name for name in ('pandas', 'exchange_calendars') if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys;{program}{tail}"], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_who_asks_for_no_session_and_no_expiry_does_not_wait_for_calendars() -> None:
    looked_up = (
        "from rules_engine.gateway import Catalogue, Market;"
        "from rules_engine.gateway.contracts.contract import Contract;"
        "catalogue = Catalogue();"
        "(visa,) = catalogue.find(Contract(symbol='V', secType='STK', currency='USD'));"
        "market = Market(catalogue);"
        "market.start(1.9e9);"
        "market.hours_text(visa, liquid=True);"
        "catalogue.matching('MA')"
    )
    assert loaded_after(looked_up) == ""
    assert loaded_after(f"{looked_up};catalogue.named('ES')") == "pandas exchange_calendars"
