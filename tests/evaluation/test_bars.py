"""Bars of a series against those of all its prints, put into bars one by one by the clock on the wall."""

import random
from datetime import date, datetime, time, timedelta
from itertools import groupby, zip_longest
from zoneinfo import ZoneInfo

import pytest

from rules_engine.evaluation.bars import BarSeries
from rules_engine.model.tick import Bar
from tests.evaluation.market import Prints

NEW_YORK = ZoneInfo("America/New_York")
LENGTHS = {"5 s": 5, "1 m": 60, "15 m": 900, "1 h": 3_600, "4 h": 14_400, "1 d": 86_400, "7 d": 604_800}
SUMMER_ENDS = datetime(2030, 11, 1, 15, 0, tzinfo=NEW_YORK).timestamp()


def midnight_s(day: date) -> float:
    return datetime.combine(day, time(), NEW_YORK).timestamp()


def span(at_s: float, length_s: int) -> tuple[float, float]:
    """The bar that holds a moment: of the hour, or counted from midnight in New York and cut at the next one."""
    today = datetime.fromtimestamp(at_s, NEW_YORK).date()
    if length_s >= 86_400:
        days = length_s // 86_400
        first = today - timedelta(days=today.toordinal() % days)
        return midnight_s(first), midnight_s(first + timedelta(days=days))
    start_s, last_s = midnight_s(today), midnight_s(today + timedelta(days=1))
    start_s += (at_s - start_s) // length_s * length_s
    return start_s, min(start_s + length_s, last_s)


def bars_of(prints: Prints, length_s: int, begun_s: float, now_s: float) -> list[Bar]:
    """Those that are over by now, and were seen from their beginning on."""
    found = []
    for (start_s, end_s), group in groupby(prints, lambda each: span(each[0], length_s)):
        values = [value for _, value in group]
        if begun_s <= start_s and end_s <= now_s:
            found.append(Bar(start_s, values[0], max(values), min(values), values[-1], float(len(values))))
    return found


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("seed", range(5))
def test_bars_are_those_of_all_their_prints(seed: int, length: str) -> None:
    chance, length_s = random.Random(seed), LENGTHS[length]
    time_s = begun_s = SUMMER_ENDS + chance.randrange(1_000)
    series, prints = BarSeries(float(length_s)), list[tuple[float, float]]()
    series.need(1_000)
    for _ in range(400):
        time_s += length_s * chance.choice([0.0, 0.0625, 0.125, 0.25, 1.5]) + chance.choice([0.0, 0.5])
        if chance.random() < 0.9:
            prints.append((time_s, chance.randrange(900, 1_100) / 10))
            series.push(*prints[-1], 1.0, begun_s)
        else:
            series.roll(time_s)
            expected = bars_of(prints, length_s, begun_s, time_s)
            assert [pair for pair in zip_longest(series.completed, expected) if pair[0] != pair[1]] == []
    assert len(series.completed) == series.closed > 20
