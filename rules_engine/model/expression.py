"""Values that rules compute: readings of the market and the account, arithmetic, and functions over a past."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rules_engine.model.duration import spell_duration
from rules_engine.model.instrument import Field, Instrument


class AccountField(StrEnum):
    """A figure of the account, money in its base currency."""

    EQUITY = "equity"
    DAILY_PNL = "daily_pnl"
    BUYING_POWER = "buying_power"
    MARGIN_CUSHION = "margin_cushion"
    """Excess liquidity as a share of equity: 0.15 is fifteen percent."""


class Function(StrEnum):
    """What is reckoned over the bars or prints of a window."""

    SMA = "sma"
    STDEV = "stdev"
    HIGHEST = "highest"
    LOWEST = "lowest"
    ZSCORE = "zscore"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written; ``percent`` only remembers that 0.05 was spelled 5%."""

    value: float
    percent: bool = False

    def __str__(self) -> str:
        return f"{spell_number(self.value * 100)}%" if self.percent else spell_number(self.value)


@dataclass(frozen=True, slots=True)
class Reading:
    """`V.bid`, or `V[15m].high`: a field of the newest completed bar when ``bar_s`` is given."""

    instrument: Instrument
    field: Field
    bar_s: float | None = None

    def __str__(self) -> str:
        bars = f"[{spell_duration(self.bar_s)}]" if self.bar_s else ""
        field = "" if self.field is self.instrument.default_field else f".{self.field}"
        return f"{self.instrument.name}{bars}{field}"


@dataclass(frozen=True, slots=True)
class AccountReading:
    """`account.equity`: the newest figure that IB told."""

    field: AccountField

    def __str__(self) -> str:
        return f"account.{self.field}"


@dataclass(frozen=True, slots=True)
class Position:
    """`position(MA)`: shares or contracts held, negative when short."""

    instrument: Instrument

    def __str__(self) -> str:
        return f"position({self.instrument.name})"


@dataclass(frozen=True, slots=True)
class WorkingOrders:
    """`working_orders(MA)`: how many of our orders in it can still fill."""

    instrument: Instrument

    def __str__(self) -> str:
        return f"working_orders({self.instrument.name})"


@dataclass(frozen=True, slots=True)
class Negative:
    """`-V`."""

    operand: "Expression"

    def __str__(self) -> str:
        return f"-{_wrapped(self.operand, 3)}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``operator`` is one of + - * /."""

    operator: str
    left: "Expression"
    right: "Expression"

    def __str__(self) -> str:
        level = _LEVELS[self.operator]
        right = _wrapped(self.right, level + 1)
        return f"{_wrapped(self.left, level)} {self.operator} {right}"


@dataclass(frozen=True, slots=True)
class Call:
    """``name`` is one of abs, min, max, floor, round."""

    name: str
    arguments: tuple["Expression", ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Series:
    """A function over the past of ``of``: ``duration_s`` of prints, or ``bar_count`` completed bars of ``bar_s``."""

    function: Function
    of: "Expression"
    duration_s: float | None = None
    bar_count: int | None = None
    bar_s: float | None = None

    def __str__(self) -> str:
        over = str(self.bar_count) if self.duration_s is None else spell_duration(self.duration_s)
        return f"{self.function}({self.of}, {over})"


@dataclass(frozen=True, slots=True)
class Named:
    """A value that the rule named under `let`."""

    name: str
    of: "Expression"

    def __str__(self) -> str:
        return self.name


Expression = (
    Number | Reading | AccountReading | Position | WorkingOrders | Negative | Arithmetic | Call | Series | Named
)

_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2}


def _wrapped(inner: Expression, level: int) -> str:
    outranked = isinstance(inner, Arithmetic) and _LEVELS[inner.operator] < level
    return f"({inner})" if outranked else str(inner)


def spell_number(value: float) -> str:
    """The shortest plain decimal: 200.0 is `200`; rounding dust below a part in 1e12 is dropped."""
    text = format(Decimal(f"{value:.12g}"), "f")
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if plain == "-0" else plain


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside this one."""
    # Asked of every part of every rule, and three times as quick as a match.
    if isinstance(expression, Number | Reading):
        return ()
    if isinstance(expression, Arithmetic):
        return expression.left, expression.right
    if isinstance(expression, Series | Named):
        return (expression.of,)
    if isinstance(expression, Negative):
        return (expression.operand,)
    return expression.arguments if isinstance(expression, Call) else ()


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside it, outermost first."""
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        yield one
        if inside := parts(one):
            waiting += inside[::-1]


def instruments_in(expression: Expression) -> frozenset[Instrument]:
    """Every instrument whose prints can change this value."""
    return frozenset(part.instrument for part in walk(expression) if isinstance(part, Reading))
