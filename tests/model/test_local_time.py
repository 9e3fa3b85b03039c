"""Clock times into instants, on the days on which clocks change too."""

from datetime import UTC, date, datetime, time

import pytest

from rules_engine.model.local_time import daily_span, instant

NEW_YORK = "America/New_York"


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2030, 6, 3), time(9, 30), NEW_YORK, "2030-06-03 13:30"),
        (date(2030, 12, 3), time(9, 30), NEW_YORK, "2030-12-03 14:30"),
        (date(2030, 3, 10), time(2, 30), NEW_YORK, "2030-03-10 07:00"),
        (date(2030, 3, 10), time(3, 0), NEW_YORK, "2030-03-10 07:00"),
        (date(2030, 11, 3), time(1, 30), NEW_YORK, "2030-11-03 05:30"),
        (date(2018, 11, 4), time(0, 0), "America/Sao_Paulo", "2018-11-04 03:00"),
        (date(2030, 3, 31), time(1, 15), "Europe/London", "2030-03-31 01:00"),
    ],
)
def test_instant(day: date, at: time, zone: str, expected: str) -> None:
    assert instant(day, at, zone) == utc(expected)


def test_a_stretch_and_when_it_ends() -> None:
    now_s = utc("2030-11-20 15:00")
    assert daily_span(now_s, time(9, 45), time(15, 30), NEW_YORK) == (True, utc("2030-11-20 20:30"))
    assert daily_span(now_s, time(10, 30), time(15, 30), NEW_YORK) == (False, utc("2030-11-20 15:30"))


def test_weekdays_are_those_on_which_a_stretch_starts() -> None:
    friday_night, saturday_night = utc("2030-11-23 05:00"), utc("2030-11-24 05:00")
    weekdays = frozenset(range(5))
    assert daily_span(friday_night, time(22), time(2), NEW_YORK, weekdays) == (True, utc("2030-11-23 07:00"))
    assert daily_span(saturday_night, time(22), time(2), NEW_YORK, weekdays) == (False, utc("2030-11-26 03:00"))


def test_without_hours_a_whole_day() -> None:
    assert daily_span(utc("2030-11-20 15:00"), None, None, NEW_YORK, frozenset({2})) == (True, utc("2030-11-21 05:00"))


def test_an_empty_stretch_is_never() -> None:
    assert daily_span(utc("2030-11-20 14:45"), time(9, 45), time(9, 45), NEW_YORK)[0] is False
