"""An engine that is asked to stop while an answer of IB comes, in every order of the two."""

import asyncio
from pathlib import Path

import pytest

from tests.sim.house import House
from tests.sim.staged import RULES, staged

OPENING_PACKETS = 10
"""From the greeting to the history that fills windows, and some prices."""
TURNS = 6
FEW = RULES.partition("  - {name: fills")[0].replace("buy 10 MA", "buy 10 V").replace("buy 11 MA", "buy 11 V")
"""Of one instrument only."""


@pytest.mark.parametrize("late", [False, True], ids=["parts that decide", "parts that tell"])
def test_a_stop_together_with_any_packet_of_the_beginning_ends_it_at_once(tmp_path: Path, late: bool) -> None:
    async def script(house: House) -> None:
        await house.stop()
        for packets in range(1, OPENING_PACKETS + 1):
            for turns in range(TURNS):
                house.start()
                await house.stop(packets=packets, turns=turns, late=late)

    assert len(staged(tmp_path, script).nodes) == 1 + OPENING_PACKETS * TURNS


@pytest.mark.parametrize("late", [False, True], ids=["parts that decide", "parts that tell"])
def test_a_stop_together_with_any_packet_of_a_reload_ends_it_at_once(tmp_path: Path, late: bool) -> None:
    async def script(house: House) -> None:
        await house.stop()
        for packets in range(1, 5):
            for turns in range(TURNS):
                house.write_rules(FEW)
                house.start()
                await asyncio.sleep(2.0)
                house.write_rules(RULES)
                house.task(house.ask("reload"))
                await house.stop(packets=packets, turns=turns, late=late)

    staged(tmp_path, script)
