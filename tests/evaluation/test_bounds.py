"""What columns say of sums over values in no price steps, against the streaming sums: no farther off than they say."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.arrays import Column, Index, NotColumnar
from rules_engine.evaluation.columnar.bounds import Error, Rough, combined, deviations, means, rough, scores
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Moments

CENTS = st.integers(9_900, 10_100).map(lambda cents: cents / 100)
MIDPOINTS = st.tuples(CENTS, CENTS).map(lambda quote: (quote[0] + quote[1]) / 2)
RATIOS = st.tuples(CENTS, CENTS).map(lambda pair: pair[0] / pair[1])
SPREADS = st.tuples(CENTS, CENTS).map(lambda pair: pair[0] - 1.85 * pair[1])
SMALL = st.floats(-1e-6, 1e-6)
ANY = st.floats(-1e9, 1e9)
FLAT = st.sampled_from([0.1 + 0.2, 0.3])
SERIES = st.sampled_from([MIDPOINTS, RATIOS, SPREADS, SMALL, ANY, FLAT, CENTS]).flatmap(
    lambda values: st.lists(values, min_size=1, max_size=60)
)
TERM = ANY.filter(lambda value: value == 0 or abs(value) > 1e-6)
OFF = st.floats(0, 1).filter(lambda value: value == 0 or value > 1e-9)
Formula = Callable[[Rough, Index, Index], tuple[Column, Error]]
FORMULAS: dict[str, Formula] = {"mean": means, "deviation": deviations, "score": scores}


def streamed(values: Sequence[float], reach: int, name: str) -> list[float | None]:
    """Of the window of so many prints that ends with each, as the evaluator hears them."""
    sums = Sums()
    moments = Moments(sums, float(reach), NEVER)
    found = []
    for at, value in enumerate(values):
        sums.take(float(at), value)
        found.append(getattr(moments, name)(float(at)))
    return found


@pytest.mark.parametrize("name", FORMULAS)
@given(values=SERIES, reach=st.integers(1, 20))
@example(values=[0.0, 8.113921941229543e-08], reach=1)
def test_sums_lie_within_their_bounds(name: str, values: list[float], reach: int) -> None:
    ends = np.arange(len(values)) + 1
    starts = np.maximum(ends - reach, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found, off = FORMULAS[name](rough(np.array(values), float(np.abs(values).max())), starts, ends)
    offs = np.broadcast_to(off, found.shape)
    for expected, value, error in zip(streamed(values, reach, name), found.tolist(), offs.tolist(), strict=True):
        if expected is None:
            assert value != value or error == np.inf
        else:
            assert abs(value - expected) <= error + 1e-12 * abs(expected)


@given(st.lists(MIDPOINTS, min_size=20, max_size=60))
def test_midpoints_are_told_to_nearly_all_their_digits(values: list[float]) -> None:
    ends = np.arange(1, len(values)) + 1
    of = rough(np.array(values), max(values))
    _, off = means(of, ends - 2, ends)
    assert np.max(off) < 1e-10


@given(st.lists(st.tuples(TERM, OFF, TERM, OFF), min_size=1, max_size=20), st.integers(-8, 8))
@pytest.mark.parametrize("operator", ["+", "-", "*", "/"])
def test_arithmetic_on_what_is_off_says_how_far_it_may_be_off(
    operator: str, terms: list[tuple[float, float, float, float]], share: int
) -> None:
    left, left_off, right, right_off = (np.array(column) for column in zip(*terms, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        found, off = combined(operator, left, left_off, right, right_off)
        one, other = left + share / 8 * left_off, right - share / 8 * right_off
        truth = {"+": one + other, "-": one - other, "*": one * other, "/": one / other}[operator]
        close = np.abs(found - truth) <= off + 1e-9 * np.maximum(np.abs(left), 1) * np.maximum(np.abs(right), 1)
    if operator == "/":
        close |= off == np.inf
        close |= (other == 0) & (found != found)
        close |= np.abs(found - truth) <= off + 1e-9 * np.abs(truth)
    assert close.all()


def test_nothing_times_what_may_be_anything_may_be_anything() -> None:
    with np.errstate(invalid="ignore"):
        _, off = combined("*", np.array([0.0]), 0.0, np.array([1.0]), np.array([np.inf]))
    assert off == [np.inf]


@pytest.mark.parametrize("values", [[1.0, 1e150], [1.0, np.inf]])
def test_numbers_beyond_columns_are_told(values: list[float]) -> None:
    with pytest.raises(NotColumnar):
        rough(np.array(values), max(values))
