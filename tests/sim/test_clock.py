"""Somebody sets the clock of the engine's machine: nothing fires by it, and everything goes on by the new time."""

import asyncio
from pathlib import Path

import pytest

from tests.sim.house import House
from tests.sim.staged import DAY_S, show, staged, states, told

HOUR_S = 3600.0
CLOCK_RULES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - {name: alarm, when: time is after 10:30, do: notify phone}
  - {name: lasts, when: V is above 200 for 10m, do: buy 10 MA, run: here}
  - {name: cools, when: AAPL crosses above 150, do: notify phone, cooldown: 30m}
  - {name: windowed, when: MA moves up 5% in 30m, do: buy 5 MA, run: here}
"""


def fired(house: House, rule: str) -> int:
    """How often the rule's decision was to act."""
    return house.rows("SELECT count(*) FROM firing WHERE rule = ? AND kind = 'fired'", rule)[0][0]


async def set_clock(house: House, by_s: float) -> None:
    """Somebody sets the clock of the engine's machine; it has a minute to settle."""
    house.clock.ahead_s += by_s
    for _ in range(15):
        await asyncio.sleep(3.0)
        await show(house, V=201.0, MA=400.0, AAPL=151.0)


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S, DAY_S, -DAY_S, 5.0, -5.0])
def test_nothing_fires_because_the_clock_was_set_and_it_is_told_once(tmp_path: Path, by_s: float) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0, AAPL=151.0)
        assert fired(house, "cools") == 1
        await set_clock(house, by_s)
        assert [fired(house, rule) for rule in ("alarm", "lasts", "cools", "windowed")] == [0, 0, 1, 0]
        await show(house, AAPL=149.0)
        await show(house, AAPL=151.0)
        assert fired(house, "cools") == 1, "it cools down for as long as it would have"

    house = staged(tmp_path, script, CLOCK_RULES)
    assert told(house, f"clock was set {'ahead' if by_s > 0 else 'back'} by {abs(by_s):.0f} seconds") == 1
    assert house.gate.sent == 0


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_rules_work_at_once_when_the_clock_is_right_again(tmp_path: Path, by_s: float) -> None:
    async def script(house: House) -> None:
        await set_clock(house, by_s)
        await set_clock(house, -by_s)
        await show(house, V=199.0, AAPL=149.0)
        await show(house, AAPL=151.0)
        for _ in range(75):
            await asyncio.sleep(8.0)
            await show(house, V=201.0, MA=400.0)
        assert fired(house, "lasts") == 1
        await show(house, AAPL=149.0)
        await show(house, AAPL=151.0)
        assert fired(house, "cools") == 1

    house = staged(tmp_path, script, CLOCK_RULES)
    assert states(house, "lasts") == ["filled"]


def test_a_time_of_day_that_comes_again_fires_once(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await asyncio.sleep(180.0)
        assert fired(house, "alarm") == 1
        await set_clock(house, -600.0)
        await asyncio.sleep(900.0)
        assert fired(house, "alarm") == 1

    house = staged(tmp_path, script, CLOCK_RULES.replace("10:30", "10:02"))
    assert told(house, "alarm", "already, before the clock was set back") == 1


def test_a_clock_set_wrong_and_right_again_leaves_a_time_of_day_its_one_firing(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await set_clock(house, HOUR_S)
        assert fired(house, "alarm") == 0 and told(house, "alarm", "gap") == 1
        await set_clock(house, -HOUR_S)
        await asyncio.sleep(600.0)
        assert fired(house, "alarm") == 1

    staged(tmp_path, script, CLOCK_RULES.replace("10:30", "10:08"))


def test_a_clock_that_drifts_is_followed_without_a_word(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        for _ in range(20):
            house.clock.ahead_s += 1.0
            await show(house, V=199.0)
        assert abs(house.engine_now_s() - house.clock.now_s()) < 2.0
        await show(house, V=201.0)

    house = staged(tmp_path, script)
    assert told(house, "clock") == 0 and house.gate.sent == 1


def test_what_waits_is_sent_in_its_own_time_whatever_the_clock_was_set_to(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.withhold("OpenOrderEnd")
        house.gateway.drop_connections()
        await show(house, V=201.0, MA=400.0)
        house.clock.ahead_s -= HOUR_S
        await asyncio.sleep(600.0)
        house.gateway.withhold("OpenOrderEnd", False)
        await asyncio.sleep(60.0)

    house = staged(tmp_path, script)
    assert house.gate.sent == 0 and set(states(house, "rests")) <= {"expired"}
