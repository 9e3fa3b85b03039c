"""What a well-formed sentence must still hold to mean something."""

from collections.abc import Iterator

from rules_engine.conditions.band import BandEvent, BandState
from rules_engine.conditions.bar_close import OnBarClose
from rules_engine.conditions.comparison import Comparison
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.trigger import Using
from rules_engine.language.arithmetic import constant_value, is_constant
from rules_engine.language.codes import Code
from rules_engine.language.fault import Fault
from rules_engine.language.units import is_share
from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.expression import Expression, Number, Reading, spell_number, walk

_COMPARING = frozenset({Comparison, Crossing, BandState, BandEvent})
_QUALIFYING = frozenset({Using, OnBarClose})


def check_sentence(condition: Condition, start: int, end: int) -> Iterator[Fault]:
    """What is wrong with one sentence that stands from ``start`` to ``end``."""
    expressions = condition.expressions()
    if expressions and all(map(is_constant, expressions)):
        message = "this reads neither the market, the account nor the clock"
        yield Fault(start, end, Code.READS_NOTHING, message, "compare an instrument, as in 'V > 200'")
    kind = type(condition)
    if kind in _COMPARING:
        yield from _units(expressions, start, end)
    if kind in _QUALIFYING and _QUALIFYING.issubset(map(type, walk_conditions(condition))):
        message = "'on bar close' looks at the closes of bars and 'using' at quotes: one sentence cannot do both"
        hint = "write 'V > 200 on bar close 5m', or 'V > 200 using double last'"
        yield Fault(start, end, Code.NOT_A_PRICE_CONDITION, message, hint)
    elif isinstance(condition, Using):
        yield from _using(condition, start, end)


def _units(sides: tuple[Expression, ...], start: int, end: int) -> Iterator[Fault]:
    shares = [side for side in sides if is_share(side)]
    prices = [side for side in sides if isinstance(side, Reading) and not is_share(side)]
    for level in (side for side in sides if is_constant(side)):
        percent = any(isinstance(part, Number) and part.percent for part in walk(level))
        if shares and not percent and (value := constant_value(level)):
            message = f"'{shares[0]}' is compared with a number that has no unit"
            yield Fault(start, end, Code.UNIT_MISSING, message, f"write '{spell_number(value)}%'")
        elif prices and percent and isinstance(level, Number):
            message = f"'{prices[0]}' is a price and is compared with a percentage"
            yield Fault(start, end, Code.UNIT_MISMATCH, message, "write a price, or read '.change_today'")


def _using(condition: Using, start: int, end: int) -> Iterator[Fault]:
    readings = [
        part
        for inner in walk_conditions(condition.of)
        for expression in inner.expressions()
        for part in walk(expression)
        if isinstance(part, Reading)
    ]
    nested = any(isinstance(inner, Using) for inner in walk_conditions(condition.of))
    hint = "write 'V > 200 using double last'"
    if not readings or nested:
        message = "'using' says which quotes a price is taken from, and this names no bare price"
        yield Fault(start, end, Code.NOT_A_PRICE_CONDITION, message, hint)
        return
    for inner in walk_conditions(condition.of):
        if isinstance(inner, BandEvent) and condition.method.is_two_sided:
            word = "enters" if inner.entering else "leaves"
            message = f"'{condition.method}' sees a rise in the bid and a fall in the ask, and '{word}' is either"
            hint = f"write '{inner.level()} using {condition.method}': a rule fires when that becomes true"
            yield Fault(start, end, Code.NOT_A_PRICE_CONDITION, message, hint)
            return
    watched = {condition.method.quote(rising) for rising in (True, False)}
    for reading in readings:
        if reading.field is not reading.instrument.default_field and reading.field not in watched:
            message = f"'{condition.method}' does not look at '{reading}'"
            yield Fault(start, end, Code.NOT_A_PRICE_CONDITION, message, hint)
            return
