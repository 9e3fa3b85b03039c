"""A rule test and the plans of its rules into what differed from its expectations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rules_engine.evaluation import Evaluator
from rules_engine.model.action import Action
from rules_engine.model.condition import walk_conditions
from rules_engine.model.expression import Position, WorkingOrders, walk
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Rule, rule_conditions
from rules_engine.model.rule_test import Expected, RuleTest
from rules_engine.model.tick import Tick
from rules_engine.model.tolerance import EDGE_S
from rules_engine.replay.timeline import draw

FEED_DOWN = "x"


@dataclass(frozen=True, slots=True)
class Difference:
    """At ``at_s`` after the start: an expectation that nothing met, or a firing that nothing expects."""

    at_s: float
    missing: Expected | None
    unexpected: Firing | None


@dataclass(frozen=True, slots=True)
class TestResult:
    """``report`` is empty when the test passed; otherwise its first difference on a timeline."""

    __test__ = False

    passed: bool
    differences: tuple[Difference, ...]
    report: str


def run_test(test: RuleTest, plans: Iterable[Plan]) -> TestResult:
    """Plays the test's prices to its rules. All of them run here, wherever they run otherwise."""
    chosen = [_here(plan) for plan in plans if plan.rule.name in test.rules]
    outcomes = _play(test, chosen)
    differences = tuple(_differences(test, [outcome for outcome in outcomes if isinstance(outcome, Firing)]))
    held_back = [outcome for outcome in outcomes if isinstance(outcome, HeldBack)]
    report = _report(test, differences, held_back) if differences else ""
    return TestResult(not differences, differences, report)


def _here(plan: Plan) -> Plan:
    return replace(plan, where=Where.HERE, held=())


def _play(test: RuleTest, plans: Sequence[Plan]) -> list[Outcome]:
    evaluator = Evaluator(plans, test.start_s)
    outcomes = [*evaluator.feed_up(test.start_s)]
    for plan in plans:
        outcomes += _start_flat(evaluator, plan.rule)
    down: set[str] = set()
    for step in range(_length(test)):
        now_s = test.start_s + step * test.every_s
        outcomes += evaluator.advance(now_s)
        outcomes += _switch_feeds(test, evaluator, step, now_s, down)
        for row in test.rows:
            cell = row.cells[step] if step < len(row.cells) else None
            if isinstance(cell, float | int) and row.instrument not in down:
                outcomes += evaluator.tick(Tick(row.instrument, now_s, row.field, float(cell)))
    last_s = max((expected.at_s for expected in test.expect), default=0.0)
    outcomes += evaluator.advance(test.start_s + last_s)
    return outcomes


def _start_flat(evaluator: Evaluator, rule: Rule) -> Iterable[Outcome]:
    conditions = (part for condition in rule_conditions(rule) for part in walk_conditions(condition))
    values = (part for condition in conditions for expression in condition.expressions() for part in walk(expression))
    for value in values:
        if isinstance(value, Position):
            yield from evaluator.position(value.instrument.name, 0.0)
        elif isinstance(value, WorkingOrders):
            evaluator.working(value.instrument.name, 0)


def _length(test: RuleTest) -> int:
    return max((len(row.cells) for row in test.rows), default=0)


def _switch_feeds(test: RuleTest, evaluator: Evaluator, step: int, now_s: float, down: set[str]) -> list[Outcome]:
    """An instrument is down while any of its rows says so."""
    lost = {row.instrument for row in test.rows if step < len(row.cells) and row.cells[step] == FEED_DOWN}
    outcomes: list[Outcome] = []
    for instrument in sorted(lost - down):
        outcomes += evaluator.feed_down(now_s, instrument)
    for instrument in sorted(down - lost):
        outcomes += evaluator.feed_up(now_s, instrument)
    down.clear()
    down.update(lost)
    return outcomes


def _differences(test: RuleTest, firings: Sequence[Firing]) -> Iterable[Difference]:
    """In order of time. At one instant the order of firings does not matter."""
    unexpected = list(firings)
    found = []
    for expected in test.expect:
        match = next((firing for firing in unexpected if _meets(firing, expected, test.start_s)), None)
        if match is None:
            found.append(Difference(expected.at_s, expected, None))
        else:
            unexpected.remove(match)
    found += [Difference(firing.at_s - test.start_s, None, firing) for firing in unexpected]
    return sorted(found, key=lambda difference: (difference.at_s, difference.missing is None))


def _meets(firing: Firing, expected: Expected, start_s: float) -> bool:
    return abs(firing.at_s - start_s - expected.at_s) <= 2 * EDGE_S and firing.actions == spelled(expected.actions)


def spelled(actions: Sequence[Action]) -> tuple[str, ...]:
    """Actions as firings spell them."""
    return tuple(map(str, actions))


def _report(test: RuleTest, differences: Sequence[Difference], held_back: Sequence[HeldBack]) -> str:
    first = differences[0]
    together = [difference for difference in differences if difference.at_s - first.at_s <= 2 * EDGE_S]
    missing = [difference.missing for difference in together if difference.missing is not None]
    fired = [difference.unexpected for difference in together if difference.unexpected is not None]
    stopped = [entry for entry in held_back if abs(entry.firing.at_s - test.start_s - first.at_s) <= 2 * EDGE_S]
    happened = [f"{firing.rule} fired: {'; '.join(firing.actions)}" for firing in fired]
    happened += [f"{entry.firing.rule} was held back: {entry.reason}" for entry in stopped]
    notes = (
        f"expected: {', '.join(expected.text for expected in missing) or 'nothing'}",
        f"happened: {', '.join(happened) or 'nothing'}",
    )
    return draw(test, first.at_s, notes, missing[0].place if missing else test.place)
