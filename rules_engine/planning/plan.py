"""Rules into plans: where each one runs, and every reason for that."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from rules_engine.conditions.logic import All, Any
from rules_engine.model.condition import Condition
from rules_engine.model.holding import Held, Holding, Obstacle, Terms
from rules_engine.model.place import Problem
from rules_engine.model.plan import HeldCase, Plan, Where
from rules_engine.model.rule import Rule, Run
from rules_engine.model.slices import Slices, at_once
from rules_engine.planning.fields import fields_of
from rules_engine.planning.history import history_of, orders_in
from rules_engine.planning.order_words import condition_words
from rules_engine.planning.placement import place
from rules_engine.planning.reads import reads_of

CANNOT_BE_HELD = "R501"


def plan(rule: Rule, *, price_steps: Mapping[str, Decimal] | None = None, at_broker_allowed: bool = True) -> Plan:
    """Where the rule runs. ``price_steps`` are those of contract details, by instrument name.

    A rule that says `at broker` and cannot be gets a plan to run here; `plan_all` turns that into a problem.
    """
    held, obstacles = place(rule, Terms(price_steps or {}))
    if obstacles:
        return _planned(rule, Where.HERE, tuple(map(str, obstacles)))
    if rule.run is Run.HERE:
        return _planned(rule, Where.HERE, ("you wrote 'run: here'",))
    if not at_broker_allowed:
        return _planned(rule, Where.HERE, ("there is no broker to hold it: this engine has no connection to IB",))
    return _planned(rule, Where.AT_BROKER, _merits(rule, Terms(price_steps or {})), held)


def plan_all(
    rules: Iterable[Rule], *, price_steps: Mapping[str, Decimal] | None = None, at_broker_allowed: bool = True
) -> tuple[tuple[Plan, ...], tuple[Problem, ...]]:
    """The plans, and a problem for each rule that says `at broker` and cannot be, naming each word that prevents it."""
    return at_once(planning(rules, {}, price_steps=price_steps, at_broker_allowed=at_broker_allowed))


def planning(
    rules: Iterable[Rule],
    known: Mapping[str, Plan],
    *,
    price_steps: Mapping[str, Decimal] | None = None,
    at_broker_allowed: bool = True,
) -> Slices[tuple[tuple[Plan, ...], tuple[Problem, ...]]]:
    """The same in slices. ``known`` are plans made on the same terms: a rule that is still the same object keeps its
    own."""
    plans: list[Plan] = []
    problems: list[Problem] = []
    for rule in rules:
        before = known.get(rule.name)
        if before is not None and before.rule is rule:
            plans.append(before)
        else:
            plans.append(plan(rule, price_steps=price_steps, at_broker_allowed=at_broker_allowed))
        if rule.run is Run.AT_BROKER and (problem := _refused(rule, Terms(price_steps or {}))) is not None:
            problems.append(problem)
        yield
    return tuple(plans), tuple(problems)


def _planned(rule: Rule, where: Where, reasons: tuple[str, ...], held: tuple[HeldCase, ...] = ()) -> Plan:
    reads = reads_of(rule)
    return Plan(
        rule=rule,
        where=where,
        reasons=reasons,
        held=held,
        reads=reads.instruments,
        fields=fields_of(rule, reads),
        orders_in=orders_in(rule),
        history=history_of(rule),
    )


def _merits(rule: Rule, terms: Terms) -> tuple[str, ...]:
    """Why IB can hold it: its conditions one by one, then the rest."""
    asked = ("you wrote 'run: at broker'",) if rule.run is Run.AT_BROKER else ()
    leaves = dict.fromkeys(leaf for case in rule.cases for leaf in _leaves(case.when))
    conditions = (_merit(leaf, leaf.held(terms)) for leaf in leaves)
    actions = dict.fromkeys(str(action) for case in rule.cases for action in case.actions)
    orders = f"'{'; '.join(actions)}' is known in full beforehand"
    return (*asked, *conditions, orders, "no word of the rule needs us at the moment of firing")


def _leaves(condition: Condition) -> Iterator[Condition]:
    """The sentences that `and` and `or` join."""
    if not isinstance(condition, All | Any):
        yield condition
        return
    for part in condition.conditions:
        yield from _leaves(part)


def _merit(leaf: Condition, held: Held) -> str:
    assert isinstance(held, Holding), "a rule is held with every sentence in it"
    ways = (" and ".join(map(condition_words, branch)) for branch in held.branches)
    return f"'{leaf}' can be held by IB: {', or '.join(ways)}"


def _refused(rule: Rule, terms: Terms) -> Problem | None:
    _, obstacles = place(rule, terms)
    if not obstacles:
        return None
    return Problem(
        place=rule.run_place or rule.place,
        code=CANNOT_BE_HELD,
        message=f"'run: at broker' is not possible for {rule.name}: {_sentence(obstacles)}",
        hint="write 'run: auto', or leave these words out",
    )


def _sentence(obstacles: Iterable[Obstacle]) -> str:
    return "; ".join(map(str, obstacles))
