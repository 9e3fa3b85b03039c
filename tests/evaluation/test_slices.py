"""What happens, judged some rules at a time, comes to the same as in one go, in the same order."""

import random
from collections.abc import Sequence

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Life, Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.rule import IfAlreadyTrue
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from tests.evaluation.market import START_S
from tests.evaluation.sentences import plan
from tests.evaluation.test_sleep import LIVES, SENTENCES, Step, market


def plans(chance: random.Random) -> list[Plan]:
    return [plan(f"r{n}", text, **chance.choice(LIVES)) for n, text in enumerate(SENTENCES)]  # type: ignore[arg-type]


def played(
    rules: Sequence[Plan], steps: Sequence[Step], rules_max: int | None, *, is_patient: bool = True
) -> tuple[list[Outcome], dict[str, Life], int]:
    """Outcomes in their order, memories, and how often something was left. The impatient lets the next thing happen
    before all are judged, unless that is an order which came to nothing: its firing was judged before."""
    evaluator, left = Evaluator(rules, START_S, rules_max), 0
    outcomes: list[Outcome] = []
    for what, words in [*steps, ("advance", (START_S,))]:
        while evaluator.is_judging and (is_patient or what == "not_used"):
            left += 1
            outcomes += evaluator.judge_on()
        left += evaluator.is_judging
        outcomes += getattr(evaluator, what)(*words) or ()
    return [*outcomes, *evaluator.advance(evaluator.now_s)], dict(evaluator.lives()), left


@pytest.mark.parametrize("is_patient", [True, False])
@pytest.mark.parametrize("rules_max", [1, 3, 10])
@pytest.mark.parametrize("seed", range(4))
def test_rules_judged_in_slices_fire_as_in_one_go(seed: int, rules_max: int, is_patient: bool) -> None:
    chance = random.Random(seed)
    rules, steps = plans(chance), list(market(chance, 500))
    sliced, lives, left = played(rules, steps, rules_max, is_patient=is_patient)
    whole, lives_at_once, none_left = played(rules, steps, None)
    assert left > 0 and not none_left
    assert sliced == whole, seed
    assert lives == lives_at_once, seed
    assert any(isinstance(one, Firing) for one in whole), "nothing fired: this market shows nothing"


def crossing(count: int) -> Evaluator:
    """So many rules on one level, the price beneath it."""
    rules = [plan(f"r{n}", "V > 100", once=True) for n in range(count)]
    evaluator = Evaluator(rules, START_S, 2)
    evaluator.feed_up(START_S, "V")
    evaluator.tick(Tick("V", START_S + 1, Field.LAST, 99.0))
    evaluator.advance(START_S + 1)
    while evaluator.is_judging:
        evaluator.judge_on()
    return evaluator


def test_a_memory_amid_a_print_does_not_claim_that_a_rule_which_is_not_judged_has_seen_it() -> None:
    evaluator = crossing(6)
    fired = [one.rule for one in evaluator.tick(Tick("V", START_S + 5, Field.LAST, 101.0)) if isinstance(one, Firing)]
    assert fired == ["r0", "r1"] and evaluator.is_judging
    lives = evaluator.lives()
    assert [life.known for life in lives.values()] == ["t", "t", "f", "f", "f", "f"]
    assert {life.known_s for life in lives.values()} == {START_S + 1}
    after = Evaluator([plan(f"r{n}", "V > 100", once=True) for n in range(6)], START_S + 60)
    after.restore(lives)
    after.feed_up(START_S + 60, "V")
    missed = after.tick(Tick("V", START_S + 61, Field.LAST, 101.0))
    assert [one.firing.rule if not isinstance(one, Firing) else one.rule for one in missed] == ["r2", "r3", "r4", "r5"]  # type: ignore[union-attr]


