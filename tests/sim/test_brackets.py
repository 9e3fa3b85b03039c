"""Brackets whose exits go, or are all that IB still shows of them."""

import asyncio
from pathlib import Path

from rules_engine.gateway import Order
from tests.sim.house import House
from tests.sim.staged import DAY_S, show, staged, states, told

RULES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - name: enters
    when: V crosses above 200
    do: {buy: 300 MA, at: limit 402.00, take_profit: +2%, stop: -1.5%}
    run: here
"""
WITHOUT_STOP = "have no stop at IB any more"


def the_stop(house: House) -> Order:
    [stop] = [order for order in house.ours() if order.form.orderType == "STP"]
    return stop


def offer(house: House) -> None:
    """More MA than anybody wants, at 401.02."""
    house.gateway.push_quote("MA", 400.98, 401.02, 1000, 1000)


async def enter(house: House) -> None:
    offer(house)
    await show(house, V=201.0)
    await asyncio.sleep(5.0)
    assert house.position("MA") == 300


def test_a_stop_that_is_cancelled_in_tws_while_it_protects_a_position_is_an_alarm(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await enter(house)
        house.gateway.cancel_in_tws(the_stop(house).permId)
        await asyncio.sleep(30.0)

    house = staged(tmp_path, script, rules=RULES)
    assert states(house, "enters") == ["filled", "working", "cancelled"]
    assert told(house, "enters: 300 MA of buy 300 MA", WITHOUT_STOP, "is cancelled") == 1


def test_a_bracket_that_ends_at_its_target_or_its_stop_alarms_nobody(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await enter(house)
        await show(house, V=199.0, MA=411.0)
        await asyncio.sleep(5.0)
        assert house.position("MA") == 0
        await show(house, MA=401.0)
        await asyncio.sleep(70.0)  # The same order within a minute would be held back.
        await enter(house)
        await show(house, MA=390.0)
        await asyncio.sleep(5.0)
        assert house.position("MA") == 0

    house = staged(tmp_path, script, rules=RULES)
    assert states(house, "enters") == ["filled", "filled", "cancelled", "filled", "cancelled", "filled"]
    assert (told(house, WITHOUT_STOP), told(house, "enters: cancelled")) == (0, 0)


def test_exits_that_outlive_what_ib_remembers_of_their_entry_still_protect_it(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        gateway = house.gateway
        offer(house)
        for message in ("OpenOrder", "OrderStatus", "ExecDetails"):
            gateway.delay(5.0, message)
        await show(house, V=201.0)
        house.kill()
        gateway.let_through()
        await asyncio.sleep(3 * DAY_S)
        house.start()
        await asyncio.sleep(120.0)
        assert (the_stop(house).live, house.position("MA")) == (True, 300)

    house = staged(tmp_path, script, rules=RULES)
    assert states(house, "enters") == ["unknown", "working", "acked"]
    assert told(house, "enters: buy 300 MA at limit 402 day seems to have filled", "stop 395.97") == 1


def test_a_position_is_closed_although_its_target_fills_in_part_before_it_is_cancelled(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        gateway = house.gateway
        await enter(house)
        for message in ("OpenOrder", "OrderStatus", "ExecDetails", "Position"):
            gateway.delay(2.0, message)
        gateway.push_quote("MA", 410.04, 410.10, 100, 100)
        gateway.push_quote("MA", 407.00, 407.10, 1000, 1000)
        await show(house, V=194.0)
        assert house.position("MA") == 200
        gateway.let_through()
        for _ in range(5):
            offer(house)
            await asyncio.sleep(4.0)
        assert (house.position("MA"), [order for order in house.ours() if order.live]) == (0, [])

    leaves = "  - {name: leaves, when: V crosses below 195, do: [cancel orders in MA, close MA], run: here}\n"
    house = staged(tmp_path, script, rules=RULES + leaves)
    assert states(house, "leaves") == ["filled"]
    assert told(house, "leaves: sold 200 MA") == 1
