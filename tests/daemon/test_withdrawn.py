"""Orders that were taken back from the broker, and their rules: over a kill, and where IB was faster."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from rules_engine.execution.cancelling import Cancelling
from tests.daemon.house import BUY_AT_200, House, Running, held

NAME = "ma-when-v-hits-200"
OFTEN = BUY_AT_200.replace("    once: true\n", "")


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No cancellation leaves until this is undone."""
    with monkeypatch.context() as patch:
        patch.setattr(Cancelling, "send_wanted", lambda self, session, besides=(): None)
        yield patch


async def statuses(house: House, *expected: str) -> None:
    await house.until(lambda: tuple(order.status for order in house.orders()) == expected, f"{expected}")


@asynccontextmanager
async def edited(house: House, rules: str) -> AsyncIterator[Running]:
    """An engine whose order the broker holds while its rule says 50 MA by now, instead of 100."""
    async with house.engine(rules) as engine:
        await house.until(lambda: held(house), "the held order")
        house.write(rules.replace("100 MA", "50 MA"))
        await house.until(lambda: house.told("Rules reloaded"), "the reload")
        yield engine


async def filled_all_the_same(house: House) -> None:
    """IB was faster than the cancellation."""
    house.quote("V", 201.0)
    await house.until(lambda: house.told("bought 100 MA"), "the fill")


async def test_an_edit_of_which_the_cancellation_was_never_sent_places_the_new_order_after_a_restart(
    house: House, unsent: pytest.MonkeyPatch
) -> None:
    async with edited(house, BUY_AT_200):
        pass
    unsent.undo()
    async with house.engine() as engine:
        await statuses(house, "Cancelled", "PreSubmitted")
        await engine.until_state(NAME, "placed")
    assert [order.form.totalQuantity for order in house.orders()] == [100, 50]
    assert house.told("is broken") == []


async def test_a_pause_of_which_the_cancellation_was_never_sent_is_no_reason_to_break_after_a_restart(
    house: House, unsent: pytest.MonkeyPatch
) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.ask("pause", rule=NAME)
    unsent.undo()
    async with house.engine() as engine:
        await statuses(house, "Cancelled")
        await engine.until_state(NAME, "paused")
        await engine.ask("resume", rule=NAME)
        await statuses(house, "Cancelled", "PreSubmitted")
    assert house.told("is broken") == []


async def test_a_rule_that_buys_once_buys_no_more_where_ib_filled_its_older_order_before_the_cancellation(
    house: House, unsent: pytest.MonkeyPatch
) -> None:
    async with edited(house, BUY_AT_200) as engine:
        await filled_all_the_same(house)
        await engine.until_state(NAME, "done")
    assert len(house.orders()) == 1


async def test_one_crossing_buys_once_where_ib_filled_the_older_order_before_the_cancellation(
    house: House, unsent: pytest.MonkeyPatch
) -> None:
    async with edited(house, OFTEN) as engine:
        await filled_all_the_same(house)
        await engine.until_state(NAME, "armed")
        assert len(house.orders()) == 1
        unsent.undo()
        house.quote("V", 199.0)
        await statuses(house, "Filled", "PreSubmitted")


async def test_the_same_while_the_engine_was_off(house: House, unsent: pytest.MonkeyPatch) -> None:
    async with edited(house, BUY_AT_200):
        pass
    unsent.undo()
    house.quote("V", 201.0)
    await statuses(house, "Filled")
    async with house.engine() as engine:
        await engine.until_state(NAME, "done")
        house.quote("V", 199.0)
        await asyncio.sleep(0)
        await engine.ask("reload")
    assert len(house.orders()) == 1
