"""Orders that wait while the gateway is down, and go on where they stood."""

from pathlib import Path

import pytest
from ib_insync import (
    IB,
    ExecutionCondition,
    LimitOrder,
    MarketOrder,
    Order,
    OrderCondition,
    PriceCondition,
    StopOrder,
    TimeCondition,
)

from rules_engine.gateway import Gateway, parse_market
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, echo, stock, until

DAY_S = 86_400


async def playing(bench: Bench, folder: Path, clock: SteppedClock, v: float = 199.0, market: str = "") -> Gateway:
    """A gateway with a state file. MA stands at 300, unless it plays another market."""
    script = folder / "market.yaml"
    script.write_text(f"version: 1\nsymbols: {{V: {{play: {{price: {v}}}}}, MA: {{play: {{price: 300}}}}}}\n")
    played = parse_market([market or str(script)], clock=clock)
    gateway = Gateway(played, clock=clock, accounts=("DU1",), state=folder / "gateway.db")
    await gateway.start()
    bench.running.append(gateway)
    gateway.step_to(clock.time_s)
    return gateway


async def buy_when_v_is_at_200(ib: IB, quantity: int, limit: float) -> None:
    """MA, with an order that waits at the gateway."""
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    above = PriceCondition(price=200.0, conId=v.conId, exch="SMART", triggerMethod=2)
    ib.placeOrder(ma, LimitOrder("BUY", quantity, limit, tif="GTC", conditions=[above]))
    await echo(ib)


