"""One pair of stacks against minimum and maximum of all prints, for windows of every length and batches of any size."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.extremes import Extremes
from tests.evaluation.market import START_S

batches = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=12), max_size=20)


@given(batches, st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_every_window_length_reads_its_own_extremes(steps: list[list[tuple[int, int]]], windows: list[int]) -> None:
    extremes, seen, time_s = Extremes(), [], START_S
    for window_s in windows:
        extremes.need(window_s)
    for batch in steps:
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
                found = extremes.after(time_s - window_s, highest)
                assert found is not None and found[1] == extreme(inside)
                assert found[0] == max(at_s for at_s, value in seen if value == found[1])


def test_a_history_of_any_length_comes_first() -> None:
    for count in (0, 1, 2, 511, 512, 513, 5_000):
        extremes = Extremes()
        extremes.need(86_400.0)
        past = [(START_S + second, 100.0 + second * 7919 % 201) for second in range(count)]
        extremes.prepend(past)
        highest = extremes.after(START_S - 1, True) if past else None
        assert (highest and highest[1]) == max((value for _, value in past), default=None)


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
