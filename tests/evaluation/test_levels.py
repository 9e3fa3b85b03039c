"""Rules on levels that a price runs through: they fire and remember as if each had been asked at every print."""

import random
from collections.abc import Iterator, Sequence
from math import inf, nextafter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation import Evaluator
from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.rule import AtMost
from rules_engine.model.tick import Tick
from rules_engine.model.tolerance import least_above, least_at, order
from tests.evaluation.market import START_S
from tests.evaluation.sentences import plan
from tests.evaluation.wakeful import Step, compare

SENTENCES = (
    "V > {c}",
    "V >= {c}",
    "V < {c}",
    "V <= {c}",
    "{c} < V",
    "{c} >= V",
    "V crosses above {c}",
    "V crosses below {c}",
    "{c} crosses above V",
    "V == {c}",
    "V crosses {c}",
    "not V > {c}",
    "V enters {c} to {d}",
    "V is inside {c} to {d}",
    "V leaves {c} to {d}",
    "V is outside {c} to {d}",
    "V > {c} for 2s",
    "V > {c} and V < {d}",
)
LIVES: tuple[dict[str, object], ...] = (
    {},
    {},
    {},
    {"once": True},
    {"cooldown_s": 3.0},
    {"at_most": AtMost(2)},
    {"clears_when": "V < 99.98"},
    {"only_if": "V < 100.03"},
    {"stale_after_s": 2.0},
)
OTHERS = ("V moves 0.05% in 5s", "sma(V, 2s) crosses above sma(V, 5s)", "V changes up 0.02% in 3s")


def plans(chance: random.Random) -> list[Plan]:
    """Thirty levels within ten cents, many of them the same; often nothing else that would wake anybody."""
    found = []
    for number in range(30):
        cents = chance.randrange(9_995, 10_006)
        text = chance.choice(SENTENCES[: chance.choice([8, len(SENTENCES)])])
        words = chance.choice(LIVES[: chance.choice([1, len(LIVES)])])
        said = text.format(c=cents / 100, d=(cents + 3) / 100)
        found.append(plan(f"r{number}", said, **words))  # type: ignore[arg-type]
    others = chance.sample(OTHERS, chance.choice([0, 0, 1, 2]))
    return found + [plan(f"o{number}", text) for number, text in enumerate(others)]


def market(chance: random.Random, count: int) -> Iterator[Step]:
    """Steps of a cent, repeated prices, jumps over everything, prices a hair from a level, and what befalls rules."""
    time_s, cents = START_S, 10_000
    for _ in range(count):
        time_s += chance.choice([0.0, 0.01, 0.1, 0.1, 0.7])
        cents += chance.choice([0, 0, 1, -1, 1, -1, 4, -4, chance.choice([20, -20])])
        cents = min(max(cents, 9_985), 10_015)
        price = cents / 100
        kind = chance.random()
        if kind < 0.9:
            yield "tick", (Tick("V", time_s, Field.LAST, price, 1.0),)
        elif kind < 0.95:
            price = chance.choice([nextafter(price, inf), price * (1 + 1e-12), price * (1 - 2e-12)])
            yield "tick", (Tick("V", time_s, Field.LAST, price, 1.0),)
        elif kind < 0.96:
            yield "tick", (Tick("V", time_s, Field.LAST, chance.choice([price, None]), 1.0, chance.random() < 0.5),)
        elif kind < 0.97:
            yield "advance", (time_s,)
        elif kind < 0.98:
            yield chance.choice(["pause", "resume", "rearm"]), (f"r{chance.randrange(30)}", time_s)
        elif kind < 0.985:
            yield "break_rule", (f"r{chance.randrange(30)}", "broken")
        elif kind < 0.99:
            yield "not_used", (f"r{chance.randrange(30)}",)
        elif kind < 0.995:
            yield "lives", ()
        else:
            yield "feed_down", (time_s, "V")
            yield "feed_up", (time_s, "V")


@pytest.mark.parametrize("seed", range(24))
def test_levels_fire_as_if_every_print_were_judged(seed: int) -> None:
    chance = random.Random(seed)
    rules, steps = plans(chance), list(market(chance, 600))
    outcomes = compare(seed, rules, steps)
    assert sum(map(len, outcomes)) > 100, "this market touches nothing"


