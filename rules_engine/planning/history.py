"""The past that a rule needs from IB before it can judge, and what it orders in."""

from collections.abc import Iterator
from dataclasses import replace

from rules_engine.conditions.bar_close import OnBarClose
from rules_engine.conditions.change import Change
from rules_engine.conditions.lasting import Lasting
from rules_engine.conditions.move import Move
from rules_engine.model.action import ordered_instruments
from rules_engine.model.condition import Condition, instruments_of
from rules_engine.model.expression import Expression, Reading, Series, parts
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.plan import History
from rules_engine.model.rule import Rule, expressions_outside, rule_conditions

_OF_BARS = frozenset({Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE})

_PRINT_BEFORE_S = 300.0
"""A change compares with the last print before its window, an event with the one before it: long enough for most."""


def orders_in(rule: Rule) -> frozenset[Instrument]:
    """The instruments that the rule may order in."""
    actions = (action for case in rule.cases for action in case.actions)
    return frozenset(instrument for action in actions for instrument in ordered_instruments(action))


def history_of(rule: Rule) -> tuple[History, ...]:
    """The longest past a rule needs of each instrument, field and bar length."""
    longest: dict[tuple[str, Field, float], History] = {}
    found = [need for condition in rule_conditions(rule) for need in _of_condition(condition, 0.0, rule)]
    found += [need for expression in expressions_outside(rule) for need in _of_expression(expression, 0.0, rule)]
    for need in found:
        key = (need.instrument.name, need.field, need.bar_s)
        seen = longest.setdefault(key, need)
        if seen is not need:
            longest[key] = replace(
                seen,
                duration_s=max(seen.duration_s, need.duration_s),
                bar_count=max(seen.bar_count, need.bar_count),
            )
    return tuple(longest[key] for key in sorted(longest))


def _of_condition(condition: Condition, before_s: float, rule: Rule) -> Iterator[History]:
    """What a condition needs to be judged at any time from ``before_s`` ago until now."""
    match condition:
        case Move(of=of, window_s=window_s):
            yield from _of_expression(of, before_s + window_s, rule)
        case Change(of=of, window_s=window_s):
            yield from _of_expression(of, before_s + window_s + _PRINT_BEFORE_S, rule)
        case Lasting(of, duration_s):
            # An event shows in the print before it too.
            since_s = duration_s + _PRINT_BEFORE_S if of.is_event else duration_s
            yield from _of_condition(of, before_s + since_s, rule)
        case OnBarClose(of, bar_s):
            yield from _closes(of, bar_s)
            yield from _of_condition(of, before_s, rule)
        case _:
            for expression in condition.expressions():
                yield from _of_expression(expression, before_s, rule)
            for part in condition.parts():
                yield from _of_condition(part, before_s, rule)


def _closes(condition: Condition, bar_s: float) -> Iterator[History]:
    for instrument in sorted(instruments_of(condition), key=str):
        yield History(instrument, instrument.default_field, bar_count=1, bar_s=bar_s)


def _of_expression(expression: Expression, before_s: float, rule: Rule) -> Iterator[History]:
    match expression:
        case Reading(instrument, field, bar_s) if bar_s:
            yield History(instrument, _printed(instrument, field), bar_count=1, bar_s=bar_s)
        case Reading(instrument, field) if before_s:
            yield History(instrument, field, duration_s=before_s)
        case Series(of=of, duration_s=duration_s) if duration_s is not None:
            yield from _of_expression(of, before_s + duration_s, rule)
        case Series():
            yield from _bars(expression, rule)
        case _:
            for part in parts(expression):
                yield from _of_expression(part, before_s, rule)


def _bars(series: Series, rule: Rule) -> Iterator[History]:
    """``bar_count`` bars of each reading inside, or of the length that the reading itself names."""
    count = series.bar_count or 0
    for reading in _readings(series.of):
        bar_s = reading.bar_s or series.bar_s or rule.bars_s or 0.0
        field = _printed(reading.instrument, reading.field)
        yield History(reading.instrument, field, bar_count=count, bar_s=bar_s)


def _readings(expression: Expression) -> Iterator[Reading]:
    if isinstance(expression, Reading):
        yield expression
    for part in parts(expression):
        yield from _readings(part)


def _printed(instrument: Instrument, field: Field) -> Field:
    """A bar's open, high, low and close all come from the prints of one field."""
    return instrument.default_field if field in _OF_BARS else field
