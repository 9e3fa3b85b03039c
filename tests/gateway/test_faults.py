"""What the gateway does wrong on command."""

import asyncio

import pytest
from ib_insync import LimitOrder, MarketOrder

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, Dial, echo, heard_by, stock, turned_away, until


async def test_dropped_connections_leave_orders_alone(gateway: Gateway, connect: Connect) -> None:
    ib = await connect(clientId=1)
    ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.0))
    await echo(ib)
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    gateway.drop_connections()
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    back = await connect(clientId=1)
    assert len(back.openTrades()) == 1


async def test_a_refused_client_number_hears_326_until_it_is_let_in(gateway: Gateway, connect: Connect) -> None:
    gateway.refuse_client(7)
    assert await turned_away(gateway, 7) == [(-1, 326)]
    gateway.refuse_client(7, refused=False)
    assert (await connect(clientId=7)).isConnected()


async def test_a_withheld_answer_never_comes(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    gateway.withhold("OpenOrderEnd")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(ib.reqOpenOrdersAsync(), 0.2)
    gateway.withhold("OpenOrderEnd", withheld=False)
    await asyncio.wait_for(ib.reqOpenOrdersAsync(), DEADLINE_S)


async def test_a_name_that_is_no_reply_cannot_be_withheld(gateway: Gateway) -> None:
    with pytest.raises(KeyError, match="OpenOrdersEnd"):
        gateway.withhold("OpenOrdersEnd")


async def test_a_delayed_order_arrives_later(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    gateway.delay_orders(30)
    trade = ib.placeOrder(v, MarketOrder("BUY", 1))
    await echo(ib)
    assert gateway.orders == ()
    gateway.step_to(NOON_S + 30)
    await until(ib, trade.isDone)
    gateway.delay_orders(0)
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 1)).isDone)


async def test_a_delayed_order_arrives_after_its_client_left(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect(clientId=3)
    v = await stock(ib, "V")
    gateway.delay_orders(30)
    ib.placeOrder(v, MarketOrder("BUY", 1, orderRef="late"))
    await echo(ib)
    ib.disconnect()
    gateway.step_to(NOON_S + 31)
    back = await connect(clientId=3)
    assert [fill.execution.orderRef for fill in back.fills()] == ["late"]


async def test_a_lost_order_is_never_heard_of(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    gateway.lose_orders(1)
    lost = ib.placeOrder(v, MarketOrder("BUY", 1, orderRef="lost"))
    kept = ib.placeOrder(v, MarketOrder("BUY", 1, orderRef="kept"))
    await until(ib, kept.isDone)
    assert lost.orderStatus.status == "PendingSubmit"
    assert [order.form.orderRef for order in gateway.orders] == ["kept"]


@pytest.mark.parametrize("code", [1100, 1101, 1102, 2103, 2105, 2110, 10197])
async def test_system_codes_reach_every_client(gateway: Gateway, connect: Connect, code: int) -> None:
    one, two = await connect(clientId=1), await connect(clientId=2)
    heard = heard_by(one), heard_by(two)
    gateway.send_code(code)
    await echo(one)
    await echo(two)
    assert heard == ([(-1, code)], [(-1, code)])


async def test_refused_data_end_lines_and_refuse_new_ones(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = heard_by(ib)
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    stopped, other = ib.reqMktData(v), ib.reqMktData(ma)
    await echo(ib)
    gateway.refuse_data("V", 10197)
    gateway.push("V", 205.0)
    gateway.push("MA", 305.0)
    await until(ib, lambda: other.last == 305.0)
    assert stopped.last == 199.0
    ib.cancelMktData(v)
    ib.reqMktData(v)
    await echo(ib)
    assert [code for _, code in heard] == [10197, 300, 10197]
    gateway.refuse_data("V", 0)
    again = ib.reqMktData(await stock(ib, "V"))
    await until(ib, lambda: again.last == 205.0)


async def test_10167_shows_delayed_prices_instead(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = heard_by(ib)
    gateway.refuse_data("V", 10167)
    ticker = ib.reqMktData(await stock(ib, "V"))
    await until(ib, lambda: ticker.marketDataType == 3)
    gateway.push("V", 205.0)
    await until(ib, lambda: ticker.last == 205.0)
    assert [code for _, code in heard] == [10167]
    assert {tick.tickType for tick in ticker.ticks} <= {66, 67, 68, 69, 70, 71, 72, 74}


async def test_a_frozen_gateway_answers_nothing_and_then_everything(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    gateway.freeze()
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    trade = ib.placeOrder(v, MarketOrder("BUY", 1))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(asked), 0.2)
    assert gateway.orders == ()
    gateway.thaw()
    await asyncio.wait_for(asked, DEADLINE_S)
    await until(ib, trade.isDone)


async def test_what_is_refused_or_cannot_be_read_counts_for_the_rate_too(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    gateway.limit_rate(2)
    wire.send(22, 7, "TOP_PERC_GAIN")
    wire.send(59, 1, "x")
    wire.send(22, 8, "TOP_PERC_GAIN")
    wire.send(49, 1)
    assert [(await wire.read())[3] for _ in range(4)] == ["162", "320", "100", "100"]
