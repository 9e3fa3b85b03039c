"""A guard may wake a judge too early, never too late: through every stretch it names, the order is the one it said."""

import random
from itertools import islice

import pytest

from rules_engine.evaluation.guard import Guard
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.view import Uses, View
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Stretch
from rules_engine.model.tolerance import order
from tests.evaluation.market import START_S
from tests.evaluation.sentences import expression

PAIRS = [
    ("sma(V, 10s)", "sma(V, 60s)"),
    ("V", "sma(V, 30s) + 2 * stdev(V, 30s)"),
    ("zscore(V, 20s)", "1.5"),
    ("-1.2", "zscore(V, 60s)"),
    ("stdev(V, 10s)", "stdev(V, 45s) / 2"),
    ("highest(V, 40s)", "1.002 * lowest(V, 40s)"),
    ("V", "highest(V, 20s) - 0.3"),
    ("-lowest(V, 5s)", "-sma(V, 50s) + 0.1"),
    ("(V - sma(V, 20s)) / stdev(V, 20s)", "zscore(V, 60s) * 0.5"),
    ("V / sma(V, 20s) - 1", "0.001"),
    ("V * V", "sma(V, 15s) * highest(V, 5s)"),
    ("2 / V", "1 / sma(V, 8s) + 1 / lowest(V, 8s)"),
    ("V", "50 + 50"),
]
Prints = list[tuple[float, float]]


def walk(chance: random.Random, count: int) -> Prints:
    """A walk with repeated prices, prints at one instant, pauses, storms; in cents, finer steps, or none at all."""
    time_s, home = START_S, chance.choice([100.0, 1.25, 640_000.0])
    step, price = home * 1e-4 * chance.choice([0.3, 1, 6]), home
    places = chance.choice([2, 2, 5, 15])
    found = []
    for number in range(count):
        time_s += chance.choice([0.0, 0.05, 0.1, 0.3, chance.choice([0.3, 4.0])])
        storm = 5 if number // 150 % 4 == 3 else 1
        price += chance.choice([0, 0, 1, -1, 3, -3]) * step * storm + (home - price) * 0.005
        found.append((time_s, round(max(price, home / 2), places)))
    return found


class Twin:
    """A guard, and both of its values read at every print."""

    def __init__(self, left: str, right: str) -> None:
        self.market = Market(START_S)
        self.quote = self.market.feed("V").quote(Field.LAST)
        view = View(self.market, Uses())
        sides = expression(left), expression(right)
        self.values = [view.value(side) for side in sides]
        self.size = view.size(*sides)
        guard = view.order(*sides)
        assert isinstance(guard, Guard)
        self.guard = guard

    def hear(self, time_s: float, price: float) -> int | None:
        self.market.now_s = time_s
        self.quote.take(time_s, price)
        self.quote.record(1.0)
        left, right = (value() for value in self.values)
        return None if left is None or right is None else order(left, right, self.size())


def within(stretch: Stretch, prints: Prints) -> Prints:
    """Those prints, from the next one on, that the stretch still covers."""
    found = []
    for time_s, price in islice(prints, stretch.prints if stretch.prints < len(prints) else None):
        if not (stretch.low < price < stretch.high and time_s < stretch.until_s):
            break
        found.append((time_s, price))
    return found


def disagreements(seed: int, count: int) -> tuple[list[str], int]:
    """What a guard said otherwise than its values, and how many prints it covered."""
    chance = random.Random(seed)
    left, right = chance.choice(PAIRS)
    prints, twin = walk(chance, count), Twin(left, right)
    wrong, covered, said, calm = [], 0, None, 0
    for number, (time_s, price) in enumerate(prints):
        side = twin.hear(time_s, price)
        if calm:
            calm -= 1
            if side != said:
                wrong.append(f"seed {seed}, print {number}: {left} and {right}: {side}, and the guard said {said}")
            continue
        stretch = twin.guard.unknown() if side is None else twin.guard.stays(side) if side else None
        if stretch is not None:
            said, calm = side, len(within(stretch, prints[number + 1 :]))
            covered += calm
    return wrong, covered


@pytest.mark.parametrize("seed", range(60))
def test_what_a_guard_says_of_a_stretch_is_so_at_every_print_of_it(seed: int) -> None:
    wrong, _ = disagreements(seed, 600)
    assert wrong == []


def test_a_guard_of_the_wrong_side_says_nothing() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        twin = Twin(*chance.choice(PAIRS))
        for time_s, price in walk(chance, 300):
            side = twin.hear(time_s, price)
            assert side is None or twin.guard.stays(-side or 1) is None


def test_guards_cover_many_prints() -> None:
    covered = [disagreements(seed, 600)[1] for seed in range(40)]
    assert sum(covered) > 0.25 * 600 * len(covered)
