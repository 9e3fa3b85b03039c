"""A name that means another contract: nothing of the old one counts, and the step between the two is no move."""

from collections.abc import Sequence

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.rule import OnGap
from rules_engine.model.tick import Tick
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import plan

STEP = 10.0


def fired(outcomes: Sequence[Outcome]) -> bool:
    return any(isinstance(one, Firing) for one in outcomes)


def rolled(evaluator: Evaluator, at_s: float) -> None:
    """The feed is lost, and comes back with another contract."""
    assert not fired(evaluator.feed_down(at_s, "V"))
    assert not fired(evaluator.feed_up(at_s + 1, "V", anew=True))


@pytest.mark.parametrize("on_gap", OnGap)
@pytest.mark.parametrize(
    ("sentence", "old", "new"),
    [
        ("V crosses above 200", (199,), (205, 206)),
        ("V crosses below 200", (201,), (195, 194)),
        ("V > 200", (199,), (205, 206)),
        ("V moves down 2% in 60s", (210, 209), (200, 199)),
        ("V moves up 2% in 60s", (200, 201), (210, 211)),
        ("V changes up 2% in 5s", (200, 201, 200, 201), (210, 211)),
        ("V > highest(V, 60s) - 0.1 and V > 202", (200, 201, 200), (205, 204)),
        ("V is outside 190 to 202", (200, 201), (210, 211)),
        ("V enters 190 to 202", (210, 211), (200, 201)),
        ("V > 202 for 11s", (200, 203), (203, 204)),
    ],
)
def test_the_step_to_another_contract_fires_nothing(
    sentence: str, old: tuple[float, ...], new: tuple[float, ...], on_gap: OnGap
) -> None:
    evaluator = Evaluator([plan("rule", sentence, on_gap=on_gap)], START_S)
    evaluator.feed_up(START_S, "V")
    for second, price in enumerate(old):
        evaluator.tick(print_of(START_S + second, price))
    rolled(evaluator, START_S + STEP)
    heard = [evaluator.tick(print_of(START_S + STEP + 2 + second / 10, price)) for second, price in enumerate(new)]
    assert not any(map(fired, heard))


@pytest.mark.parametrize("on_gap", OnGap)
def test_what_the_new_contract_does_counts(on_gap: OnGap) -> None:
    evaluator = Evaluator([plan("rule", "V moves down 2% in 60s", on_gap=on_gap)], START_S)
    evaluator.feed_up(START_S, "V")
    evaluator.tick(print_of(START_S, 300))
    rolled(evaluator, START_S + STEP)
    assert not fired(evaluator.tick(print_of(START_S + STEP + 2, 200)))
    assert not fired(evaluator.tick(print_of(START_S + STEP + 3, 197)))
    assert fired(evaluator.tick(print_of(START_S + STEP + 4, 195)))


def test_without_a_change_of_the_contract_a_kept_window_goes_on_over_the_gap() -> None:
    evaluator = Evaluator([plan("rule", "V moves down 2% in 60s", on_gap=OnGap.KEEP)], START_S)
    evaluator.feed_up(START_S, "V")
    for second, price in enumerate((200, 201)):
        evaluator.tick(print_of(START_S + second, price))
    evaluator.feed_down(START_S + STEP, "V")
    evaluator.feed_up(START_S + STEP + 1, "V")
    assert fired(evaluator.tick(print_of(START_S + STEP + 2, 190)))


def test_the_day_s_figures_of_the_old_contract_are_not_mixed_with_the_new_one() -> None:
    evaluator = Evaluator([plan("rule", "V.change_today <= -3%")], START_S)
    evaluator.feed_up(START_S, "V")
    evaluator.tick(Tick("V", START_S, Field.CLOSE, 300.0))
    evaluator.tick(print_of(START_S, 300))
    rolled(evaluator, START_S + STEP)
    assert not fired(evaluator.tick(print_of(START_S + STEP + 2, 200)))
    assert not fired(evaluator.tick(Tick("V", START_S + STEP + 3, Field.CLOSE, 201.0)))
    assert fired(evaluator.tick(print_of(START_S + STEP + 4, 190)))


def test_rules_that_read_something_else_go_on() -> None:
    plans = [plan("reads v", "V crosses above 200"), plan("reads ma", "MA crosses above 400")]
    evaluator = Evaluator(plans, START_S)
    evaluator.tick(Tick("MA", START_S, Field.LAST, 399.0))
    evaluator.tick(print_of(START_S, 199))
    rolled(evaluator, START_S + STEP)
    assert fired(evaluator.tick(Tick("MA", START_S + STEP + 2, Field.LAST, 401.0)))


def test_a_paused_rule_stays_paused_and_a_done_one_done() -> None:
    plans = [plan("paused", "V > 200"), plan("done", "V > 200", once=True)]
    evaluator = Evaluator(plans, START_S)
    evaluator.pause("paused", START_S)
    for second, price in enumerate((199, 201)):
        evaluator.tick(print_of(START_S + second, price))
    before = [status.state for status in evaluator.status(START_S + 2)]
    rolled(evaluator, START_S + STEP)
    assert [status.state for status in evaluator.status(START_S + STEP + 1)] == before
