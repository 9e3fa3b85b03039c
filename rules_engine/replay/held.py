"""What a firing sends, as the place where its rule would run makes it."""

from collections.abc import Sequence
from dataclasses import replace

from rules_engine.model.action import Action, Bracket, Duration, OneCancelsAll, PlaceOrder, TimeInForce
from rules_engine.model.plan import Plan, Where

_GOOD_TILL_CANCELLED = TimeInForce(Duration.GOOD_TILL_CANCELLED)


def as_sent(plan: Plan, case: int) -> Sequence[Action]:
    """The actions of the case. Orders that would wait at the broker outlast the day unless they say otherwise."""
    actions = plan.rule.cases[case].actions
    return [_lasting(action) for action in actions] if plan.where is Where.AT_BROKER else actions


def _lasting(action: Action) -> Action:
    match action:
        case PlaceOrder(time_in_force=None):
            return replace(action, time_in_force=_GOOD_TILL_CANCELLED)
        case Bracket(entry=PlaceOrder(time_in_force=None) as entry):
            return replace(action, entry=replace(entry, time_in_force=_GOOD_TILL_CANCELLED))
        case OneCancelsAll(orders):
            lasting = (replace(order, time_in_force=order.time_in_force or _GOOD_TILL_CANCELLED) for order in orders)
            return replace(action, orders=tuple(lasting))
        case _:
            return action
