"""Expressions spelled in simpleeval's dialect, and simpleeval as the reference for what they are worth."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rules_engine.model.expression import Arithmetic, Call, Expression, Named, Negative, Number, walk

if TYPE_CHECKING:
    from simpleeval import SimpleEval

_OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "floor": math.floor,
    "round": lambda value, digits=0: round(value, int(digits)),
}

_CONSTANT = frozenset({Number, Negative, Arithmetic, Call, Named})


def is_constant(expression: Expression) -> bool:
    """Whether it reads nothing of the market, the account or our orders."""
    return all(type(part) in _CONSTANT for part in walk(expression))


def constant_value(expression: Expression) -> float | None:
    """What a constant expression is worth; None when it reads something, or divides by zero."""
    if isinstance(expression, Number):
        return expression.value
    return reference_value(expression, {}) if is_constant(expression) else None


def reference_value(expression: Expression, readings: Mapping[Expression, float]) -> float | None:
    """What simpleeval makes of the expression, given what its readings are worth; None for a division by zero."""
    names: dict[str, float] = {}
    text = _spell(expression, readings, names)
    try:
        value = float(_evaluator(names).eval(text))
    except (ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _evaluator(names: Mapping[str, float]) -> "SimpleEval":
    # Most files hold no constant arithmetic: they are checked without loading simpleeval.
    from simpleeval import SimpleEval

    return SimpleEval(operators=dict(_OPERATORS), functions=dict(_FUNCTIONS), names=dict(names))


def _spell(expression: Expression, readings: Mapping[Expression, float], names: dict[str, float]) -> str:
    """Fully bracketed; what is read becomes a name."""
    match expression:
        case Number(value):
            return repr(value) if value >= 0 else f"({value!r})"
        case Named(_, of):
            return _spell(of, readings, names)
        case Negative(operand):
            return f"(-{_spell(operand, readings, names)})"
        case Arithmetic(sign, left, right):
            return f"({_spell(left, readings, names)} {sign} {_spell(right, readings, names)})"
        case Call(name, arguments):
            return f"{name}({', '.join(_spell(argument, readings, names) for argument in arguments)})"
        case _:
            name = f"reading_{len(names)}"
            names[name] = readings[expression]
            return name
