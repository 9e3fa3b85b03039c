"""The short form of `make soak`: the night in which summer time ends."""

from datetime import datetime
from pathlib import Path

from tests.soak.week import NEW_YORK, Week


def test_a_night_with_a_restart_and_an_hour_that_comes_twice(tmp_path: Path) -> None:
    saturday = datetime(2026, 10, 31, 23, 20, tzinfo=NEW_YORK)
    report = Week(tmp_path, saturday, 3.5 / 24, seed=1).play()
    assert report.violations == ()
    assert report.firings > 100 and report.orders > 30
