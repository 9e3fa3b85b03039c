"""A clock that nobody sets: what others do to the one on the wall, and what being held up does not."""

import pytest

from rules_engine.model.clock import SteadyClock, SteppedClock


class Wall(SteppedClock):
    """While it is looked at, the program may be stopped for a while."""

    stopped_s = 0.0

    def now_s(self) -> float:
        shown_s = super().now_s()
        self.life.time_s += self.stopped_s
        self.time_s += self.stopped_s
        self.stopped_s = 0.0
        return shown_s

    def __init__(self, life: SteppedClock) -> None:
        super().__init__(1000.0)
        self.life = life


def _clocks() -> tuple[Wall, SteadyClock]:
    life = SteppedClock()
    wall = Wall(life)
    return wall, SteadyClock(wall, life.now_s)


def _pass(wall: Wall, seconds: float) -> None:
    wall.life.time_s += seconds
    wall.time_s += seconds


@pytest.mark.parametrize("set_by_s", [3600.0, -3600.0, 2.5])
def test_who_sets_the_clock_is_noticed_and_nothing_steps(set_by_s: float) -> None:
    wall, steady = _clocks()
    _pass(wall, 10.0)
    wall.time_s += set_by_s
    assert (steady.set_by_s(), steady.now_s()) == (set_by_s, 1010.0)
    steady.take_over()
    assert (steady.set_by_s(), steady.now_s()) == (0.0, 1010.0 + set_by_s)


def test_a_drift_is_followed() -> None:
    wall, steady = _clocks()
    for _ in range(10):
        _pass(wall, 60.0)
        wall.time_s += 1.5
        assert steady.set_by_s() == 0.0
    assert steady.now_s() == wall.time_s == 1615.0


def test_a_program_that_is_stopped_while_it_looks_at_the_clock_calls_nobody_a_setter() -> None:
    wall, steady = _clocks()
    wall.stopped_s = 20.0
    assert (steady.set_by_s(), steady.now_s()) == (0.0, 1020.0)
    assert steady.set_by_s() == 0.0


def test_a_clock_that_was_set_meanwhile_is_noticed_at_the_next_look() -> None:
    wall, steady = _clocks()
    wall.stopped_s, wall.time_s = 20.0, wall.time_s + 100.0
    assert [steady.set_by_s(), steady.set_by_s()] == [0.0, 100.0]
