"""Comparisons decide as exact decimal arithmetic does on prices as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions.move import displacement
from rules_engine.evaluation import Evaluator
from rules_engine.model.direction import Amount
from rules_engine.model.tolerance import order
from rules_engine.model.truth import Truth
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import plan

cents = st.integers(1, 100_000_000)
near = st.integers(-3, 3)


def exactly(left: Decimal, right: Decimal) -> int:
    return (left > right) - (left < right)


def price(cent: int) -> tuple[float, Decimal]:
    return float(f"{cent / 100:.2f}"), Decimal(cent) / 100


@given(cents, near)
def test_two_prices(cent: int, offset: int) -> None:
    (left, exact_left), (right, exact_right) = price(cent), price(max(cent + offset, 1))
    assert order(left, right) == exactly(exact_left, exact_right)


@given(cents, st.integers(1, 9_999), near, st.sampled_from([1, -1]))
def test_a_percent_move(reference: int, hundredths: int, offset: int, way: int) -> None:
    """Prices around the very edge of the move, percents with two decimals."""
    percent = Decimal(hundredths) / 10_000
    level = Decimal(reference) / 100 * (1 + way * percent)
    last, exact_last = price(max(int(level * 100) + offset, 1))
    found = displacement(last, price(reference)[0], Amount(float(percent), relative=True), way, 0.0)
    assert (found is not None) == (way * exactly(exact_last, level) >= 0)


@given(cents, cents, near)
def test_the_difference_of_two_prices(left: int, right: int, offset: int) -> None:
    """`V - MA > c` for a level around the very difference."""
    level = left - right + offset
    sentence = f"V - MA > {Decimal(abs(level)) / 100}" if level >= 0 else f"MA - V < {Decimal(-level) / 100}"
    evaluator = Evaluator([plan("rule", sentence)], START_S)
    evaluator.tick(print_of(START_S, left / 100))
    evaluator.tick(print_of(START_S, right / 100, "MA"))
    assert evaluator.truths("rule") == ((Truth.TRUE if left - right > level else Truth.FALSE),)


@pytest.mark.parametrize(("last", "moved"), [(105.0, True), (104.99, False), (105.01, True)])
def test_exactly_five_percent_counts(last: float, moved: bool) -> None:
    assert (displacement(last, 100.0, Amount(0.05, relative=True), 1, 0.0) is not None) is moved


def test_a_relative_move_of_nothing_or_less_means_nothing() -> None:
    assert displacement(-90.0, -100.0, Amount(0.05, relative=True), 1, 0.0) is None
    assert displacement(1.0, 0.0, Amount(0.05, relative=True), 1, 0.0) is None
