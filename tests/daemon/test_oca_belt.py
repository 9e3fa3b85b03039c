"""The belt on a real socket: an order that the gateway has twice."""

import pytest

from rules_engine.gateway import Order
from rules_engine.model.settings import Limits
from tests.daemon.house import House

LOW = "  - {name: low, when: V crosses above 200, do: buy 10 MA at limit 390, run: here}\n"


async def doubled(house: House) -> tuple[Order, Order]:
    """Sends the rule's order and lets the gateway have it twice, both alive."""
    house.quote("V", 200.1)
    await house.until(lambda: [order.status for order in house.orders()] == ["Submitted"], "the order")
    house.gateway.double_order(house.orders()[0].permId)
    first, second = house.orders()
    assert first.live and second.live and first.orderRef == second.orderRef
    return first, second


@pytest.mark.parametrize(("belt", "filled"), [(True, 10), (False, 20)])
async def test_of_an_order_that_ib_has_twice_only_one_fills_with_the_belt(
    house: House, belt: bool, filled: int
) -> None:
    async with house.engine(LOW, oca_belt=belt, limits=Limits(price_collar=None)) as engine:
        await engine.until_state("low", "armed")
        first, second = await doubled(house)
        house.quote("MA", 389.0)
        await house.until(lambda: not first.live and not second.live, "the end of both")
        assert first.filled + second.filled == filled
        await house.until(lambda: house.told("bought 10 MA"), "the message")


async def test_an_order_with_the_belt_fills_and_is_cancelled_like_any_other(house: House) -> None:
    async with house.engine(LOW, oca_belt=True, limits=Limits(price_collar=None)) as engine:
        await engine.until_state("low", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: [order.status for order in house.orders()] == ["Submitted"], "the order")
        [order] = house.orders()
        assert (order.form.ocaGroup, order.form.ocaType) == (order.orderRef, 1)
        await engine.ask("stop")
        await house.until(lambda: order.status == "Cancelled", "the cancellation")
