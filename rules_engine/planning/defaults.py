"""What the user left out and we filled in."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules_engine.conditions.trigger import Using
from rules_engine.model.action import Action, Bracket, OneCancelsAll, PlaceOrder
from rules_engine.model.condition import walk_conditions
from rules_engine.model.duration import spell_duration
from rules_engine.model.order import HeldPrice
from rules_engine.model.plan import HeldCase, Plan
from rules_engine.model.rule import IfMissed, Rule
from rules_engine.model.trigger_method import TriggerMethod


@dataclass(frozen=True, slots=True)
class Default:
    """A value that the user left out and we filled in, read back by `rules explain`."""

    key: str
    value: str


def defaults_of(plan: Plan) -> tuple[Default, ...]:
    """Every value that the rule does not spell and that decides what happens."""
    rule, held = plan.rule, plan.held
    return (*_of_life(rule), *_of_conditions(rule, held), *dict.fromkeys(_of_orders(rule, bool(held))))


def _of_life(rule: Rule) -> Iterator[Default]:
    values = {
        "once": f"{rule.once}".lower(),
        "cooldown": "none",
        "at_most": "no limit",
        "active": "always",
        "expires": "never",
        "if_already_true": f"{rule.if_already_true}",
        "on_gap": f"{rule.on_gap}",
        "if_missed": spell_if_missed(rule.if_missed),
        "stale_after": "none",
        "notify": "nobody",
        "run": f"{rule.run}",
        "timezone": rule.timezone,
    }
    return (Default(key, value) for key, value in values.items() if key not in rule.spelled)


def spell_if_missed(if_missed: IfMissed) -> str:
    """As the user would write it."""
    if not if_missed.act:
        return "tell"
    return "act" if if_missed.within_s is None else f"act within {spell_duration(if_missed.within_s)}"


def _of_conditions(rule: Rule, held: tuple[HeldCase, ...]) -> Iterator[Default]:
    conditions = [condition for case in held for leg in case.unit for condition in leg.conditions]
    if not conditions:
        return
    named = any(isinstance(part, Using) for case in rule.cases for part in walk_conditions(case.when))
    if not named and any(isinstance(c, HeldPrice) and c.method is TriggerMethod.LAST for c in conditions):
        yield Default("using", "last: IB watches the last price")
    yield Default("hours of the condition", "every print counts, outside regular hours too")


def _of_orders(rule: Rule, at_broker: bool) -> Iterator[Default]:
    actions = (action for case in rule.cases for action in case.actions)
    for order in (order for action in actions for order in _orders(action)):
        if order.time_in_force is None:
            yield Default("time in force", f"{_time_in_force(rule, at_broker)}: {_short(order)}")
        if not order.outside_hours:
            yield Default("outside hours", f"no: {_short(order)} works in regular hours only")
        if not order.quantity.of_equity:
            yield Default("quantity", "in shares or contracts")
    for bracket in (action for case in rule.cases for action in case.actions if isinstance(action, Bracket)):
        yield Default("time in force", f"good till cancelled: the exits of {_short(bracket.entry)}")


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


def _time_in_force(rule: Rule, at_broker: bool) -> str:
    if not at_broker:
        return "day"
    return f"good till {rule.expires}" if rule.expires_s is not None else "good till cancelled"


def _short(order: PlaceOrder) -> str:
    return f"{order.side} {order.quantity} {order.instrument.name} {order.pricing}"
