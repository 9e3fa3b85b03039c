"""An order that fired and is still to be sent: whoever stops, pauses or edits meanwhile means it too."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.sim.house import House
from tests.sim.staged import RULES, show, staged, states, told

FILLS = "{name: fills, when: V crosses above 210, do: buy 10 MA, run: here}"
PATIENT = "{name: fills, when: V crosses above 210, do: buy 10 MA, run: here, if_missed: act}"
WAITING = RULES.replace(FILLS, PATIENT)
"""Its order waits as long as it takes."""


async def waits_to_be_sent(house: House) -> None:
    """IB's answers stay incomplete, and a rule fires."""
    house.gateway.withhold("CompletedOrdersEnd")
    house.gateway.drop_connections()
    await asyncio.sleep(5.0)
    await show(house, V=209.0, MA=400.0)
    await show(house, V=211.0)
    assert states(house, "fills") == ["intent"]


async def comes_through(house: House) -> None:
    """All that was waited for is there."""
    house.gateway.withhold("CompletedOrdersEnd", False)
    await asyncio.sleep(120.0)
    await show(house, MA=400.0)
    await asyncio.sleep(5.0)


async def paused(house: House) -> None:
    assert (await house.ask("pause", rule="fills"))["ok"]


async def paused_and_resumed(house: House) -> None:
    await paused(house)
    assert (await house.ask("resume", rule="fills"))["ok"]


async def deleted(house: House) -> None:
    house.write_rules(WAITING.replace(f"  - {PATIENT}\n", ""))
    assert (await house.ask("reload"))["ok"]


async def turned_off(house: House) -> None:
    house.write_rules(WAITING.replace(PATIENT, PATIENT.replace("}", ", enabled: false}")))
    assert (await house.ask("reload"))["ok"]


async def edited(house: House) -> None:
    house.write_rules(WAITING.replace("buy 10 MA, run", "buy 1 MA, run"))
    assert (await house.ask("reload"))["ok"]


async def edited_while_the_engine_was_off(house: House) -> None:
    house.kill()
    house.write_rules(WAITING.replace("buy 10 MA, run", "buy 1 MA, run"))
    house.start()
    await asyncio.sleep(5.0)


async def stopped_and_lifted(house: House) -> None:
    await house.stop_trading()
    await house.lift()


async def stopped_and_lifted_without_an_engine(house: House) -> None:
    house.kill()
    await house.stop_trading()
    await asyncio.sleep(3600.0)
    await house.lift()
    house.start()
    await asyncio.sleep(5.0)


@pytest.mark.parametrize(
    "meanwhile",
    [
        *(paused, paused_and_resumed, deleted, turned_off, edited, edited_while_the_engine_was_off),
        *(stopped_and_lifted, stopped_and_lifted_without_an_engine),
    ],
)
def test_an_order_that_waits_to_be_sent_never_leaves_once_its_user_has_called_it_off(
    tmp_path: Path, meanwhile: Callable[[House], Awaitable[None]]
) -> None:
    async def script(house: House) -> None:
        await waits_to_be_sent(house)
        await meanwhile(house)
        await comes_through(house)

    house = staged(tmp_path, script, rules=WAITING)
    assert (house.position("MA"), states(house, "fills")) == (0, ["cancelled"])
    assert told(house, "fills", "Cancelled before it was sent") == 1


def test_an_order_that_waits_leaves_when_somebody_pauses_another_rule(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await waits_to_be_sent(house)
        assert (await house.ask("pause", rule="rests"))["ok"]
        await comes_through(house)

    house = staged(tmp_path, script, rules=WAITING)
    assert (house.position("MA"), states(house, "fills")) == (10, ["filled"])
