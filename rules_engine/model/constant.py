"""Values that no market can change: numbers and arithmetic on numbers."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from rules_engine.model.expression import (
    Arithmetic,
    Call,
    Expression,
    Named,
    Negative,
    Number,
    Reading,
    Series,
    spell_number,
)

_DIGITS = 12
_SIZE_MAX = 10**15


def constant(expression: Expression) -> Decimal | None:
    """The number that the expression always is; None when it reads something, divides by zero, or is over 10^15.

    Exact on decimals as people write them, rounded to 12 places only where a division does not come out even.
    """
    if isinstance(expression, Number) and abs(expression.value) <= _SIZE_MAX:
        return Decimal(spell_number(expression.value))
    value = None if isinstance(expression, (Reading, Series)) else _fold(expression)
    return None if value is None or abs(value) > _SIZE_MAX else _decimal(value)


def _fold(expression: Expression) -> Fraction | None:
    match expression:
        case Number(written):
            return Fraction(spell_number(written)) if abs(written) <= _SIZE_MAX else None
        case Named(of=of):
            return _fold(of)
        case Negative(operand):
            value = _fold(operand)
            return None if value is None else -value
        case Arithmetic(operator, left, right):
            return _computed(operator, _fold(left), _fold(right))
        case Call(name, arguments):
            folded = [value for argument in arguments if (value := _fold(argument)) is not None]
            return _called(name, folded) if len(folded) == len(arguments) else None
        case _:
            return None


def _computed(operator: str, left: Fraction | None, right: Fraction | None) -> Fraction | None:
    if left is None or right is None or (operator == "/" and right == 0):
        return None
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _called(name: str, values: list[Fraction]) -> Fraction | None:
    match name, values:
        case "abs", [value]:
            return abs(value)
        case "floor", [value]:
            return Fraction(math.floor(value))
        case "round", [value]:
            return Fraction(round(value))
        case "round", [value, digits] if digits.denominator == 1 and abs(digits) <= _DIGITS:
            return Fraction(round(value, int(digits)))
        case "min", [_, *_]:
            return min(values)
        case "max", [_, *_]:
            return max(values)
        case _:
            return None


def _decimal(value: Fraction) -> Decimal:
    return _plain(Decimal(round(value * 10**_DIGITS)).scaleb(-_DIGITS))


def step_up(price: Decimal, step: Decimal) -> Decimal:
    """The lowest multiple of the step that is strictly above the price."""
    return _plain(((price / step).to_integral_value(ROUND_FLOOR) + 1) * step)


def step_down(price: Decimal, step: Decimal) -> Decimal:
    """The highest multiple of the step that is strictly below the price."""
    return _plain(((price / step).to_integral_value(ROUND_CEILING) - 1) * step)


def _plain(value: Decimal) -> Decimal:
    return Decimal(f"{value.normalize():f}")