def fire(text: str, prices: Sequence[float], **words: Any) -> list[tuple[int, type]]:
    """The prints, by number, by which anything came of the rule, and what."""
    evaluator = Evaluator([plan("r", text, **words)], START_S)
    heard = [evaluator.tick(Tick("V", START_S + number, Field.LAST, price)) for number, price in enumerate(prices)]
    return [(number, type(outcome)) for number, outcomes in enumerate(heard) for outcome in outcomes]


def test_a_print_that_runs_back_through_a_level_fires_it_again() -> None:
    assert fire("V > 100", [99, 101, 99, 99, 101, 100, 101]) == [(1, Firing), (4, Firing), (6, Firing)]


def test_what_a_firing_says_is_the_price_and_nothing_is_judged_for_it() -> None:
    rules = [plan("above", "V > 100"), plan("reach", "V crosses above 100")]
    evaluator = Evaluator(rules, START_S)
    for number, price in enumerate([99.0, 99.0, 99.5]):
        evaluator.tick(Tick("V", START_S + number, Field.LAST, price))
    with patch.object(Watch, "judge_now", side_effect=AssertionError("judged")):
        fired = evaluator.tick(Tick("V", START_S + 3, Field.LAST, 100.5))
    assert fired == [Firing(name, 0, START_S + 3, {"V": 100.5}, ()) for name in ("above", "reach")]


@pytest.mark.parametrize("text", ["V enters 100 to 101", "V is inside 100 to 101"])
def test_a_band_is_entered_from_both_sides_and_not_by_a_jump_over_it_and_nothing_is_judged_for_it(text: str) -> None:
    evaluator = Evaluator([plan("r", text)], START_S)
    for number, price in enumerate([99.0, 99.0, 99.5]):
        evaluator.tick(Tick("V", START_S + number, Field.LAST, price))
    walk = [100.0, 100.5, 99.0, 101.0, 101.5, 100.0, 102.0, 98.0, 102.0, 101.0]
    with patch.object(Watch, "judge_now", side_effect=AssertionError("judged")):
        heard = [evaluator.tick(Tick("V", START_S + 3 + at, Field.LAST, price)) for at, price in enumerate(walk)]
    assert [at for at, outcomes in enumerate(heard) if outcomes] == [0, 3, 5, 9]


def test_a_jump_over_many_levels_fires_them_in_the_order_of_the_rules() -> None:
    rules = [plan(f"r{number}", f"V > {100 + (number * 7) % 50}") for number in range(50)]
    evaluator = Evaluator(rules, START_S)
    for number, price in enumerate([99.0, 99.0, 99.0]):
        evaluator.tick(Tick("V", START_S + number, Field.LAST, price))
    fired = evaluator.tick(Tick("V", START_S + 3, Field.LAST, 200.0))
    assert [outcome.rule for outcome in fired if isinstance(outcome, Firing)] == [one.rule.name for one in rules]


def test_limits_hold_back_what_a_level_would_fire() -> None:
    swings = [99.0, 101.0] * 4
    held = [kind for _, kind in fire("V > 100", swings, at_most=AtMost(2))]
    assert held == [Firing, Firing, HeldBack, HeldBack]
    assert fire("V > 100", swings, once=True) == [(1, Firing)]


def test_firings_are_counted_by_the_day_of_the_rule() -> None:
    evaluator = Evaluator([plan("r", "V > 100")], START_S)
    for number in range(96):
        evaluator.tick(Tick("V", START_S + 1800.0 * number, Field.LAST, 99.0 + 2 * (number % 2)))
    life = evaluator.lives()["r"]
    assert (life.seq, life.fired_today < 48, life.fired_today > 0) == (48, True, True)


@given(st.floats(-1e300, 1e300, allow_nan=False))
def test_the_edges_of_a_level_are_where_the_order_changes(level: float) -> None:
    for side, least in ((0, least_at(level)), (1, least_above(level))):
        assert order(least, level) == side
        assert order(nextafter(least, -inf), level) == side - 1
