"""A rule's conditions and orders into what IB holds for it, or every word that prevents it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rules_engine.conditions.logic import All, Any, Not
from rules_engine.model.action import Notify, OneCancelsAll, Remaining
from rules_engine.model.condition import Condition
from rules_engine.model.holding import BRANCHES_MAX, Holding, Obstacle, Terms
from rules_engine.model.order import HeldCondition, HeldPercentChange, HeldPrice, HeldVolume, OrderDraft, Unit
from rules_engine.model.plan import HeldCase
from rules_engine.model.rule import IfAlreadyTrue, Rule
from rules_engine.planning.obstacles import obstacles_of_life
from rules_engine.planning.orders import Order, group_orders, held_orders

Branch = tuple[HeldCondition, ...]


@dataclass(frozen=True, slots=True)
class _HeldCase:
    """One case of the rule: each branch sends every order."""

    branches: tuple[Branch, ...]
    orders: tuple[Order, ...]


def place(rule: Rule, terms: Terms) -> tuple[tuple[HeldCase, ...], tuple[Obstacle, ...]]:
    """What to send to IB for the rule; or nothing, and every obstacle in the order of the rule's words."""
    cases, obstacles = _held_cases(rule, terms)
    obstacles = (*obstacles, *obstacles_of_life(rule))
    if not obstacles:
        obstacles = (*_too_wide(rule, cases), *_never_armed(rule, cases, terms))
    if obstacles:
        return (), tuple(dict.fromkeys(obstacles))
    arming = _arming(rule, at_once=_begins_at_once(rule))
    again = None if rule.once else _arming(rule, at_once=False)
    return (HeldCase(0, arming, _unit(cases), None if again == arming else again),), ()


def _held_cases(rule: Rule, terms: Terms) -> tuple[list[_HeldCase], tuple[Obstacle, ...]]:
    cases: list[_HeldCase] = []
    obstacles: list[Obstacle] = []
    for case in rule.cases:
        held = case.when.held(terms)
        orders, needs = held_orders(case.actions, rule, terms)
        if isinstance(held, Holding):
            cases.append(_HeldCase(held.branches, orders))
        else:
            obstacles += held
        obstacles += needs
    return cases, tuple(obstacles)


def _too_wide(rule: Rule, cases: Sequence[_HeldCase]) -> list[Obstacle]:
    """What does not fit into one group per order."""
    found = []
    branches = sum(len(case.branches) for case in cases)
    words = " or ".join(case.text or str(case.when) for case in rule.cases)
    if branches > BRANCHES_MAX:
        found.append(Obstacle(words, f"would need {branches} orders at IB; at most {BRANCHES_MAX} are held"))
    if branches > 1:
        actions = chain.from_iterable(case.actions for case in rule.cases)
        found += [
            Obstacle("remaining: reduce", "cannot share its group with the branches of `or`")
            for action in actions
            if isinstance(action, OneCancelsAll) and action.remaining is Remaining.REDUCE
        ]
    if len(cases) > 1 and any(len(case.orders) > 1 for case in cases):
        found.append(Obstacle("cases", "with several orders each would cancel their own: a group lets one live"))
    channels = {tuple(action for action in case.actions if isinstance(action, Notify)) for case in rule.cases}
    if len(channels) > 1:
        found.append(Obstacle("notify", "differs from case to case, and the cases share one group at IB"))
    return found


def _never_armed(rule: Rule, cases: Sequence[_HeldCase], terms: Terms) -> list[Obstacle]:
    """Branches of which one is always true: no price is on the other side of all of them."""
    if _arming(rule, at_once=_begins_at_once(rule)) is None:
        return []
    levels = [branch[0] for case in cases for branch in case.branches if len(branch) == 1]
    for rising in levels:
        for falling in levels:
            if _always_one(rising, falling, terms):
                words = " or ".join(case.text or str(case.when) for case in rule.cases)
                return [Obstacle(words, "is never wholly false, so there is no moment to send its orders")]
    return []


def _always_one(rising: HeldCondition, falling: HeldCondition, terms: Terms) -> bool:
    """Whether every value meets one of the two levels."""
    match rising, falling:
        case HeldPrice(a, True, high), HeldPrice(b, False, low) if a == b:
            return high - low <= (terms.price_step(a) or 0)
        case HeldVolume(a, True, more), HeldVolume(b, False, less) if a == b:
            return more - less <= 1
        case HeldPercentChange(a, True, up), HeldPercentChange(b, False, down) if a == b:
            return up <= down
        case _:
            return False


def _begins_at_once(rule: Rule) -> bool:
    """Whether a state that holds when the rule is armed is met by that."""
    return rule.if_already_true is IfAlreadyTrue.FIRE


def _arming(rule: Rule, *, at_once: bool) -> Condition | None:
    """What must be seen here before the orders may wait at IB, whose conditions are levels and never crossings."""
    sides = [side for case in rule.cases for side in _other_sides(case.when, at_once)]
    return All(tuple(sides)) if len(sides) > 1 else sides[0] if sides else None


def _other_sides(condition: Condition, at_once: bool) -> list[Condition]:
    if isinstance(condition, Any):
        return [side for part in condition.conditions for side in _other_sides(part, at_once)]
    if at_once and not condition.is_event:
        return []
    level = condition.level()
    assert level is not None, "a condition that IB holds has a level"
    return [opposite(level)]


def opposite(condition: Condition) -> Condition:
    """`not` of a state, said without `not` where that says the same."""
    if isinstance(condition, All):
        return Any(tuple(map(opposite, condition.conditions)))
    if isinstance(condition, Any):
        return All(tuple(map(opposite, condition.conditions)))
    return condition.opposite() or Not(condition)


def _unit(cases: Sequence[_HeldCase]) -> Unit:
    """One order a branch. Branches of one order, and cases of one rule, cancel each other through one group."""
    branches = sum(len(case.branches) for case in cases)
    legs: list[OrderDraft] = []
    for case in cases:
        for branch in case.branches:
            for index, order in enumerate(case.orders):
                grouped = order.is_group or branches > 1
                sent = group_orders(order, str(index + 1)) if grouped else order
                legs += _conditional(sent, branch, len(legs))
    return tuple(legs)


def _conditional(order: Order, branch: Branch, first: int) -> list[OrderDraft]:
    """Conditions belong to the entries: exits wait for theirs."""
    return [
        replace(leg, conditions=branch) if leg.parent is None else replace(leg, parent=first + leg.parent)
        for leg in order.legs
    ]