async def test_conditions_that_were_met_today_are_met_after_a_restart_and_not_after_another_night(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    gateway = await playing(bench, tmp_path, clock)
    await buy_when_v_is_at_200(await connect(), 1, 250.0)
    gateway.step_to(NOON_S + DAY_S)
    gateway.push("V", 201.0)
    assert [order.status for order in gateway.orders] == ["Submitted"]
    await gateway.stop()
    gateway = await playing(bench, tmp_path, clock)
    assert [order.status for order in gateway.orders] == ["Submitted"], "V is below its level again"
    await gateway.stop()
    clock.time_s += DAY_S
    gateway = await playing(bench, tmp_path, clock)
    assert [order.status for order in gateway.orders] == ["PreSubmitted"]
    gateway.push("MA", 240.0)
    assert gateway.executions == ()
    gateway.push("V", 200.0)
    assert [order.status for order in gateway.orders] == ["Filled"]


async def test_what_a_partly_filled_order_has_left_waits_for_its_conditions_each_day(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    gateway = await playing(bench, tmp_path, clock)
    await buy_when_v_is_at_200(await connect(), 150, 300.0)
    gateway.push_quote("MA", 299.0, 300.0, 100, 100)
    gateway.push("V", 200.0)
    gateway.push("V", 199.0)
    (order,) = gateway.orders
    assert (order.filled, order.status) == (100, "Submitted")
    gateway.step_to(NOON_S + DAY_S)
    gateway.push_quote("MA", 298.0, 299.0, 100, 100)
    assert (order.filled, order.status) == (100, "PreSubmitted")
    await gateway.stop()
    gateway = await playing(bench, tmp_path, clock)
    gateway.push_quote("MA", 298.0, 299.0, 100, 100)
    (order,) = gateway.orders
    assert (order.filled, order.status) == (100, "PreSubmitted")
    gateway.push("V", 200.0)
    assert (order.filled, order.status) == (150, "Filled")


async def test_a_trailing_stop_stands_where_it_had_got_to(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    gateway = await playing(bench, tmp_path, clock)
    ib = await connect()
    ib.placeOrder(await stock(ib, "V"), Order(action="SELL", totalQuantity=1, orderType="TRAIL", auxPrice=5, tif="GTC"))
    await echo(ib)
    for price in (205.0, 210.0, 207.0):
        gateway.push("V", price)
    await gateway.stop()
    gateway = await playing(bench, tmp_path, clock, v=207.0)
    again = await connect(clientId=2)
    (trade,) = await again.reqAllOpenOrdersAsync()
    assert trade.order.trailStopPrice == 205.0
    gateway.push("V", 205.0)
    assert [order.status for order in gateway.orders] == ["Filled"]


async def test_a_trade_that_a_condition_waited_for_counts_after_a_restart(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    gateway = await playing(bench, tmp_path, clock)
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    conditions: list[OrderCondition] = [
        ExecutionCondition(secType="STK", exch="SMART", symbol="V"),
        PriceCondition(price=310.0, conId=ma.conId, exch="SMART", triggerMethod=2),
    ]
    ib.placeOrder(ma, MarketOrder("BUY", 1, tif="GTC", conditions=conditions))
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 1, tif="DAY")).isDone)
    await gateway.stop()
    gateway = await playing(bench, tmp_path, clock)
    gateway.push("MA", 310.0)
    assert [order.status for order in gateway.orders] == ["Filled", "Filled"]


@pytest.mark.parametrize(("tif", "until_when"), [("DAY", ""), ("GTD", "20260702 09:00:00 US/Eastern")])
async def test_an_order_whose_time_passed_while_the_gateway_was_down_is_not_filled(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock, tif: str, until_when: str
) -> None:
    gateway = await playing(bench, tmp_path, clock, market="walk")
    ib = await connect()
    at_night = TimeCondition(isMore=True, time="20260702 03:00:00 US/Eastern")
    order = MarketOrder("BUY", 1, tif=tif, goodTillDate=until_when, conditions=[at_night])
    ib.placeOrder(await stock(ib, "V"), order)
    await echo(ib)
    await gateway.stop()
    clock.time_s += DAY_S
    gateway = await playing(bench, tmp_path, clock, market="walk")
    assert [order.status for order in gateway.orders] == ["Cancelled"]
    assert gateway.executions == ()


async def test_conditions_that_were_met_while_the_gateway_was_down_set_a_family_off(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    gateway = await playing(bench, tmp_path, clock)
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    at_one = TimeCondition(isMore=True, time="20260701 13:00:00 US/Eastern")
    after_it = ExecutionCondition(secType="STK", exch="SMART", symbol="V")
    below = PriceCondition(isMore=False, price=190.0, conId=v.conId, exch="SMART", triggerMethod=2)
    ib.placeOrder(v, MarketOrder("BUY", 1, orderId=50, tif="GTC", conditions=[at_one], transmit=False))
    ib.placeOrder(v, MarketOrder("SELL", 1, orderId=51, parentId=50, tif="GTC", conditions=[below]))
    ib.placeOrder(ma, MarketOrder("BUY", 1, orderId=52, tif="GTC", conditions=[after_it]))
    await echo(ib)
    await gateway.stop()
    clock.time_s += 2 * 3600
    gateway = await playing(bench, tmp_path, clock)
    assert [order.status for order in gateway.orders] == ["Filled", "PreSubmitted", "Filled"]
    gateway.push("V", 190.0)
    assert [order.status for order in gateway.orders] == ["Filled", "Filled", "Filled"]


async def test_stops_and_held_orders_live_through_the_nightly_restart_and_ids_that_roll_back(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    above = PriceCondition(price=205.0, conId=v.conId, exch="SMART", triggerMethod=2)
    stop = ib.placeOrder(v, StopOrder("SELL", 10, 190.0, tif="GTC", orderRef="stop"))
    held = ib.placeOrder(v, MarketOrder("BUY", 10, tif="GTC", orderRef="held", conditions=[above]))
    await echo(ib)
    gateway.step_to(NOON_S + 11.75 * 3600)
    gateway.restart(down_s=60.0, ids_back=100)
    gateway.step_to(NOON_S + 11.75 * 3600 + 61)
    back = await connect()
    # ib_insync counts on from the orders that it is shown, whatever the rolled back id was.
    assert back.client.getReqId() > held.order.orderId
    assert {trade.order.orderRef: trade.order.permId for trade in back.openTrades()} == {
        "stop": stop.order.permId,
        "held": held.order.permId,
    }
    gateway.step_to(NOON_S + DAY_S)
    for price in (205.0, 190.0):
        gateway.push("V", price)
    assert [(order.orderRef, order.status) for order in gateway.orders] == [("stop", "Filled"), ("held", "Filled")]


async def test_an_order_under_an_id_that_rolled_back_is_a_change_of_the_one_that_has_it(
    bench: Bench, connect: Connect
) -> None:
    gateway = await bench.gateway()
    ib = await connect()
    v = await stock(ib, "V")
    first = ib.placeOrder(v, LimitOrder("BUY", 10, 150.0, tif="GTC", orderRef="first"))
    await echo(ib)
    gateway.restart(ids_back=100)
    back = await connect()
    back.placeOrder(v, LimitOrder("BUY", 20, 151.0, tif="GTC", orderRef="second", orderId=first.order.orderId))
    await echo(back)
    assert [(order.permId, order.form.totalQuantity) for order in gateway.orders] == [(first.order.permId, 20)]


async def test_an_account_that_was_reset_stays_so(bench: Bench, connect: Connect, tmp_path: Path) -> None:
    gateway = await bench.gateway(state=tmp_path / "gateway.db")
    ib = await connect()
    await until(ib, ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 1, tif="DAY")).isDone)
    gateway.reset_account("DU1")
    await gateway.stop()
    await bench.gateway(state=tmp_path / "gateway.db")
    back = await connect()
    assert back.positions() == []
    assert [one.value for one in back.accountValues() if one.tag == "NetLiquidation"] == ["1000000.00"]
