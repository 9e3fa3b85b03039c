"""The two ends of a backtest, as people write them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from rules_engine.replay.span import read_end, read_start

NEW_YORK = "America/New_York"


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK)).timestamp()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2030-11-22", "2030-11-22 00:00", "2030-11-23 00:00"),
        ("2030-12-31", "2030-12-31 00:00", "2031-01-01 00:00"),
        ("2030-11-22 09:30", "2030-11-22 09:30", "2030-11-22 09:30"),
        ("2030-11-22T09:30:05", "2030-11-22 09:30:05", "2030-11-22 09:30:05"),
    ],
)
def test_a_date_is_the_whole_day(text: str, start: str, end: str) -> None:
    assert read_start(text, NEW_YORK) == local(start)
    assert read_end(text, NEW_YORK) == local(end)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2030-13-01", "2030-02-30", "9999-12-31 25:00", "1900000000", "09:30"]
)
def test_anything_else_is_neither(text: str) -> None:
    assert read_start(text, NEW_YORK) is None
    assert read_end(text, NEW_YORK) is None


def test_the_last_day_of_the_calendar_has_no_end() -> None:
    assert read_end("9999-12-31", NEW_YORK) is None
