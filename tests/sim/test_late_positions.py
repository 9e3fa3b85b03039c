"""Fills that are told before, or without, the positions that they make: no order counts on shares that are sold."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.settings import Limits
from tests.sim.house import House
from tests.sim.staged import show, staged, states, told

RULES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - {name: buys, when: V crosses above 100, do: buy 10 MA, run: here}
  - {name: buys-more, when: AAPL crosses above 100, do: buy 11 MA, run: here}
  - {name: sells, when: MSFT crosses above 100, do: sell 10 MA, run: here}
  - {name: sells-again, when: NVDA crosses above 100, do: sell 9 MA, run: here}
  - {name: profit, when: AMZN crosses above 100, do: sell 10 MA at limit 401 good till cancelled, run: here}
  - {name: part, when: GOOG crosses above 100, do: sell 4 MA at limit 401 good till cancelled, run: here}
  - {name: out, when: TSLA crosses above 100, do: close MA, run: here}
  - {name: all-out, when: META crosses above 100, do: [cancel orders of profit, close MA], run: here}
  - {name: what-is-held, when: NFLX crosses above 100, do: sell position(MA) MA, run: here}
"""
TRIGGERS = {
    "buys": "V",
    "buys-more": "AAPL",
    "sells": "MSFT",
    "sells-again": "NVDA",
    "profit": "AMZN",
    "part": "GOOG",
    "out": "TSLA",
    "all-out": "META",
    "what-is-held": "NFLX",
}
LATE_S = 5.0


async def quiet(house: House) -> None:
    """Prices of everything, and no rule fires."""
    await show(house, MA=400.0, **dict.fromkeys(TRIGGERS.values(), 99.0))


async def pass_by(house: House, seconds: int) -> None:
    """Time passes, and MA goes on being quoted."""
    for _ in range(seconds):
        await show(house, MA=400.0)


async def fire(house: House, rule: str) -> None:
    await show(house, **{TRIGGERS[rule]: 101.0})


async def bought(house: House) -> None:
    """Ten shares of MA, and all is known about them."""
    await quiet(house)
    await fire(house, "buys")
    await pass_by(house, 70)
    assert house.position("MA") == 10
    await quiet(house)


def test_a_position_that_is_told_late_lets_no_second_order_past_a_limit(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.delay(LATE_S, "Position")
        await quiet(house)
        await fire(house, "buys")
        await fire(house, "buys-more")
        await pass_by(house, 20)

    house = staged(tmp_path, script, RULES, Limits(max_position_value=Decimal(6_000)))
    assert house.position("MA") == 10
    assert told(house, "buys-more", "max_position_value") == 1


def test_a_position_that_is_told_late_costs_a_purchase_within_the_limits_only_that_time(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.delay(LATE_S, "Position")
        await quiet(house)
        await fire(house, "buys")
        await fire(house, "buys-more")
        assert states(house, "buys-more") == []
        await pass_by(house, 5)
        assert states(house, "buys-more") == ["filled"]

    staged(tmp_path, script, RULES, Limits(max_position_value=Decimal(20_000)))


def test_a_position_that_is_told_late_lets_nobody_sell_twice(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await bought(house)
        house.gateway.delay(LATE_S, "Position")
        await fire(house, "sells")
        await fire(house, "sells-again")
        await pass_by(house, 20)

    house = staged(tmp_path, script, RULES, Limits())
    assert house.position("MA") == 0
    assert told(house, "sells-again", "allow_short is false") == 1


@pytest.mark.parametrize("rule", ["out", "all-out", "what-is-held"])
def test_a_position_that_is_told_late_is_not_closed_twice(tmp_path: Path, rule: str) -> None:
    async def script(house: House) -> None:
        await bought(house)
        await fire(house, "profit")
        house.gateway.delay(LATE_S, "Position")
        house.gateway.push_quote("MA", 401.5, 401.6)
        await asyncio.sleep(0.5)
        assert states(house, "profit") == ["filled"]
        await fire(house, rule)
        await pass_by(house, 20)

    house = staged(tmp_path, script, RULES)
    assert house.position("MA") == 0


def test_an_order_that_fills_while_it_is_cancelled_is_not_sold_once_more(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await bought(house)
        await fire(house, "profit")
        house.gateway.delay(LATE_S, "Position")
        house.gateway.delay(0.5, "ExecDetails")
        house.gateway.delay(0.5, "OrderStatus")
        house.gateway.push_quote("MA", 401.5, 401.6)
        await fire(house, "all-out")
        await pass_by(house, 20)

    house = staged(tmp_path, script, RULES)
    assert house.position("MA") == 0


def test_a_position_that_is_told_before_its_fill_is_closed_whole(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await bought(house)
        await fire(house, "part")
        house.gateway.delay(0.5, "ExecDetails")
        house.gateway.delay(0.5, "OrderStatus")
        house.gateway.delay(0.5, "OpenOrder")
        house.gateway.push_quote("MA", 401.5, 401.6)
        house.gateway.push_quote("TSLA", 100.9, 101.1)
        await asyncio.sleep(0.1)
        assert states(house, "part") == ["working"] and house.position("MA") == 6
        house.gateway.push("TSLA", 101.0)
        await pass_by(house, 5)

    house = staged(tmp_path, script, RULES)
    assert house.position("MA") == 0
    assert told(house, "out: sold 6 MA") == 1


def test_a_position_that_is_never_told_is_asked_for(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await bought(house)
        house.gateway.drop("Position", count=1)
        await fire(house, "sells")
        assert house.position("MA") == 0
        await quiet(house)
        await fire(house, "out")
        assert told(house, "out", "held back") == 0
        await pass_by(house, 12)
        assert told(house, "out", "nothing is held") == 1

    house = staged(tmp_path, script, RULES)
    assert house.position("MA") == 0


def test_a_kill_right_after_a_fill_takes_no_stale_position_for_what_is_held(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await bought(house)
        house.gateway.drop("Position", count=1)
        await fire(house, "sells")
        house.kill()
        house.start()
        await asyncio.sleep(2.0)
        await quiet(house)
        await fire(house, "out")
        await pass_by(house, 20)

    house = staged(tmp_path, script, RULES)
    assert house.position("MA") == 0
    assert told(house, "out", "nothing is held") == 1
