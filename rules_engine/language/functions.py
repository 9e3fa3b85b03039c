"""Calls inside expressions: arithmetic, counts of our own, and functions over a past."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules_engine.conditions.phrase import Misspoken
from rules_engine.language.arithmetic import constant_value
from rules_engine.language.codes import Code
from rules_engine.language.grammar import ARITHMETIC_FUNCTIONS, COUNTING_FUNCTIONS, LATER_FUNCTIONS
from rules_engine.language.nearest import did_you_mean
from rules_engine.model.expression import (
    AccountReading,
    Call,
    Expression,
    Function,
    Number,
    Position,
    Reading,
    Series,
    WorkingOrders,
    walk,
)

BAR_COUNT_MAX = 5_000
FUNCTION_WORDS = frozenset({*ARITHMETIC_FUNCTIONS, *COUNTING_FUNCTIONS, *(function.value for function in Function)})
_SERIES = frozenset(function.value for function in Function)
_NEEDS_TWO = frozenset({Function.STDEV, Function.ZSCORE})


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time among the arguments of a call."""

    seconds: float


class BadCall(Misspoken):
    """A call that means nothing, with the code of its problem."""

    def __init__(self, code: Code, message: str, hint: str, part: int | None = None) -> None:
        super().__init__(message, hint, part)
        self.code = code


def read_call(name: str, arguments: Sequence[Expression | Span], bars_s: float | None) -> Expression:
    """The expression that ``name(arguments)`` stands for; ``bars_s`` are the rule's bars."""
    if name in ARITHMETIC_FUNCTIONS:
        return _arithmetic(name, arguments)
    if name in COUNTING_FUNCTIONS:
        return _counting(name, arguments)
    if name in _SERIES:
        return _series(Function(name), arguments, bars_s)
    if name in LATER_FUNCTIONS:
        raise BadCall(Code.NOT_IN_THIS_VERSION, f"'{name}' is not in this version", "use sma, stdev or zscore", 0)
    hint = did_you_mean(name, FUNCTION_WORDS, f"there are {', '.join(sorted(FUNCTION_WORDS))}")
    raise BadCall(Code.UNKNOWN_FUNCTION, f"there is no function '{name}'", hint, 0)


def _arithmetic(name: str, arguments: Sequence[Expression | Span]) -> Call:
    least, most = ARITHMETIC_FUNCTIONS[name]
    values = tuple(argument for argument in arguments if not isinstance(argument, Span))
    if len(values) != len(arguments):
        raise BadCall(Code.WRONG_ARGUMENTS, f"'{name}' takes no length of time", f"write {name}(V)")
    if not least <= len(values) <= most:
        takes = "one value" if most == 1 else f"{least} to {most} values"
        raise BadCall(Code.WRONG_ARGUMENTS, f"'{name}' takes {takes}, not {len(values)}", "add or remove values")
    if name == "round" and len(values) == 2:
        _refuse_odd_digits(values[1])
    return Call(name, values)


def _refuse_odd_digits(digits: Expression) -> None:
    count = constant_value(digits)
    if count is None or count not in range(10):
        raise BadCall(Code.WRONG_ARGUMENTS, "'round' takes a whole number of digits, 0 to 9", "write round(V, 2)", 2)


def _counting(name: str, arguments: Sequence[Expression | Span]) -> Expression:
    match arguments:
        case [Reading(instrument, field, None)] if field is instrument.default_field:
            return Position(instrument) if name == "position" else WorkingOrders(instrument)
        case _:
            raise BadCall(Code.WRONG_ARGUMENTS, f"'{name}' takes one instrument", f"write {name}(MA)")


def _series(function: Function, arguments: Sequence[Expression | Span], bars_s: float | None) -> Series:
    of, over = arguments if len(arguments) == 2 else (None, None)
    if of is None or over is None or isinstance(of, Span):
        hint = f"write {function}(V, 20) or {function}(V, 5m)"
        raise BadCall(Code.WRONG_ARGUMENTS, f"'{function}' takes a value, and a bar count or a length of time", hint)
    _refuse_unrecorded(of, function)
    inline = {part.bar_s for part in walk(of) if isinstance(part, Reading) and part.bar_s is not None}
    if isinstance(over, Span):
        return _over_duration(function, of, over, inline)
    return Series(function, of, bar_count=_bar_count(over, function), bar_s=_bars(of, function, inline, bars_s))


def _over_duration(function: Function, of: Expression, over: Span, inline: set[float]) -> Series:
    if inline:
        hint = "write a count of bars, as in sma(V[15m], 20), or leave the bars out"
        raise BadCall(Code.BAD_SERIES, "a length of time counts prints, not bars", hint, 1)
    return Series(function, of, duration_s=over.seconds)


def _refuse_unrecorded(of: Expression, function: Function) -> None:
    parts = list(walk(of))
    if any(isinstance(part, Series) for part in parts):
        raise BadCall(Code.BAD_SERIES, f"'{function}' of another series", "give it prices, as in sma(V, 20)", 1)
    if any(isinstance(part, AccountReading | Position | WorkingOrders) for part in parts):
        raise BadCall(Code.BAD_SERIES, "the account has no recorded past", "give it prices, as in sma(V, 20)", 1)
    if not any(isinstance(part, Reading) for part in parts):
        raise BadCall(Code.BAD_SERIES, f"'{function}' needs an instrument", "give it prices, as in sma(V, 20)", 1)


def _bar_count(over: Expression, function: Function) -> int:
    least = 2 if function in _NEEDS_TWO else 1
    if not isinstance(over, Number) or over.percent or over.value != int(over.value):
        raise BadCall(Code.WRONG_ARGUMENTS, "how many bars must be a whole number", f"write {function}(V, 20)", 2)
    if not least <= over.value <= BAR_COUNT_MAX:
        raise BadCall(Code.WRONG_ARGUMENTS, f"'{function}' takes {least} to {BAR_COUNT_MAX} bars", "change it", 2)
    return int(over.value)


def _bars(of: Expression, function: Function, inline: set[float], bars_s: float | None) -> float:
    plain = any(isinstance(part, Reading) and part.bar_s is None for part in walk(of))
    sizes = inline | ({bars_s} if plain and bars_s is not None else set())
    if not sizes or (plain and bars_s is None):
        hint = f"write 'bars: 15m' on the rule, {function}(V[15m], 20), or a length of time"
        raise BadCall(Code.BARS_MISSING, f"'{function}' counts bars, and nothing says which", hint)
    if len(sizes) > 1:
        raise BadCall(Code.BAD_SERIES, f"'{function}' mixes bars of different lengths", "use one length", 1)
    return sizes.pop()
