"""What a rule reads, in its conditions and its orders."""

from collections.abc import Iterator

from rules_engine.conditions.execution import ExecutionIn
from rules_engine.conditions.trigger import Using
from rules_engine.model.action import Action, Bracket, OneCancelsAll, PlaceOrder
from rules_engine.model.condition import instruments_of, walk_conditions
from rules_engine.model.expression import AccountReading, Expression, Position, Reading, WorkingOrders, walk
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.rule import Rule, expressions_outside, rule_conditions


def values_of(rule: Rule) -> Iterator[Expression]:
    """Every value that the rule names, and every part of it."""
    for condition in rule_conditions(rule):
        for part in walk_conditions(condition):
            for expression in part.expressions():
                yield from walk(expression)
    for expression in expressions_outside(rule):
        yield from walk(expression)


def reads_account(rule: Rule) -> bool:
    """Whether its conditions or the sizes of its orders depend on the account's value."""
    sized = any(order.quantity.of_equity for case in rule.cases for action in case.actions for order in _orders(action))
    return sized or any(isinstance(value, AccountReading) for value in values_of(rule))


def is_intertwined(rule: Rule) -> bool:
    """Whether it depends on what became of orders."""
    executions = any(
        isinstance(part, ExecutionIn) for condition in rule_conditions(rule) for part in walk_conditions(condition)
    )
    held = any(isinstance(value, Position | WorkingOrders) for value in values_of(rule))
    return executions or held or reads_account(rule)


def fields_read(rule: Rule) -> Iterator[tuple[Instrument, Field]]:
    """The fields of each instrument that the rule needs to hear. Bars are made of the default one."""
    for value in values_of(rule):
        if isinstance(value, Reading):
            yield value.instrument, value.field
        if isinstance(value, Reading) and value.bar_s is not None:
            yield value.instrument, value.instrument.default_field
    for condition in rule_conditions(rule):
        for instrument in instruments_of(condition):
            yield instrument, instrument.default_field
        for part in walk_conditions(condition):
            if isinstance(part, Using):
                quotes = {part.method.quote(True), part.method.quote(False)} - {None}
                yield from ((of, quote) for of in instruments_of(part) for quote in quotes if quote is not None)


def _orders(action: Action) -> tuple[PlaceOrder, ...]:
    match action:
        case PlaceOrder():
            return (action,)
        case Bracket(entry):
            return (entry,)
        case OneCancelsAll(orders):
            return orders
        case _:
            return ()
