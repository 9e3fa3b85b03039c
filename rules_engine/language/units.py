"""What an expression is measured in: a price, a share of something, or neither for sure."""

from rules_engine.language.arithmetic import is_constant
from rules_engine.model.expression import (
    AccountField,
    AccountReading,
    Arithmetic,
    Call,
    Expression,
    Function,
    Named,
    Negative,
    Number,
    Reading,
    Series,
)
from rules_engine.model.instrument import Field


def is_share(of: Expression) -> bool:
    """Whether it is written as a percentage."""
    match of:
        case Reading(field=Field.CHANGE_TODAY) | AccountReading(AccountField.MARGIN_CUSHION):
            return True
        case _:
            return False


def is_percentage(of: Expression) -> bool:
    """Whether it is a number with a percent sign."""
    return isinstance(of, Number) and of.percent


def is_price(of: Expression) -> bool:
    """Whether it is surely a price, so that a percentage cannot be added to it. A ratio of prices is none."""
    match of:
        case Named(of=inner) | Negative(operand=inner):
            return is_price(inner)
        case Reading():
            return not is_share(of)
        case Series(function=function, of=inner):
            return function is not Function.ZSCORE and is_price(inner)
        case Arithmetic("+" | "-", left, right):
            return is_price(left) or is_price(right)
        case Arithmetic(_, left, right) if is_constant(right):
            return is_price(left)
        case Arithmetic("*", left, right) if is_constant(left):
            return is_price(right)
        case Call(arguments=arguments):
            return any(map(is_price, arguments))
        case _:
            return False
