"""Orders of which somebody changes the size in TWS, and brackets whose entry fills only in part."""

import asyncio
from pathlib import Path

from tests.sim.house import House
from tests.sim.staged import DAY_S, only, show, staged, states, told

BRACKET = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - name: enters
    when: V crosses above 200
    do: {buy: 300 MA, at: limit 400.00, take_profit: +2%, stop: -1.5%}
    run: here
"""


def offer(house: House, shares: int) -> None:
    """So many MA at 390, and no more."""
    house.gateway.push_quote("MA", 389.80, 390.00, 100, shares)
    house.gateway.push_quote("MA", 395.00, 395.10)


def filled(house: House) -> list[tuple[str, str]]:
    """State and fills of each order, oldest first."""
    return [(state, count) for state, count in house.rows("SELECT state, filled FROM intent ORDER BY firing_id, leg")]


def test_what_was_made_larger_is_told_and_goes_with_the_kill_switch_once_what_was_sent_has_filled(
    tmp_path: Path,
) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.modify_in_tws(only(house).orderRef, quantity=30)
        await asyncio.sleep(5.0)
        offer(house, 10)
        await asyncio.sleep(8.0)
        assert filled(house) == [("partial", "10")]
        await house.stop_trading()
        await asyncio.sleep(30.0)
        offer(house, 1000)
        await asyncio.sleep(30.0)
        assert (only(house).live, only(house).filled, house.position("MA")) == (False, 10, 10)

    house = staged(tmp_path, script)
    assert filled(house) == [("cancelled", "10")]
    assert told(house, "rests", "somebody made it larger in TWS", "is for 30 now") == 1
    assert told(house, "rests", "cancelled as asked", "bought 10 of 30 MA") == 1


def test_what_is_made_larger_while_the_kill_switch_is_on_goes_however_often_that_is_done(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.ignore("CancelOrder", 3)
        await house.stop_trading()
        for size in (30, 40):
            house.gateway.modify_in_tws(only(house).orderRef, quantity=size)
            await asyncio.sleep(8.0)
        await house.stop()
        house.start()
        house.gateway.modify_in_tws(only(house).orderRef, quantity=50)
        await asyncio.sleep(120.0)
        offer(house, 1000)
        await asyncio.sleep(10.0)
        assert (only(house).live, house.position("MA")) == (False, 0)

    house = staged(tmp_path, script)
    assert filled(house) == [("cancelled", "0")]
    assert told(house, "rests: somebody made it larger in TWS", "now, and is being cancelled") == 3
    assert told(house, "rests: cancelled as asked") == 1


def test_what_was_made_smaller_has_filled_by_no_more_than_ib_has(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.modify_in_tws(only(house).orderRef, quantity=4)
        await asyncio.sleep(5.0)
        offer(house, 1000)
        await asyncio.sleep(10.0)
        assert house.position("MA") == 4

    house = staged(tmp_path, script)
    assert filled(house) == [("filled", "4")]
    assert [tuple(row) for row in house.rows("SELECT instrument, ours FROM holding")] == [("MA", "4")]
    assert told(house, "rests: bought 4 of 10 MA") == 1


def test_the_exits_of_an_entry_that_filled_in_part_count_for_what_ib_filled_of_them(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=199.0, MA=401.0)
        await show(house, V=201.0)
        house.gateway.push_quote("MA", 399.90, 400.00, 100, 100)
        house.gateway.push_quote("MA", 400.98, 401.02)
        await asyncio.sleep(DAY_S)
        assert filled(house)[0] == ("cancelled", "100")
        await show(house, MA=393.5)
        await asyncio.sleep(10.0)
        assert house.position("MA") == 0

    house = staged(tmp_path, script, rules=BRACKET)
    assert states(house, "enters") == ["cancelled", "cancelled", "filled"]
    assert filled(house)[2] == ("filled", "100")
    assert [tuple(row) for row in house.rows("SELECT instrument, ours FROM holding")] == [("MA", "0")]
    assert told(house, "enters: cancelled by IB", "its exits at IB were sent for 300: see in TWS that they are for 100")
    assert told(house, "enters: sold 100 of 300 MA") == 1
