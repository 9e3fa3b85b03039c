"""Columns read of the market what the judges of the streaming evaluator read."""

import random

import pytest

from rules_engine.evaluation.columnar.leaves import leaves_of, silent_in
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.view import Uses, View
from rules_engine.model.condition import Condition
from rules_engine.model.instrument import Field
from rules_engine.model.rule import rule_conditions
from tests.evaluation.tape import tapes
from tests.replay.sentences import Sentences


def check(condition: Condition) -> None:
    """Ticks at which it is judged, and series of which it reads windows."""
    uses = Uses()
    condition.judge(View(Market(0.0), uses))
    leaves = list(leaves_of(condition))
    judged = {(name, field) for name, field in uses.keys if isinstance(field, Field)}
    assert {key for leaf in leaves for key in leaf.reads} == judged, condition
    assert silent_in(condition) == {name for name, field in uses.keys if field is None and name.isidentifier()}, (
        condition
    )
    assert {of for leaf in leaves for of, _, _ in leaf.windows} == {of for of, _ in uses.streams}, condition


@pytest.mark.parametrize(
    "condition", {str(one): one for tape in tapes() for one in rule_conditions(tape.plan.rule)}.values(), ids=str
)
def test_conditions_of_tapes_read_the_same(condition: Condition) -> None:
    check(condition)


@pytest.mark.parametrize("seed", range(60))
def test_random_conditions_read_the_same(seed: int) -> None:
    _, _, plans = Sentences(random.Random(seed), builds=seed % 2 > 0).rules()
    for plan in plans:
        for condition in rule_conditions(plan.rule):
            check(condition)
