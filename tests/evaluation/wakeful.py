"""The obvious twin of an evaluator that lets rules sleep: each of them is judged at every print."""

from collections.abc import Sequence
from unittest.mock import patch

from rules_engine.evaluation import Evaluator
from rules_engine.evaluation.watch import Watch
from rules_engine.model.life import Life, Outcome
from rules_engine.model.plan import Plan
from tests.evaluation.market import START_S

Step = tuple[str, tuple[object, ...]]
"""What the evaluator is asked, and with which words."""


def compare(seed: int, rules: Sequence[Plan], steps: Sequence[Step]) -> Sequence[Sequence[Outcome]]:
    """What came of each step, which is the same with and without sleep, as is what is remembered in the end."""
    fast, fast_lives = _played(rules, steps)
    with patch.object(Watch, "is_settled", lambda watch: False):
        slow, slow_lives = _played(rules, steps)
    for number, (mine, twin) in enumerate(zip(fast, slow, strict=True)):
        assert mine == twin, (seed, number, steps[number])
    assert fast_lives == slow_lives
    return slow


def _played(rules: Sequence[Plan], steps: Sequence[Step]) -> tuple[list[list[Outcome]], dict[str, Life]]:
    evaluator = Evaluator(rules, START_S)
    found = []
    for what, words in steps:
        outcomes = getattr(evaluator, what)(*words)
        found.append([] if what == "lives" else list(outcomes or ()))
    return found, dict(evaluator.lives())
