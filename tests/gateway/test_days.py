"""What a new day changes."""

from ib_insync import LimitOrder, MarketOrder, PriceCondition

from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, echo, stock, until

DAY_S = 86_400


async def test_day_orders_end_and_others_stay(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    day = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0))
    gtc = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="GTC"))
    await echo(ib)
    gateway.step_to(NOON_S + DAY_S / 2 - 1)
    await echo(ib)
    assert day.isActive()
    gateway.step_to(NOON_S + DAY_S / 2)
    await until(ib, day.isDone)
    assert day.orderStatus.status == "Cancelled"
    assert gtc.isActive()


async def test_yesterdays_fills_and_ends_are_no_longer_told(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect(clientId=1)
    await until(ib, ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 1)).isDone)
    gateway.step_to(NOON_S + DAY_S)
    later = await connect(clientId=2)
    assert later.fills() == []
    assert await later.reqCompletedOrdersAsync(False) == []
    assert [one.position for one in later.positions()] == [1]


async def test_a_condition_that_did_not_lead_to_a_fill_must_be_met_again(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    condition = PriceCondition(price=200.0, conId=v.conId, exch="SMART", triggerMethod=2)
    trade = ib.placeOrder(await stock(ib, "MA"), LimitOrder("BUY", 1, 250.0, tif="GTC", conditions=[condition]))
    await echo(ib)
    gateway.push("V", 201.0)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    gateway.push("V", 199.0)
    gateway.step_to(NOON_S + DAY_S)
    await until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    gateway.push("MA", 240.0)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 200.0)
    await until(ib, trade.isDone)
