"""Constants folded exactly, and what is no constant."""

from decimal import Decimal

import pytest

from rules_engine.language import parse_expression
from rules_engine.model.action import Side
from rules_engine.model.constant import constant, step_down, step_up
from rules_engine.model.expression import Arithmetic, Named, Number
from rules_engine.model.price_step import round_limit, round_stop


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200", "200"),
        ("0.1 + 0.2", "0.3"),
        ("200 * 1.05", "210"),
        ("-(3 - 5) / 4", "0.5"),
        ("2 / 3", "0.666666666667"),
        ("5%", "0.05"),
        ("abs(-2.5)", "2.5"),
        ("floor(-2.5)", "-3"),
        ("round(2.5)", "2"),
        ("round(200 / 3, 2)", "66.67"),
        ("min(3, 2, 7) + max(1, 4)", "6"),
    ],
)
def test_arithmetic_on_numbers_is_folded_exactly(text: str, value: str) -> None:
    assert constant(parse_expression(text)) == Decimal(value)


@pytest.mark.parametrize("text", ["V", "V - V", "position(V)", "account.equity", "max(1, V)", "sma(V, 1h)"])
def test_what_reads_anything_is_no_constant(text: str) -> None:
    assert constant(parse_expression(text)) is None


def test_division_by_zero_is_no_constant() -> None:
    assert constant(Arithmetic("/", Number(1.0), Arithmetic("-", Number(2.0), Number(2.0)))) is None


def test_a_named_constant_is_one() -> None:
    assert constant(parse_expression("half * 4", lets={"half": Named("half", Number(0.5))})) == 2


def test_numbers_beyond_any_price_are_no_constants() -> None:
    assert constant(Number(1e16)) is None
    assert constant(Number(float("inf"))) is None


@pytest.mark.parametrize(
    ("price", "step", "up", "down"),
    [("200", "0.01", "200.01", "199.99"), ("200.005", "0.01", "200.01", "200"), ("4980.25", "0.25", "4980.5", "4980")],
)
def test_the_next_price_step_is_strictly_beyond(price: str, step: str, up: str, down: str) -> None:
    assert step_up(Decimal(price), Decimal(step)) == Decimal(up)
    assert step_down(Decimal(price), Decimal(step)) == Decimal(down)


def test_rounding_never_makes_an_order_worse_than_written() -> None:
    price, step = Decimal("100.03"), Decimal("0.05")
    assert (round_limit(Side.BUY, price, step), round_limit(Side.SELL, price, step)) == (
        Decimal(100),
        Decimal("100.05"),
    )
    assert (round_stop(Side.BUY, price, step), round_stop(Side.SELL, price, step)) == (Decimal("100.05"), Decimal(100))
    assert round_limit(Side.BUY, Decimal(100), step) == Decimal(100)
