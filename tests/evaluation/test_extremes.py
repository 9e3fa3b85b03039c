"""One pair of stacks against minimum and maximum of all prints, for windows of every length and batches of any size."""

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.windows import Extreme
from tests.evaluation.market import START_S

Batch = list[tuple[int, int]]
"""Prints: the seconds since the one before, and the price."""
batches = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=12), max_size=20)


@given(batches, st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_every_window_length_reads_its_own_extremes(steps: list[list[tuple[int, int]]], windows: list[int]) -> None:
    compare([[batch] for batch in steps], windows)


@pytest.mark.parametrize("seed", range(20))
def test_so_it_does_where_many_wait_and_very_many_do_not(seed: int) -> None:
    chance = random.Random(seed)

    def batch() -> Batch:
        return [(chance.choice([0, 0, 1]), chance.randrange(1, 10)) for _ in range(chance.choice([1, 5, 64, 65, 150]))]

    steps = [[batch() for _ in range(chance.randrange(1, 4))] for _ in range(12)]
    compare(steps, chance.sample(range(1, 400), 3))


def compare(steps: list[list[Batch]], windows: list[int]) -> None:
    """The windows are read after each step."""
    extremes, time_s = Extremes(), START_S
    seen: list[tuple[float, float]] = []
    for window_s in windows:
        extremes.need(window_s)
    for step in steps:
        for batch in step:
            times, values = [], []
            for gap, price in batch:
                time_s += gap
                times.append(time_s)
                values.append(float(price))
            extremes.extend(times, values)
            seen += zip(times, values, strict=True)
        for window_s in windows:
            inside = [value for at_s, value in seen if at_s > time_s - window_s]
            for highest, extreme in ((False, min), (True, max)):
                assert extremes.after(time_s - window_s, highest) == extreme(inside)
        kept = [(at_s, value) for at_s, value in seen if at_s > time_s - max(windows)]
        for price in range(11):
            for highest in (False, True):
                reaching = [at_s for at_s, value in kept if (value >= price if highest else value <= price)]
                last_s = extremes.last_s(price, highest)
                assert last_s == max(reaching) if reaching else last_s <= time_s - max(windows)


def test_a_history_of_any_length_comes_first() -> None:
    for count in (0, 1, 2, 63, 64, 65, 5_000):
        extremes = Extremes()
        extremes.need(86_400.0)
        past = [(START_S + second, 100.0 + second * 7919 % 201) for second in range(count)]
        extremes.prepend(past)
        assert extremes.after(START_S - 1, True) == max((value for _, value in past), default=None)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=60), st.integers(1, 9))
def test_a_window_notices_every_print_and_every_moment(prints: list[tuple[int, int]], window_s: int) -> None:
    extremes, seen, time_s = Extremes(), [], START_S
    windows = [Extreme(extremes, window_s, highest, START_S) for highest in (False, True)]
    for gap, price in prints:
        time_s += gap
        extremes.take(time_s, float(price))
        seen.append((time_s, float(price)))
        for now_s in (time_s, time_s, time_s + 0.5, time_s + window_s - 0.5, time_s + window_s, time_s):
            inside = [value for at_s, value in seen if at_s > now_s - window_s]
            for window, extreme in zip(windows, (min, max), strict=True):
                assert window.at(now_s) == (extreme(inside) if inside else None)


def test_no_print_finds_more_than_a_few_others_waiting() -> None:
    extremes, waiting = Extremes(), 0
    extremes.need(60.0)
    for second in range(1_000):
        extremes.take(START_S + second, 100.0 + second % 7)
        waiting = max(waiting, len(extremes._times))
    assert waiting <= 64


def test_memory_is_that_of_the_distinct_prices_however_long_the_window() -> None:
    extremes = Extremes()
    extremes.need(86_400.0)
    for second in range(200_000):
        extremes.extend([START_S + second], [100.0 + second * 7919 % 201 / 100])
    kept = [stack.times for stack in (extremes._lows, extremes._highs)]
    assert sum(map(len, kept)) <= 2 * 201
    assert sum(map(sys.getsizeof, kept)) < 100_000


def test_what_no_window_reads_is_forgotten() -> None:
    extremes = Extremes()
    extremes.need(100.0)
    for second in range(100_000):
        extremes.extend([START_S + second], [1.0 + second])
    assert len(extremes._lows.times) < 300
