"""What columns find at once, against the obvious loop over the same prints."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.blocks import prints_near
from rules_engine.evaluation.columnar.past import NotColumnar, Past
from rules_engine.evaluation.columnar.rolling import extremes
from rules_engine.evaluation.sums import Sums
from rules_engine.model.direction import Amount

WINDOWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), min_size=1, max_size=120)


@given(WINDOWS, st.booleans(), st.randoms())
def test_rolling_extremes_are_those_of_each_window(
    windows: list[tuple[int, int]], highest: bool, chance: object
) -> None:
    steps = np.cumsum([[start, 0] for start, _ in windows], axis=0)[:, 0]
    ends = np.maximum.accumulate(steps + [length for _, length in windows])
    values = np.random.default_rng(len(windows)).integers(0, 50, int(ends[-1]) + 1).astype(float)
    best = max if highest else min
    for start, end, found in zip(steps, ends, extremes(values, steps, ends, highest), strict=True):
        expected = best(values[start:end], default=np.nan)
        assert found == expected or (np.isnan(found) and np.isnan(expected))


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    relative=st.booleans(),
    way=st.sampled_from([1, -1]),
    window_s=st.sampled_from([0.5, 3.0, 40.0, 500.0]),
    seen=st.integers(0, 900),
)
def test_no_print_that_moved_lies_in_a_block_that_is_left_out(
    seed: int, relative: bool, way: int, window_s: float, seen: int
) -> None:
    source = np.random.default_rng(seed)
    times = np.cumsum(source.choice([0.0, 0.5, 1.0, 7.0], 1_000))
    values = np.round(100 * np.exp(np.cumsum(source.normal(0, 0.003, 1_000))), 2)
    amount = Amount(0.02, relative) if relative else Amount(2.0, relative)
    past = Past()
    past.need(window_s)
    past.turn_over(times[:seen], values[:seen])
    past.turn_over(times[seen:], values[seen:])
    near = set(prints_near(past, window_s, amount, way).tolist())
    for number in range(seen, 1_000):
        window = values[: number + 1][times[: number + 1] > times[number] - window_s]
        reference = window.min() if way > 0 else window.max()
        bound = reference * (1 + way * amount.value) if relative else reference + way * amount.value
        if way * (values[number] - bound) >= 0:
            assert number - seen in near


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=50), st.integers(0, 5))
def test_places_are_shown_as_the_streaming_sums_see_them(units: list[int], finest: int) -> None:
    values = [unit / 10 ** (number % (finest + 1)) for number, unit in enumerate(units)]
    past, sums = Past(), Sums()
    past.turn_over(np.arange(float(len(values))), np.array(values))
    for number, value in enumerate(values):
        sums.extend([float(number)], [value])
        assert past.places()[number] == sums.places
    totals, squares = past.totals(int(past.places()[-1]))
    whole = [round(value * sums.scale) - past.base(sums.places) for value in values]
    assert totals[-1] == sum(whole)
    assert squares[-1] == sum(each * each for each in whole)


def test_prices_that_are_in_no_steps_have_no_places() -> None:
    past = Past()
    past.turn_over(np.arange(2.0), np.array([1.0, 1 / 3]))
    with pytest.raises(NotColumnar):
        past.places()


def test_a_past_keeps_its_longest_window_and_little_more() -> None:
    past = Past()
    past.need(10.0)
    for slice_ in range(20):
        past.turn_over(slice_ * 100 + np.arange(100.0), np.ones(100))
        assert len(past.times) <= 100 + 13
    assert past.begun_s == 0.0
