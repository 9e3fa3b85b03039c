"""Rules that come while prints wait to be read: what is built for them is built of the right prints."""

import random
from unittest.mock import patch

import pytest

from rules_engine.evaluation import Evaluator, sums
from rules_engine.evaluation.reload import _says_the_same
from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.rule import IfAlreadyTrue
from rules_engine.model.slices import at_once
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import plan

SLEEPS = ["V > 200", "V.bid > 200", "V.ask > 200"]
"""Nothing comes of these, and prints of V wait until somebody reads them."""


def added(text: str) -> list[Outcome]:
    """What comes of a rule that is built while prints come, and joins the others after fifteen of them."""
    old = [plan(f"old-{number}", said) for number, said in enumerate(SLEEPS)]
    evaluator = Evaluator(old, START_S)
    outcomes = [*evaluator.tick(print_of(START_S, 50.0, "MA"))]

    def hear(first: int, last: int) -> None:
        for number in range(first, last):
            now_s, price = START_S + number, 90.0 + number % 3
            outcomes.extend(evaluator.tick(print_of(now_s, price)))
            for field in (Field.BID, Field.ASK):
                lane = evaluator.lane("V", field)
                outcomes.extend(lane.hear(now_s + 0.5, price - 0.5 if field is Field.BID else price + 0.5))

    hear(0, 5)
    new = plan("new", text, if_already_true=IfAlreadyTrue.FIRE)
    building = evaluator.replacing([*old, new], lambda: START_S + 19.9)
    next(building)
    hear(5, 20)
    at_once(building)
    hear(20, 40)
    return outcomes


@pytest.mark.parametrize(
    "text",
    [
        "sma(V - MA, 10s) > 60",
        "sma(V - MA, 10s) < 60",
        "V moves up 1 points in 30s",
        "V changes up 1 points in 10s",
        "zscore(V, 12s) > 1",
        "V[5s].high > 91",
        "sma(V[5s], 2) > 90",
        "V > 80 on bar close 5s",
        "V.mid > 80",
        "highest(V.mid, 10s) > 80",
    ],
)
def test_a_rule_that_joins_reads_what_it_would_if_every_print_were_judged(text: str) -> None:
    found = added(text)
    with patch.object(Watch, "is_settled", lambda watch: False):
        assert found == added(text)


def test_prices_that_wait_are_no_prints_of_a_spread_that_joins() -> None:
    assert added("sma(V - MA, 10s) > 60") == []
    (firing,) = added("sma(V - MA, 10s) < 60")
    assert isinstance(firing, Firing)
    assert firing.values["sma(V - MA, 10s)"] == pytest.approx(41, abs=0.5)


@pytest.mark.parametrize("count", [201, 205, 209, 213])
def test_prices_that_wait_are_no_part_of_a_window_that_joins_later(count: int) -> None:
    mean = plan("mean", "sma(V, 2s) > 200")
    evaluator = Evaluator([mean], START_S)
    for number in range(count):
        evaluator.tick(print_of(START_S + number / 10, 99.0 + number % 2))
    evaluator.replace([mean, plan("new", "V moves up 1% in 30s")], START_S + 30)
    for second in (30, 31):
        assert [*evaluator.tick(print_of(START_S + second, 100.0))] == []


def test_a_rule_that_joins_is_armed_by_the_next_print_though_nobody_looks_at_that() -> None:
    level = plan("level", "V > 200")
    evaluator = Evaluator([level], START_S)
    evaluator.tick(print_of(START_S, 50.0, "MA"))
    for number in range(10):
        evaluator.tick(print_of(START_S + number, 100.0))
    evaluator.replace([level, plan("new", "no tick from MA for 20s")], START_S + 9)
    outcomes = [outcome for number in range(10, 30) for outcome in evaluator.tick(print_of(START_S + number, 100.0))]
    assert [outcome.at_s for outcome in outcomes if isinstance(outcome, Firing)] == [START_S + 20]


def test_very_many_rules_that_say_the_same_are_taken_over_some_at_a_time() -> None:
    """As when IB tells price steps: every rule is planned anew."""
    names = [f"r{number}" for number in range(200)]
    evaluator = Evaluator([plan(name, "V > 200") for name in names], START_S)
    steps, building = 0, evaluator.replacing([plan(name, "V > 200") for name in names], lambda: START_S)
    compared: list[Plan] = []

    def note(old: Plan, new: Plan) -> bool:
        compared.append(new)
        return _says_the_same(old, new)

    with patch("rules_engine.evaluation.reload._says_the_same", note):
        for _ in building:
            assert len(compared) <= 20
            compared.clear()
            steps += 1
    assert steps >= len(names) // 20


STAYING = (
    "V moves 0.5% in 11s",
    "V moves up 1% in 90s",
    "V changes 0.3% in 7s",
    "V changes down 0.8% in 70s",
)
COMING_AND_GOING = (
    "V moves 50% in 300s",
    "V changes 50% in 200s",
    "V > sma(V, 13s) + 1.5 * stdev(V, 13s)",
    "sma(V, 5s) crosses above sma(V, 80s)",
    "zscore(V, 31s) > 1.5",
    "highest(V, 60s) > 1.01 * lowest(V, 40s)",
    "V crosses highest(V, 21s) - 0.3",
    "V > 100.2",
)


@pytest.mark.parametrize("seed", range(12))
def test_whoever_comes_and_goes_each_rule_fires_as_if_it_were_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of those that go are forgotten: means of one that comes back begin anew, and the others go on."""
    monkeypatch.setattr(sums, "TRIM_MIN", 64)
    chance = random.Random(seed)
    rules = {f"r{number}": plan(f"r{number}", text) for number, text in enumerate(STAYING + COMING_AND_GOING)}
    names = list(rules)
    staying, others = names[: len(STAYING)], names[len(STAYING) :]
    together, alone = Evaluator([], START_S), {name: Evaluator([], START_S) for name in rules}
    ours: dict[str, list[Outcome]] = {name: [] for name in rules}
    theirs: dict[str, list[Outcome]] = {name: [] for name in rules}
    time_s, cents, listening = START_S, 10_000, set[str]()
    for number in range(3_000):
        if number % 150 == 0:
            listening = {*staying, *chance.sample(others, chance.choice([0, 2, 5]))}
            together.replace([rules[name] for name in names if name in listening], time_s)
            for name, evaluator in alone.items():
                evaluator.replace([rules[name]] if name in listening else [], time_s)
        time_s += chance.choice([0.0, 0.1, 0.1, 0.4, 3.0])
        cents += chance.choice([0, 0, 3, -3, 30, -30]) + (cents < 9_900) - (cents > 10_100)
        tick = print_of(time_s, cents / 100)
        for outcome in together.tick(tick):
            assert isinstance(outcome, Firing)
            ours[outcome.rule].append(outcome)
        for name, evaluator in alone.items():
            theirs[name] += evaluator.tick(tick)
    assert ours == theirs
    assert sum(map(len, ours.values())) > 20, "nothing fired: this market shows nothing"
