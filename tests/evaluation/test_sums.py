"""Running totals and the windows that point into them, against sums over the raw prints."""

import random
from fractions import Fraction
from math import sqrt

import pytest

from rules_engine.evaluation import sums as module
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Before, Moments
from tests.evaluation.market import START_S, Prints

KINDS = {
    "cents": lambda chance: chance.randrange(9_900, 10_100) / 100,
    "finer steps now and then": lambda chance: (
        chance.randrange(99_000, 101_000) / chance.choice([1_000, 1_000, 20_000])
    ),
    "prices of very many steps": lambda chance: chance.choice([0.01, 640_000.25, 9e7]) + chance.randrange(100) / 100,
    "other than prices": lambda chance: (
        chance.randrange(9_900, 10_100) / 100 - 1.85 * chance.randrange(5_000, 5_100) / 100
    ),
}
DUST = 2.0**-23
"""Some floats at 9e7: what sums that do not fit into machine words know no better than the floats themselves."""


class Twin:
    """All prints, and what a window reads of them worked out anew."""

    def __init__(self) -> None:
        self.prints: Prints = []

    def inside(self, now_s: float, window_s: float) -> list[Fraction]:
        return [Fraction(str(value)) for time_s, value in self.prints if now_s - window_s < time_s]

    def moments(self, now_s: float, window_s: float) -> tuple[float | None, float | None, float | None]:
        """Mean, deviation and score."""
        values = self.inside(now_s, window_s)
        if not values:
            return None, None, None
        mean = sum(values) / len(values)
        if len(values) == 1:
            return float(mean), None, None
        variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        return float(mean), sqrt(variance), float(values[-1] - mean) / sqrt(variance) if variance else None

    def before(self, now_s: float, window_s: float) -> float | None:
        return next((value for time_s, value in reversed(self.prints) if time_s <= now_s - window_s), None)


def same(told: float | None, meant: float | None) -> bool:
    if told is None or meant is None:
        return told is meant
    return abs(told - meant) <= max(DUST, 1e-9 * abs(meant))


def disagreements(seed: int, kind: str, count: int) -> tuple[list[str], int]:
    """What sums said otherwise, and how many prints they let go."""
    chance, wrong = random.Random(seed), []
    sums, twin, time_s = Sums(), Twin(), START_S
    moments = [Moments(sums, window_s, NEVER) for window_s in (1.0, 5.0, 30.0)]
    befores = [Before(sums, window_s, NEVER) for window_s in (2.0, 45.0)]
    for step in range(count):
        fresh = []
        for _ in range(chance.choice([1, 1, 1, 3, 40])):
            time_s += chance.choice([0.0, 0.25, 0.25, 1.0, chance.choice([0.0, 10.0])])
            fresh.append((time_s, KINDS[kind](chance)))
        if len(fresh) == 1:
            sums.take(*fresh[0])
        else:
            sums.extend(*map(list, zip(*fresh, strict=True)))
        twin.prints += fresh
        happens = chance.random()
        if happens < 0.01:
            sums.clear()
            twin.prints = []
        elif happens < 0.05 and sums.first == 0 and twin.prints:
            older = [(twin.prints[0][0] - 60 + number, KINDS[kind](chance)) for number in range(50)]
            sums.prepend(older, older[0][0])
            twin.prints = older + twin.prints
        if chance.random() < 0.5:
            continue  # Windows that nobody asks stay behind.
        now_s = time_s + chance.choice([0.0, 0.0, 0.5, 50.0])
        time_s = now_s
        kept = twin.prints[len(twin.prints) - len(sums.times) :]
        said = [*sums.values(0, len(sums.times)), *(each.at(now_s) for each in befores)]
        meant = [value for _, value in kept] + [twin.before(now_s, each.window_s) for each in befores]
        if said != meant:
            wrong.append(f"step {step}: values")
        for each in moments:
            told = [each.mean(now_s), each.deviation(now_s), each.score(now_s)]
            expected = twin.moments(now_s, each.window_s)
            if not all(map(same, told, expected)):
                wrong.append(f"step {step}, {each.window_s} s: {told} and not {expected}")
    return wrong, sums.first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_windows_read_of_running_totals_what_the_prints_add_up_to(
    seed: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIM_MIN", 32)
    wrong, gone = disagreements(seed, kind, 400)
    assert wrong == []
    assert gone > 500, "nothing was let go: this stream shows little"
