"""How often a rule fired today, against the dates of all its firings."""

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from rules_engine.evaluation.tally import Tally
from rules_engine.model.life import Life
from tests.evaluation.market import START_S


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_firings_of_today_are_those_of_its_date(timezone: str) -> None:
    chance, zone, fired = random.Random(timezone), ZoneInfo(timezone), list[datetime]()
    tally, now_s = Tally(Life(), timezone), START_S
    for _ in range(3_000):
        now_s += chance.choice([1.0, 600.0, 7_200.0, chance.choice([1.0, 200_000.0])])
        today = datetime.fromtimestamp(now_s, zone).date()
        assert tally.on(now_s) == sum(1 for at in fired[-200:] if at.date() == today)
        if chance.random() < 0.5:
            tally.add(now_s)
            fired.append(datetime.fromtimestamp(now_s, zone))
    assert tally.seq == len(fired)