def test_nor_does_one_amid_a_print_that_ends_the_rest_of_many_rules() -> None:
    evaluator = Evaluator([plan(f"r{n}", "V moves 1% in 10s") for n in range(6)], START_S, 2)
    evaluator.feed_up(START_S, "V")
    for second in range(1, 13):
        evaluator.tick(Tick("V", START_S + second, Field.LAST, 100.0))
        while evaluator.is_judging:
            evaluator.judge_on()
    evaluator.tick(Tick("V", START_S + 15, Field.LAST, 102.0))
    assert evaluator.is_judging
    lives = evaluator.lives()
    assert [life.known for life in lives.values()] == ["t", "t", "f", "f", "f", "f"]
    assert {life.known_s for life in lives.values()} == {START_S + 12}


def test_whatever_else_happens_finishes_the_judging_first_and_what_came_of_it_comes_first() -> None:
    evaluator = crossing(6)
    first = evaluator.tick(Tick("V", START_S + 5, Field.LAST, 101.0))
    evaluator.pause("r5", START_S + 6)
    assert not evaluator.is_judging
    rest = evaluator.advance(START_S + 6)
    assert [one.rule for one in (*first, *rest) if isinstance(one, Firing)] == [f"r{n}" for n in range(6)]
    assert {one.at_s for one in (*first, *rest) if isinstance(one, Firing)} == {START_S + 5}


def test_an_order_that_came_to_nothing_concerns_its_own_rule_only_and_hurries_nobody() -> None:
    evaluator = crossing(6)
    evaluator.tick(Tick("V", START_S + 5, Field.LAST, 101.0))
    evaluator.not_used("r0")
    assert evaluator.is_judging
    assert evaluator.life("r0").done is False  # type: ignore[union-attr]


def test_rules_that_are_replaced_amid_a_print_have_fired_by_it() -> None:
    evaluator = crossing(6)
    first = evaluator.tick(Tick("V", START_S + 5, Field.LAST, 101.0))
    at_once(evaluator.replacing([plan("other", "V > 100")], lambda: START_S + 5))
    rest = evaluator.advance(START_S + 5)
    assert [one.rule for one in (*first, *rest) if isinstance(one, Firing)] == [f"r{n}" for n in range(6)]


def test_rules_whose_time_comes_at_one_moment_ring_in_slices_in_their_order() -> None:
    rules = [plan(f"r{n}", "V > 100 for 30s", if_already_true=IfAlreadyTrue.FIRE) for n in range(7)]
    evaluator = Evaluator(rules, START_S, 2)
    evaluator.feed_up(START_S, "V")
    evaluator.tick(Tick("V", START_S + 1, Field.LAST, 99.0))
    evaluator.tick(Tick("V", START_S + 2, Field.LAST, 101.0))
    outcomes, calls = list(evaluator.advance(START_S + 40)), 1
    while evaluator.is_judging:
        outcomes += evaluator.judge_on()
        calls += 1
    assert [(one.rule, one.at_s) for one in outcomes if isinstance(one, Firing)] == [
        (f"r{n}", START_S + 32) for n in range(7)
    ]
    assert calls > 3
    assert evaluator.now_s == START_S + 40


def test_a_value_that_gets_stale_while_very_many_rules_are_armed_in_turn_was_none_when_they_were_given() -> None:
    def fired(*, at_once_after_all: bool) -> list[float]:
        evaluator = Evaluator([plan("old", "MA > 1")], START_S)
        evaluator.feed_up(START_S)
        evaluator.tick(Tick("V", START_S + 1, Field.LAST, 99.0))
        new = [plan("first", "MA > 2"), plan("second", "V > 100", stale_after_s=0.05)]
        at_once(evaluator.replacing(new, lambda: START_S + 1))
        arming = evaluator.arming()
        next(arming)
        if at_once_after_all:
            at_once(arming)
        evaluator.advance(START_S + 2)
        at_once(arming)
        outcomes = evaluator.tick(Tick("V", START_S + 3, Field.LAST, 101.0))
        return [one.at_s for one in outcomes if isinstance(one, Firing)]

    assert fired(at_once_after_all=False) == fired(at_once_after_all=True) == [START_S + 3]
