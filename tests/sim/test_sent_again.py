"""An order that the gateway lost, and a user who wants such orders sent once more."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from rules_engine.model.settings import Settings
from tests.sim.house import House
from tests.sim.staged import only, show, staged, states

WANTED = Settings(resend_within_s=60.0)


def nothing(house: House) -> None:
    """The same process, the same connection."""


def drop(house: House) -> None:
    """The same process, another connection."""
    house.gateway.drop_connections()


def kill(house: House) -> None:
    house.kill()
    house.start()


def restart(house: House) -> None:
    """Another process at the same place, which counts ids anew."""
    house.gateway.restart(1.0, 50)


def blink(house: House) -> None:
    house.gateway.lose_link()
    house.gateway.restore_link(False)


@pytest.mark.parametrize(
    ("meanwhile", "count", "state"),
    [
        (nothing, 2, "working"),
        (drop, 2, "working"),
        (kill, 2, "working"),
        (restart, 1, "unknown"),
        (blink, 1, "unknown"),
    ],
)
def test_a_lost_order_goes_out_once_more_to_the_same_process_and_to_no_other(
    tmp_path: Path, meanwhile: Callable[[House], None], count: int, state: str
) -> None:
    async def script(house: House) -> None:
        house.gateway.lose_orders(1)
        await show(house, V=201.0)
        meanwhile(house)
        for _ in range(30):
            await show(house, MA=400.0)
        await asyncio.sleep(30.0)

    house = staged(tmp_path, script, wanted=WANTED)
    assert (house.gate.sent, states(house, "rests")) == (count, [state])
    assert len(house.ours()) == count - 1
    if house.ours():
        assert only(house).live
