"""What columns find at once, against the obvious loop over the same prints."""

from math import nextafter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.arrays import Line, NotColumnar
from rules_engine.evaluation.columnar.kernels import VECTORISED, Kernels, compiled, kernels_for
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.evaluation.columnar.sides import _equal_to, line_of
from rules_engine.evaluation.sums import Sums
from rules_engine.model.direction import Amount
from rules_engine.model.tolerance import EDGE_S, RELATIVE, order

COMPILED = compiled()
assert COMPILED is not None, "the dev group has numba"
KERNELS = (VECTORISED, COMPILED)
WINDOWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), min_size=1, max_size=120)


@given(WINDOWS, st.booleans(), st.randoms())
def test_rolling_extremes_are_those_of_each_window(
    windows: list[tuple[int, int]], highest: bool, chance: object
) -> None:
    steps = np.cumsum([[start, 0] for start, _ in windows], axis=0)[:, 0]
    ends = np.maximum.accumulate(steps + [length for _, length in windows])
    values = np.random.default_rng(len(windows)).integers(0, 50, int(ends[-1]) + 1).astype(float)
    best = max if highest else min
    for start, end, found in zip(steps, ends, rolling(values, steps, ends, highest), strict=True):
        expected = best(values[start:end], default=np.nan)
        assert found == expected or (np.isnan(found) and np.isnan(expected))


@pytest.mark.parametrize("kernels", KERNELS, ids=["numpy", "numba"])
@given(
    seed=st.integers(0, 10_000),
    window_s=st.sampled_from([0.5, 3.0, 40.0, 500.0, 5_000.0]),
    seen=st.integers(0, 900),
    amount=st.sampled_from([Amount(0.02, True), Amount(0.005, True), Amount(2.0, False)]),
)
def test_kernels_find_what_a_loop_over_each_window_finds(
    kernels: Kernels, seed: int, window_s: float, seen: int, amount: Amount
) -> None:
    source = np.random.default_rng(seed)
    times = np.cumsum(source.choice([0.0, 0.5, 1.0, 7.0], 1_000))
    times[600:] += source.choice([0.0, 900.0])
    values = np.round(100 * np.exp(np.cumsum(source.normal(0, source.choice([0.0003, 0.003]), 1_000))), 2)
    past = Past(kernels)
    past.need(window_s)
    past.turn_over([times[:seen]], [values[:seen]])
    past.turn_over([times[seen : seen + 50], times[seen + 50 :]], [values[seen : seen + 50], values[seen + 50 :]])
    windows = [values[: at + 1][times[: at + 1] > times[at] - window_s + EDGE_S] for at in range(seen, 1_000)]
    lengths = (np.arange(past.fresh + 1, len(past.values) + 1) - past.starts(window_s)).tolist()
    assert lengths == [len(window) for window in windows]
    few, some = np.arange(0, 1_000 - seen, 37), np.arange(0, 1_000 - seen, 7)
    before = [
        values[: np.searchsorted(times, times[at] - window_s + EDGE_S, side="right")][-1:] for at in range(seen, 1_000)
    ]
    np.testing.assert_array_equal(
        past.before_at(some, window_s), [each[0] if len(each) else np.nan for each in before[::7]]
    )
    for highest, best, way in ((True, max, -1), (False, min, 1)):
        expected = [best(window.tolist()) for window in windows]
        assert past.extremes_at(few, window_s, highest).tolist() == expected[::37]
        assert past.extremes_at(some, window_s, highest).tolist() == expected[::7]
        assert past.extremes(window_s, highest).tolist() == expected
        assert past.extremes_at(some, window_s, highest).tolist() == expected[::7]
        line = line_of(amount, way)
        assert past.moved(window_s, line).tolist() == [
            way * order(float(window[-1]), line.slope * reference + line.shift) >= 0
            for window, reference in zip(windows, expected, strict=True)
        ]


