"""Cancellations that TWS loses: ours go all the same, and nothing takes their place before."""

import asyncio
from pathlib import Path

from tests.sim.house import House
from tests.sim.staged import only, show, staged, states, told

REPLACES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - {name: old, when: V crosses above 200, do: buy 10 MA at limit 390 good till cancelled, run: here}
  - name: new
    when: V crosses above 205
    do: [cancel orders of old, buy 10 MA at limit 395 good till cancelled]
    run: here
"""


def test_the_kill_switch_asks_again_where_a_cancellation_was_lost(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.ignore("CancelOrder", 1)
        await house.stop_trading()
        assert only(house).live
        await asyncio.sleep(30.0)
        assert not only(house).live

    house = staged(tmp_path, script)
    assert states(house, "rests") == ["cancelled"]
    assert told(house, "rests", "cancelled as asked") == 1
    assert told(house, "asked twice") == 0


def test_an_order_that_ib_does_not_let_go_is_told_and_goes_once_ib_hears(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.ignore("CancelOrder", 5)
        await house.stop_trading()
        await asyncio.sleep(60.0)
        assert told(house, "rests", "asked twice to cancel") == 1
        await asyncio.sleep(300.0)
        assert not only(house).live

    house = staged(tmp_path, script)
    assert (states(house, "rests"), told(house, "asked twice")) == (["cancelled"], 1)


def test_what_takes_an_order_s_place_never_works_beside_it(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        await asyncio.sleep(70.0)
        house.gateway.ignore("CancelOrder", 1)
        await show(house, V=206.0, MA=400.0)
        assert (states(house, "old"), states(house, "new")) == (["working"], ["intent"])
        await asyncio.sleep(30.0)
        assert (states(house, "old"), states(house, "new")) == (["cancelled"], ["working"])
        await show(house, MA=389.0)
        assert house.position("MA") == 10

    staged(tmp_path, script, rules=REPLACES)


def test_what_was_to_take_the_place_of_an_order_that_stays_is_held_back_and_told(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        await asyncio.sleep(70.0)
        house.gateway.ignore("CancelOrder", 10)
        await show(house, V=206.0, MA=400.0)
        await asyncio.sleep(50.0)

    house = staged(tmp_path, script, rules=REPLACES)
    assert (states(house, "old")[0], states(house, "new")) == ("working", ["blocked"])
    assert told(house, "new: not sent", "an order that is to be cancelled first is not gone") == 1
