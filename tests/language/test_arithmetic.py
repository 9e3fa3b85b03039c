"""simpleeval is what arithmetic means: our tree, evaluated the plain way, agrees with it."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simpleeval import SimpleEval

from rules_engine.language import parse_expression
from rules_engine.language.arithmetic import constant_value, is_constant, reference_value
from rules_engine.model.expression import Arithmetic, Call, Expression, Named, Negative, Number, Reading
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.place import RulesError

READINGS: Mapping[Expression, float] = {
    Reading(us_stock("V"), Field.LAST): 199.5,
    Reading(us_stock("MA"), Field.LAST): 400.25,
    Reading(us_stock("V"), Field.BID): 199.25,
}
NAMES = {"V": 199.5, "MA": 400.25, "V_bid": 199.25}


def worth(expression: Expression) -> float:
    """The obvious evaluator."""
    match expression:
        case Number(value):
            return value
        case Named(_, of):
            return worth(of)
        case Negative(operand):
            return -worth(operand)
        case Arithmetic(operator, left, right):
            a, b = worth(left), worth(right)
            return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[operator]()
        case Call(name, arguments):
            of = {"abs": abs, "min": min, "max": max, "floor": math.floor, "round": round}[name]
            return float(of(*map(worth, arguments)))
        case _:
            return READINGS[expression]


leaves = st.one_of(
    st.integers(0, 10_000).map(lambda n: f"{n / 100:g}"), st.sampled_from(["V", "MA", "V.bid"]), st.just("5")
)
texts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-({text})"),
        inner.map(lambda text: f"-{text}"),
        inner.map(lambda text: f"floor({text})"),
        st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, abs({pair[1]}))"),
    ),
    max_leaves=8,
)


@given(texts)
@settings(max_examples=400)
def test_the_tree_is_worth_what_simpleeval_makes_of_the_text(text: str) -> None:
    functions = {"floor": math.floor, "max": max, "abs": abs}
    try:
        expected = float(SimpleEval(names=NAMES, functions=functions).eval(text.replace("V.bid", "V_bid")))
        expression = parse_expression(text)
    except (ZeroDivisionError, RulesError) as refused:
        # A division by a constant zero is refused, one by a reading that is zero is unknown when it happens.
        assert isinstance(refused, ZeroDivisionError) or "divides by zero" in refused.problems[0].message
        return
    assert worth(expression) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert reference_value(expression, READINGS) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * (3 + 4)", 14.0),
        ("-3 * 2", -6.0),
        ("10 - 3 - 2", 5.0),
        ("8 / 4 / 2", 1.0),
        ("5%", 0.05),
        ("round(2.567, 2)", 2.57),
    ],
)
def test_constants(text: str, value: float) -> None:
    expression = parse_expression(text)
    assert is_constant(expression)
    assert constant_value(expression) == pytest.approx(value)


def test_what_reads_the_market_is_no_constant() -> None:
    assert not is_constant(parse_expression("V + 1"))
    assert constant_value(parse_expression("V + 1")) is None
