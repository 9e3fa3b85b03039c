"""Trades that the exchange takes back, in part or whole, after they were told."""

import asyncio
from pathlib import Path

import pytest

from tests.sim.house import House
from tests.sim.staged import show, staged, told

RULES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - {name: enters, when: V crosses above 200, do: buy 100 MA at limit 402, run: here}
  - {name: leaves, when: V crosses above 205, do: close MA, run: here}
"""
AN_AUDIT_LATER_S = 1000.0


@pytest.mark.parametrize("kept", [60, 0])
def test_what_is_left_of_a_trade_counts_and_is_closed(tmp_path: Path, kept: int) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        await asyncio.sleep(5.0)
        [fill] = house.gateway.executions
        house.gateway.correct(fill.execId, 399.0, float(kept))
        await asyncio.sleep(AN_AUDIT_LATER_S)
        assert house.position("MA") == kept
        assert [tuple(row) for row in house.rows("SELECT state, filled FROM intent")] == [("filled", str(kept))]
        assert [tuple(row) for row in house.rows("SELECT ours, newest FROM holding")] == [(str(kept), str(kept))]
        await show(house, MA=400.0)
        await show(house, V=206.0)
        await asyncio.sleep(60.0)
        assert house.position("MA") == 0

    house = staged(tmp_path, script, rules=RULES)
    assert told(house, f"enters: IB corrected a fill: bought {kept} of 100 MA") == 1
    assert told(house, "leaves: sold 60 MA") == (1 if kept else 0)
    assert told(house, "leaves held back", "MA: nothing is held") == (0 if kept else 1)
