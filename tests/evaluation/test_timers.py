"""A heap with superseded entries against the obvious: of all owners the one that is due first."""

import random
from dataclasses import dataclass

import pytest

from rules_engine.evaluation.timers import Timers


@dataclass
class Owner:
    order: tuple[int, int, int]
    due_s: float | None = None


def first_of(owners: list[Owner]) -> Owner | None:
    due = [(owner.due_s, owner.order, owner) for owner in owners if owner.due_s is not None]
    return min(due, key=lambda entry: entry[:2])[2] if due else None


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_due_first_comes_first_whatever_was_asked_for_before(seed: int) -> None:
    chance = random.Random(seed)
    owners, timers, now_s = [Owner((number, 0, 0)) for number in range(20)], Timers[Owner](), 0.0
    for _ in range(3_000):
        owner = chance.choice(owners)
        due_s = now_s + chance.choice([1.0, 2.0, 50.0, 10_000.0, chance.randrange(20_000)])
        match chance.randrange(8):
            case 0:
                timers.set(owner, None)
            case 1 if owner.due_s is not None:
                timers.push(owner, owner.due_s)
            case 2 if chance.random() < 0.1:
                now_s += chance.choice([0.0, 1.0, 30.0])
                while (timer := timers.pop(now_s)) is not None:
                    first_s, rings = timer
                    others = [each for each in owners if each is not rings]
                    following = first_of(others)
                    assert first_s <= now_s
                    assert following is None or (first_s, rings.order) < (following.due_s, following.order)
                    assert rings.due_s is None
                first = first_of(owners)
                assert first is None or first.due_s is None or first.due_s > now_s
            case _:
                timers.set(owner, due_s)
        first = first_of(owners)
        assert first is None or first.due_s is None or timers.first_s <= first.due_s
        assert len(timers._heap) <= 2 * len(owners) + 65
    first = first_of(owners)
    assert timers.next_s() == (first and first.due_s)
