"""A future that rolls: the gateway lists its months, the front one changes at midnight of its exchange."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules_engine.gateway.messages.order_form import PriceCondition
from rules_engine.model.settings import Limits
from tests.daemon.house import House, Running, held, house_in

BEFORE_S = datetime(2026, 12, 13, 5, 59, 30, tzinfo=UTC).timestamp()
"""Half a minute before midnight in Chicago, and with it five days before the last day of ESZ6."""
OLD, NEW = "ESZ6", "ESH7"
INSTRUMENTS = "instruments:\n  ES: {future: ES, exchange: CME, expiry: front}\n"
HELD = "  - {name: held, when: ES >= 5000, do: buy 1 MA}\n"
ITSELF = "  - {name: itself, when: ES >= 5000, do: buy 1 ES}\n"
LATE = "  - {name: late, when: ES >= 5000, do: buy 1 AAPL}\n"
RISE = "  - {name: rise, when: ES moves up 0.5% in 10m, do: buy 2 MA, on_gap: keep}\n"
CROSS = "  - {name: cross, when: ES crosses above 5000, do: buy 3 MA, run: here}\n"
CLOSE = "  - {name: close, when: ES <= 4950, do: close ES}\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path, BEFORE_S) as house:
        house.quote(OLD, 4990.0)
        house.quote(NEW, 5040.0)
        yield house


async def rolled(house: House, engine: Running, price: float = 5040.0) -> None:
    """Midnight passes, and the engine connects again."""
    house.clock.leap(40.0)
    house.gateway.drop_connections()
    await house.until(lambda: engine.price("ES") == price, "the price of the next month")


def month(house: House, order: int) -> str:
    """Which month the order waits for."""
    [condition] = house.orders()[order].form.conditions
    assert isinstance(condition, PriceCondition)
    return named(house, condition.conId)


def named(house: House, contract_id: int) -> str:
    listing = house.gateway.market.catalogue.listing(contract_id)
    assert listing is not None
    return listing.contract.localSymbol


async def held_in_the_new_month(house: House, engine: Running) -> None:
    """The old month's order is cancelled, and the rule waits for the other side in the new one."""
    await house.until(lambda: house.orders()[0].status == "Cancelled", "the cancellation")
    await engine.until_state("held", "armed")
    house.quote(NEW, 4990.0)
    await house.until(lambda: held(house), "the next held order")


async def test_what_waits_at_the_broker_for_the_old_month_goes_and_comes_for_the_new_one(house: House) -> None:
    async with house.engine(HELD, INSTRUMENTS) as engine:
        await house.until(lambda: held(house), "the held order")
        assert month(house, 0) == OLD
        await rolled(house, engine)
        await house.until(lambda: house.told("ES means another contract", "begin anew: held."), "the word")
        await held_in_the_new_month(house, engine)
        assert month(house, 1) == NEW
        house.quote(NEW, 5001.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
    assert [order.status for order in house.orders()] == ["Cancelled", "Filled"]
    assert house.told("is broken") == []


async def test_a_roll_while_the_engine_was_off_does_the_same(house: House) -> None:
    async with house.engine(HELD, INSTRUMENTS):
        await house.until(lambda: held(house), "the held order")
    house.clock.leap(40.0)
    async with house.engine() as engine:
        await held_in_the_new_month(house, engine)
    assert month(house, 1) == NEW
    assert len(house.told("ES means another contract")) == 1


async def test_no_window_and_no_crossing_reaches_from_one_month_into_the_next(house: House) -> None:
    async with house.engine(RISE, CROSS, INSTRUMENTS) as engine:
        await engine.until_state("cross", "armed")
        await house.until(lambda: engine.price("ES") == 4990.0, "the price")
        await rolled(house, engine)
        house.quote(NEW, 5041.0)
        await house.until(lambda: engine.price("ES") == 5041.0, "another price")
        await engine.ask("reload")
        assert house.fires() == []
        for price in (4999.0, 5001.0, 5030.0):
            house.quote(NEW, price)
        await house.until(lambda: house.told("bought 3 MA") and house.told("bought 2 MA"), "the moves of the new month")
    assert sorted(fire.rule for fire in house.fires()) == ["cross", "rise"]


async def test_an_order_that_could_not_be_placed_before_the_roll_is_not_placed_on_what_the_old_month_showed(
    house: House,
) -> None:
    async with house.engine(LATE, INSTRUMENTS) as engine:
        await engine.until_state("late", "placed")
        await rolled(house, engine)
        await house.until(lambda: house.told("ES means another contract"), "the word")
        house.quote("AAPL", 250.0)
        await house.until(lambda: engine.price("AAPL") == 250.0, "the price")
        await engine.ask("reload")
        assert house.intents() == []
        house.quote(NEW, 4990.0)
        await house.until(lambda: held(house), "the order of the new month")
    assert month(house, 0) == NEW


async def test_a_position_keeps_its_month_and_its_rules_until_it_is_closed(house: House) -> None:
    async with house.engine(ITSELF, CLOSE, INSTRUMENTS, limits=Limits(max_order_value=None)) as engine:
        await house.until(lambda: held(house), "the held order")
        house.quote(OLD, 5001.0)
        await house.until(lambda: house.told("bought 1 ES"), "the fill")
        house.clock.leap(40.0)
        house.gateway.drop_connections()
        await house.until(lambda: house.told("Connection to IB is back"), "the next connection")
        await house.until(lambda: engine.price("ES") == 5001.0, "the price of the old month")
        assert house.told("ES means another contract") == []
        house.quote(OLD, 4940.0)
        await house.until(lambda: house.told("sold 1 ES"), "the close")
        await rolled(house, engine)
        await house.until(lambda: house.told("ES means another contract"), "the word")
    filled = [(order.form.action, named(house, order.contract.conId)) for order in house.orders() if order.filled]
    assert filled == [("BUY", OLD), ("SELL", OLD)]
