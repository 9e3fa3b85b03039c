"""Windows over values made of two prices, against all prints of both in their order."""

import random
from statistics import fmean

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick
from tests.evaluation.market import START_S, Prints, print_of
from tests.evaluation.sentences import expression, plan

WINDOW_S = 20.0
SPREAD = "MA - 2 * V"


def spreads(ticks: list[Tick]) -> Prints:
    """One at each print of either, once both are known."""
    known: dict[str, float] = {}
    found = []
    for tick in ticks:
        assert tick.value is not None
        known[tick.instrument] = tick.value
        if len(known) == 2:
            found.append((tick.time_s, known["MA"] - 2 * known["V"]))
    return found


def market(chance: random.Random, from_s: float, count: int) -> list[Tick]:
    found, time_s = [], from_s
    for _ in range(count):
        time_s += chance.choice([0.25, 0.5, 3.0])
        found.append(print_of(time_s, chance.randrange(9_900, 10_100) / 100, chance.choice(["V", "MA"])))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_spread_has_a_print_at_each_of_either_price_also_in_the_past(seed: int) -> None:
    """The past comes after ten live prints, a little more than half a window long."""
    chance = random.Random(seed)
    past = [tick for tick in market(chance, START_S - 12, 20) if tick.time_s < START_S - 1]
    live = market(chance, START_S, 200)
    sentence = f"sma({SPREAD}, 20s) > 0 or highest({SPREAD}, 20s) > 0 or {SPREAD} changes up 1 points in 20s"
    evaluator = Evaluator([plan("rule", sentence)], START_S)
    evaluator.feed_up(START_S)
    read = [expression(f"{function}({SPREAD}, 20s)") for function in ("sma", "highest", "lowest")]
    earlier: Prints = []
    begun_s, known = START_S, 0
    for number, tick in enumerate(live):
        if number == 10:
            for name in ("V", "MA"):
                evaluator.backfill(name, Field.LAST, [one for one in past if one.instrument == name], START_S - 12)
            earlier, begun_s = spreads(past), START_S - 12
        evaluator.tick(tick)
        told = [evaluator.read(each) for each in read]
        heard = spreads(live[: number + 1])
        inside = [value for at_s, value in earlier + heard if at_s > tick.time_s - WINDOW_S]
        if not heard or tick.time_s < begun_s + WINDOW_S:
            assert told == [None] * 3
        else:
            assert told == pytest.approx([fmean(inside), max(inside), min(inside)], rel=1e-9)
            known += 1
    assert known > 100
