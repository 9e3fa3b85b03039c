"""A guard may wake a judge too early, never too late: through every stretch it names, the order is the one it said."""

import random
from collections.abc import Callable
from itertools import takewhile

import pytest

from rules_engine.evaluation.guard import Edges, Guard, sights_of
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.view import Uses, View
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Value
from rules_engine.model.slices import at_once
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
    """Guards that are compared together, and all their values read at every print."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.market = Market(START_S)
        self.quote = self.market.feed("V").quote(Field.LAST)
        view = View(self.market, Uses())
        self.guards: list[Guard] = []
        self.reads: list[tuple[Value, Value, Callable[[], float]]] = []
        for pair in pairs:
            sides = [expression(side) for side in pair]
            left, right = map(view.value, sides)
            self.reads.append((left, right, view.size(*sides)))
            guard = view.order(*sides)
            assert isinstance(guard, Guard)
            self.guards.append(guard)
        self.sights = at_once(sights_of({guard: number for number, guard in enumerate(self.guards)}))

    def hear(self, time_s: float, price: float) -> list[int | None]:
        """On which side each left value is."""
        self.market.now_s = time_s
        self.quote.take(time_s, price)
        self.quote.record(1.0)
        return [_side(left(), right(), size()) for left, right, size in self.reads]

    def hold(self, sides: list[int | None]) -> None:
        for guard, side in zip(self.guards, sides, strict=True):
            guard.hold_to(side or 0)

    def told(self) -> set[int]:
        """Whom the guards tell that something may have changed."""
        return {number for sight in self.sights for number in sight.loose()}


def _side(left: float | None, right: float | None, size: float) -> int | None:
    return None if left is None or right is None else order(left, right, size)


def within(all_edges: list[Edges], number: int, prints: Prints) -> int:
    """How many of these prints, after the one of that number, are within all edges."""

    def is_within(at: tuple[int, tuple[float, float]]) -> bool:
        later, (time_s, price) = at
        return all(low < price < high and time_s < until_s and later <= last for low, high, until_s, last in all_edges)

    return sum(1 for _ in takewhile(is_within, enumerate(prints, number + 1)))


def disagreements(seed: int, count: int) -> tuple[list[str], int]:
    """What guards said otherwise than their values, and how many prints they covered."""
    chance = random.Random(seed)
    pairs = chance.sample(PAIRS, chance.choice([1, 1, 2, 5]))
    prints, twin = walk(chance, count), Twin(pairs)
    wrong, covered, calm = [], 0, 0
    held: list[int | None] = [0] * len(pairs)
    for number, (time_s, price) in enumerate(prints, 1):
        sides = twin.hear(time_s, price)
        told: set[int] = set() if calm else twin.told()
        for which, (side, said) in enumerate(zip(sides, held, strict=True)):
            if said and side != said and which not in told:
                wrong.append(f"seed {seed}, print {number}: {pairs[which]}: {side}, and its guard holds to {said}")
        if calm:
            calm -= 1
            continue
        if told or chance.random() < 0.05:
            held = [chance.choice([side, side, 0]) for side in sides]
            twin.hold(held)
            for sight in twin.sights:
                if sight.held:
                    sight.loose()
        calm = within([sight.edges for sight in twin.sights], number, prints[number:])
        covered += calm
    return wrong, covered


@pytest.mark.parametrize("seed", range(80))
def test_what_guards_say_of_a_stretch_is_so_at_every_print_of_it(seed: int) -> None:
    wrong, _ = disagreements(seed, 600)
    assert wrong == []


def test_guards_that_are_held_to_the_wrong_side_tell_at_once() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        twin = Twin(chance.sample(PAIRS, 3))
        for time_s, price in walk(chance, 300):
            sides = twin.hear(time_s, price)
            wrong = [-side if side else chance.choice([1, -1]) for side in sides]
            twin.hold([0 if side is None else other for side, other in zip(sides, wrong, strict=True)])
            assert twin.told() == {number for number, side in enumerate(sides) if side is not None}


def test_guards_that_are_held_to_nothing_let_everything_pass() -> None:
    twin = Twin(PAIRS)
    sides = twin.hear(START_S, 100.0)
    twin.hold([1 for _ in sides])
    twin.hold([0 for _ in sides])
    assert within([sight.edges for sight in twin.sights], 1, [(START_S + 1, 1e9)]) == 1


def test_guards_cover_many_prints() -> None:
    covered = [disagreements(seed, 600)[1] for seed in range(40)]
    assert sum(covered) > 0.25 * 600 * len(covered)