@given(
    cents=st.lists(st.integers(1, 400), min_size=1, max_size=80),
    reach=st.integers(1, 30),
    fresh=st.integers(0, 10),
    odd=st.floats(0.001, 3.0),
)
def test_sums_and_orders_are_the_same_in_numpy_and_numba_bit_for_bit(
    cents: list[int], reach: int, fresh: int, odd: float
) -> None:
    values, fresh = np.array(cents) / 100, min(fresh, len(cents))
    ends = np.arange(fresh, len(cents)) + 1
    starts = np.maximum(ends - reach, 0)
    others = np.where(np.arange(len(cents)) % 7 == 3, np.nan, np.roll(values, 1) * np.where(values > 2, odd, 1.0))

    def found(kernels: Kernels) -> list[object]:
        totals, squares, fits = kernels.running(values, 100.0, 17)
        assert fits and kernels.in_steps(values, 100.0) and not kernels.in_steps(values + 0.001, 100.0)
        return [
            kernels.means(totals, starts, ends, 17, 100.0),
            *kernels.deviations(totals, squares, starts, ends, 100.0),
            *kernels.scores(totals, squares, starts, ends),
            kernels.orders(values, others, RELATIVE, True),
            kernels.orders(values, others, 0.05, False),
            *(kernels.reached(values, others, Line(1 + way * 0.02, 0.0, way)) for way in (1.0, -1.0)),
        ]

    with np.errstate(invalid="ignore", divide="ignore"):
        expected = found(VECTORISED)
    for one, other in zip(expected, found(COMPILED), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kernels", KERNELS, ids=["numpy", "numba"])
def test_sums_that_64_bits_cannot_hold_are_told(kernels: Kernels) -> None:
    assert not kernels.running(np.array([1.0, 1e12]), 100.0, 0)[2]


@pytest.mark.parametrize("kernels", KERNELS, ids=["numpy", "numba"])
def test_kernels_take_no_prints_at_all(kernels: Kernels) -> None:
    past = Past(kernels)
    past.turn_over([], [])
    assert not len(past.starts(5.0)) and not len(past.extremes(5.0, True))
    assert not len(past.starts_at(np.arange(0), 5.0)) and not len(past.spans.extremes(5.0, True).low)
    past.turn_over([np.arange(3.0)], [np.arange(3.0)])
    past.turn_over([], [])
    assert not len(past.spans) and not len(past.spans.at_prints(np.empty(0, dtype=np.int8)))
    assert not len(past.spans.before(5.0).low) and not len(past.spans.prices().low)


@given(st.floats(0.01, 1e6))
def test_what_counts_as_equal_to_a_level_ends_where_order_ends(level: float) -> None:
    low, high = _equal_to(level)
    assert order(low, level) == order(high, level) == order(level, level) == 0
    assert order(nextafter(low, 0), level) == -1
    assert order(nextafter(high, 2 * high), level) == 1


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=50), st.integers(0, 5))
def test_places_are_shown_as_the_streaming_sums_see_them(units: list[int], finest: int) -> None:
    values = [unit / 10 ** (number % (finest + 1)) for number, unit in enumerate(units)]
    past, sums = Past(), Sums()
    past.turn_over([np.arange(float(len(values)))], [np.array(values)])
    for number, value in enumerate(values):
        sums.extend([float(number)], [value])
        assert past.places()[number] == sums.places
    totals, squares = past.totals(int(past.places()[-1]))
    whole = [round(value * sums.scale) - past.base(sums.places) for value in values]
    assert totals[-1] == sum(whole)
    assert squares[-1] == sum(each * each for each in whole)


def test_prices_that_are_in_no_steps_have_no_places() -> None:
    past = Past()
    past.turn_over([np.arange(2.0)], [np.array([1.0, 1 / 3])])
    with pytest.raises(NotColumnar):
        past.places()


def test_a_past_keeps_its_longest_window_and_little_more() -> None:
    past = Past()
    past.need(10.0)
    for slice_ in range(20):
        past.turn_over([slice_ * 100 + np.arange(100.0)], [np.ones(100)])
        assert len(past.times) <= 100 + 13
    assert past.begun_s == 0.0


def test_numba_is_taken_only_where_it_pays() -> None:
    assert kernels_for(100_000) is VECTORISED
    assert kernels_for(100_000_000) is COMPILED
