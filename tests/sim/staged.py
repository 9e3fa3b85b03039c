"""One trouble on a quiet stage: a house with a few rules, and what can be shown to and read from it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from rules_engine.gateway import Order
from rules_engine.model.settings import Limits, Settings
from tests.sim.house import House
from tests.sim.plan import USUAL_START

RULES = """\
version: 1
timezone: America/New_York
defaults: {notify: phone}
rules:
  - {name: rests, when: V crosses above 200, do: buy 10 MA at limit 390, run: here}
  - {name: lives-on, when: V crosses above 205, do: buy 11 MA at limit 390 good till cancelled, run: here}
  - {name: fills, when: V crosses above 210, do: buy 10 MA, run: here}
  - {name: tells, when: AAPL crosses above 150, do: notify phone}
"""
DAY_S = 86_400.0
Script = Callable[[House], Awaitable[None]]


def staged(
    folder: Path, script: Script, rules: str = RULES, limits: Limits | None = None, wanted: Settings | None = None
) -> House:
    """A quiet market, an engine that is connected and has prices, and then the script."""

    async def live() -> None:
        await house.gateway.start()
        house.start()
        await asyncio.sleep(2.0)
        await show(house, V=199.0, MA=400.0, AAPL=149.0)
        await script(house)
        await house.stop()
        await house.gateway.stop()

    house = House(folder, 1, rules, start_s=USUAL_START.timestamp(), limits=limits, wanted=wanted, steady=True)
    house.play(live())
    assert [str(violation) for violation in house.checks.violations] == []
    return house


async def show(house: House, **prices: float) -> None:
    """Quotes and prints, and a second for what comes of them."""
    for symbol, price in prices.items():
        house.gateway.push_quote(symbol, round(price - 0.02, 2), round(price + 0.02, 2))
        house.gateway.push(symbol, price)
    await asyncio.sleep(1.0)


def states(house: House, rule: str) -> list[str]:
    """What became of the rule's orders, oldest first."""
    return [state for (state,) in house.rows("SELECT state FROM intent WHERE rule = ? ORDER BY firing_id, leg", rule)]


def told(house: House, *words: str) -> int:
    """How many messages reached the user that hold all these words."""
    return sum(all(word in f"{title}\n{text}" for word in words) for _, title, text in house.office.delivered)


def only(house: House) -> Order:
    """The one order of ours that IB has."""
    [order] = house.ours()
    return order
