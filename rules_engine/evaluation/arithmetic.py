"""Expression trees into closures: unknown stays unknown, division by zero and overflow are unknown."""

import math
from collections.abc import Callable, Sequence

from rules_engine.model.expression import (
    Arithmetic,
    Call,
    Expression,
    Named,
    Negative,
    Number,
    Reading,
)
from rules_engine.model.judging import Value

Leaf = Callable[[Expression], Value]
Size = Callable[[], float]


def compile_value(of: Expression, leaf: Leaf) -> Value:
    """The expression as a closure; ``leaf`` reads what is not arithmetic."""
    match of:
        case Number(value):
            return lambda: value
        case Reading():
            return leaf(of)
        case Named(of=inner):
            return compile_value(inner, leaf)
        case Negative(operand):
            return _negative(compile_value(operand, leaf))
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, compile_value(left, leaf), compile_value(right, leaf))
        case Call(name, arguments):
            return _call(name, [compile_value(argument, leaf) for argument in arguments])
        case _:
            return leaf(of)


def _negative(operand: Value) -> Value:
    def read() -> float | None:
        value = operand()
        return None if value is None else -value

    return read


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    combine = _OPERATORS[operator]

    def read() -> float | None:
        first, second = left(), right()
        return None if first is None or second is None else combine(first, second)

    return read


def _divided(first: float, second: float) -> float | None:
    return first / second if second else None


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": lambda first, second: first + second,
    "-": lambda first, second: first - second,
    "*": lambda first, second: first * second,
    "/": _divided,
}


def _call(name: str, arguments: Sequence[Value]) -> Value:
    function = _FUNCTIONS[name]

    def read() -> float | None:
        values = [argument() for argument in arguments]
        known = [value for value in values if value is not None]
        return function(*known) if len(known) == len(values) and all(map(math.isfinite, known)) else None

    return read


def _round(value: float, digits: float = 0.0) -> float:
    return float(round(value, int(digits)))


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "floor": lambda value: float(math.floor(value)),
    "round": _round,
}


def compile_size(of: Sequence[Expression], leaf: Leaf) -> Size:
    """The largest term that is added or subtracted anywhere in the expressions; 0.0 when nothing is."""
    sizes = [size for expression in of if (size := _size(expression, leaf)) is not None]
    if not sizes:
        return _no_size
    if len(sizes) == 1:
        return sizes[0]
    return lambda: max(size() for size in sizes)


def _no_size() -> float:
    return 0.0


def _size(of: Expression, leaf: Leaf) -> Size | None:
    match of:
        case Number() | Reading():
            return None
        case Named(of=inner) | Negative(operand=inner):
            return _size(inner, leaf)
        case Arithmetic("+" | "-", left, right):
            return _largest([_magnitude(left, leaf), _magnitude(right, leaf)])
        case Arithmetic(operator, left, right) if _size(left, leaf) or _size(right, leaf):
            return _product(_magnitude(left, leaf), _factor(operator, right, leaf))
        case Call("abs" | "min" | "max", arguments):
            inner_sizes = [size for argument in arguments if (size := _size(argument, leaf))]
            return _largest(inner_sizes) if inner_sizes else None
        case _:
            return None


def _magnitude(of: Expression, leaf: Leaf) -> Size:
    """How large the value is, or was on the way."""
    value, inner = compile_value(of, leaf), _size(of, leaf)

    def read() -> float:
        known = value()
        return max(abs(known) if known is not None else 0.0, inner() if inner else 0.0)

    return read


def _factor(operator: str, of: Expression, leaf: Leaf) -> Size:
    if operator == "*":
        return _magnitude(of, leaf)
    value = compile_value(of, leaf)

    def read() -> float:
        divisor = value()
        return 1 / abs(divisor) if divisor else 0.0

    return read


def _largest(sizes: Sequence[Size]) -> Size:
    return lambda: max(size() for size in sizes)


def _product(left: Size, right: Size) -> Size:
    return lambda: left() * right()
