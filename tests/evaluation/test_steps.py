"""`floor` and `round` over columns, against Python's own, one value after the other."""

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.steps import step, stepped

PRICES = st.integers(-20_000_000, 20_000_000).map(lambda steps: steps / 20_000)
VALUES = st.one_of(PRICES, st.floats(-1e15, 1e15), st.sampled_from([0.5, 1.5, 2.675, 1.005, -0.5, 1e300, 0.1 + 0.2]))
DIGITS = st.one_of(st.none(), st.integers(0, 9))
SHARE = st.floats(-1, 1)


def told(value: float, digits: int | None) -> float:
    return float(math.floor(value)) if digits is None else float(round(value, digits))


@given(values=st.lists(VALUES, min_size=1, max_size=20), digits=DIGITS)
@example(values=[1e300, -1e300], digits=9)
def test_steps_are_those_of_python(values: list[float], digits: int | None) -> None:
    assert step(np.array(values), digits).tolist() == [told(value, digits) for value in values]


@given(value=VALUES, off=st.one_of(st.just(0.0), st.floats(1e-12, 3)), share=SHARE, digits=DIGITS)
@example(value=100.0, off=1e-9, share=-1, digits=None)
def test_what_may_be_off_comes_to_a_step_within_the_bound(
    value: float, off: float, share: float, digits: int | None
) -> None:
    found, apart = stepped(np.array([value]), np.array([off]), digits)
    meant = min(max(value + share * off, value - off), value + off)
    if not apart[0]:
        assert found[0] == told(meant, digits)
    assert abs(told(meant, digits) - found[0]) <= apart[0] * (1 + 1e-12)


def test_what_is_known_well_enough_is_known_and_what_may_be_anything_is_not() -> None:
    values, off = np.array([100.4, 100.0, 99.9999, np.nan, 7.0]), np.array([0.1, 1e-9, 1e-6, 0.1, np.inf])
    with np.errstate(invalid="ignore"):
        found, apart = stepped(values, off, None)
    assert found[:3].tolist() == [100, 100, 99]
    assert apart.tolist() == [0, 1, 0, 0, np.inf]
