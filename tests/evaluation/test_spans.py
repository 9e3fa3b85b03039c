"""What is said of 32 prints at once holds for each of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.arrays import Column, Flags, Sides
from rules_engine.evaluation.columnar.blocks import SPAN
from rules_engine.evaluation.columnar.kernels import VECTORISED, Kernels, compiled
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.spans import Between, combined_between
from rules_engine.model.expression import Function

COMPILED = compiled()
assert COMPILED is not None, "the dev group has numba"
DUST = 1e-9


def lies(past: Past, between: Between, values: Column, size: float) -> Flags:
    """Where each value lies between what is said of its span, or nothing is said of that."""
    low, high = (every(past, each) for each in (between.low, between.high))
    return ~((values < low - DUST * size) | (values > high + DUST * size))


def says_nothing(past: Past, between: Between) -> Flags:
    return np.isnan(every(past, between.low)) & np.isnan(every(past, between.high))


def every(past: Past, of_spans: Column) -> Column:
    return np.repeat(of_spans, SPAN)[past.fresh % SPAN :][: len(past.values) - past.fresh]


def walk(seed: int, seen: int, kernels: Kernels, window_s: float) -> Past:
    """A market in cents with equal times, gaps and stretches in which nothing moves; the first ``seen`` prints are of
    another slice."""
    source = np.random.default_rng(seed)
    times = np.cumsum(source.choice([0.0, 0.5, 1.0, 7.0], 1_000))
    times[600:] += source.choice([0.0, 900.0])
    steps = source.normal(0, source.choice([0.0003, 0.003]), 1_000) * (
        source.random(1_000) < source.choice([0.02, 0.9])
    )
    values = np.round(100 * np.exp(np.cumsum(steps)), 2)
    past = Past(kernels)
    past.need(window_s, begins=True)
    past.turn_over([times[:seen]], [values[:seen]])
    past.turn_over([times[seen:]], [values[seen:]])
    return past


@pytest.mark.parametrize("kernels", (VECTORISED, COMPILED), ids=["numpy", "numba"])
@given(
    seed=st.integers(0, 10_000),
    window_s=st.sampled_from([0.5, 3.0, 40.0, 500.0, 5_000.0]),
    seen=st.integers(0, 999),
)
def test_every_print_lies_between_what_is_said_of_its_span(
    kernels: Kernels, seed: int, window_s: float, seen: int
) -> None:
    past = walk(seed, seen, kernels, window_s)
    spans, prints, size = past.spans, past.values[past.fresh :], past.blocks.largest
    assert lies(past, spans.prices(), prints, 0.0).all()
    for highest in (True, False):
        assert lies(past, spans.extremes(window_s, highest), past.extremes(window_s, highest), 0.0).all()
    before, said = past.before(window_s), spans.before(window_s)
    assert lies(past, said, before, 0.0).all()
    assert says_nothing(past, said)[np.isnan(before)].all()
    starts, ends = past.starts(window_s), past.ends
    counted = past.counted(past.most(window_s))
    with np.errstate(all="ignore"):
        means = kernels.means(counted.totals, starts, ends, counted.base, counted.scale)
        deviations, _ = kernels.deviations(counted.totals, counted.squares, starts, ends, counted.scale)
        scores, _ = kernels.scores(counted.totals, counted.squares, starts, ends)
        assert lies(past, spans.moments(Function.SMA, window_s), means, size).all()
        for function, values in ((Function.STDEV, deviations), (Function.ZSCORE, scores)):
            said = spans.moments(function, window_s)
            assert lies(past, said, values, size).all()
            # What some print does not have cannot be told of its span.
            assert says_nothing(past, said)[np.isnan(values)].all()


def test_windows_of_many_prints_tell_much_of_most_spans() -> None:
    past = walk(3, 100, VECTORISED, 500.0)
    values, said = past.extremes(500.0, True), past.spans.extremes(500.0, True)
    is_told = every(past, said.low) == every(past, said.high)
    assert is_told.mean() > 0.5 and (every(past, said.low) == values)[is_told].all()
    with np.errstate(all="ignore"):
        mean = past.spans.moments(Function.SMA, 500.0)
    assert np.median(mean.high - mean.low) < 0.1 * np.ptp(past.values)


@pytest.mark.parametrize("operator", ["+", "-", "*", "/"])
@given(
    ends=st.lists(st.floats(-50, 50), min_size=4, max_size=4),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_arithmetic_stays_within_what_it_is_told(operator: str, ends: list[float], shares: tuple[float, float]) -> None:
    pairs = [sorted(ends[:2]), sorted(ends[2:])]
    left, right = (Between(np.array([low]), np.array([high])) for low, high in pairs)
    first, second = (low + (high - low) * share for (low, high), share in zip(pairs, shares, strict=True))
    with np.errstate(all="ignore"):
        found = combined_between(operator, left, right)
        value = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator](first, second)
    slack = DUST * max(1.0, abs(float(value))) if np.isfinite(value) else 0.0
    assert not (value < found.low[0] - slack or value > found.high[0] + slack)


def test_each_print_has_the_side_of_its_span() -> None:
    past = walk(1, 117, VECTORISED, 40.0)
    first = past.fresh // SPAN
    assert past.fresh % SPAN, "the first span begins before the slice"
    sides: Sides = np.arange(len(past.spans), dtype=np.int8)
    expected = [at // SPAN - first for at in range(past.fresh, len(past.values))]
    assert past.spans.at_prints(sides).tolist() == expected
    some = np.array([0, 2])
    within = past.spans.values(some)
    assert within[1].tolist() == past.values[(first + 2) * SPAN :][:SPAN].tolist()
    own: Sides = np.full(within.shape, -1, dtype=np.int8)
    found = past.spans.at_prints(sides, some, own).tolist()
    assert found == [-1 if side in (0, 2) else side for side in expected]
