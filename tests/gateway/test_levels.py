"""Sorted levels find what a move reaches, like a look at each of them."""

import random

import pytest

from rules_engine.gateway.orders.levels import Levels


class Slow:
    """The obvious twin: every level is asked."""

    def __init__(self, up: bool) -> None:
        self.up = up
        self.pairs: list[tuple[float, int]] = []

    def _beyond(self, value: float, level: float) -> bool:
        return value >= level if self.up else value <= level

    def reached(self, value: float, before: float | None) -> set[int]:
        return {
            item
            for level, item in self.pairs
            if self._beyond(value, level) and (before is None or not self._beyond(before, level))
        }


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_a_move_reaches_what_a_look_at_every_level_finds(up: bool, seed: int) -> None:
    chance = random.Random(seed)
    fast, slow = Levels[int](up=up), Slow(up)
    before: float | None = None
    for item in range(400):
        level = float(chance.randint(90, 110))
        if slow.pairs and chance.random() < 0.4:
            gone = chance.choice(slow.pairs)
            slow.pairs.remove(gone)
            fast.remove(*gone)
        fast.add(level, item)
        slow.pairs.append((level, item))
        value = chance.choice([level, float(chance.randint(88, 112)), chance.uniform(88, 112)])
        found = list(fast.reached(value, before))
        assert len(found) == len(set(found))
        assert set(found) == slow.reached(value, before)
        before = value


def test_the_nearest_level_comes_first_and_equals_in_the_order_of_their_coming() -> None:
    up, down = Levels[str](up=True), Levels[str](up=False)
    for levels in (up, down):
        for level, item in ((3.0, "b"), (1.0, "c"), (3.0, "a"), (2.0, "d")):
            levels.add(level, item)
    assert list(up.reached(3.0, 1.0)) == ["d", "b", "a"]
    assert list(down.reached(1.0, 3.0)) == ["d", "c"]
    assert list(down.reached(1.0)) == ["b", "a", "d", "c"]


def test_what_was_removed_or_never_there_is_not_reached() -> None:
    levels = Levels[str](up=True)
    levels.add(1.0, "a")
    levels.remove(1.0, "b")
    levels.remove(2.0, "a")
    assert list(levels.reached(5.0)) == ["a"]
    levels.remove(1.0, "a")
    assert not levels
    assert list(levels.reached(5.0)) == []
