"""What the gateway remembers over its own restart."""

from pathlib import Path

import pytest
from ib_insync import LimitOrder, MarketOrder, PriceCondition, StopOrder, TimeCondition

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway.state import StateError
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, echo, stock, until


async def test_orders_fills_positions_and_ids_come_back(bench: Bench, connect: Connect, tmp_path: Path) -> None:
    state = tmp_path / "gateway.db"
    first = await bench.gateway(state=state)
    ib = await connect(clientId=3)
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    done = ib.placeOrder(v, MarketOrder("BUY", 100, orderRef="done"))
    await until(ib, done.isDone)
    conditions = [
        PriceCondition(conjunction="o", isMore=True, price=210.0, conId=v.conId, exch="SMART", triggerMethod=2),
        TimeCondition(isMore=True, time="20990101 10:00:00 US/Eastern"),
    ]
    waiting = ib.placeOrder(ma, MarketOrder("BUY", 10, tif="GTC", orderRef="waits", conditions=conditions))
    await echo(ib)
    cash = next(one.value for one in ib.accountValues() if one.tag == "TotalCashValue")
    ib.disconnect()
    await first.stop()

    second = await bench.gateway(state=state)
    back = await connect(clientId=3)
    (trade,) = back.openTrades()
    assert trade.order.orderRef == "waits"
    assert trade.order.permId == waiting.order.permId
    assert trade.order.conditions == conditions
    assert trade.orderStatus.status == "PreSubmitted"
    assert [(fill.execution.orderRef, fill.execution.execId) for fill in back.fills()] == [
        ("done", done.fills[0].execution.execId)
    ]
    assert [(one.contract.symbol, one.position) for one in back.positions()] == [("V", 100)]
    assert next(one.value for one in back.accountValues() if one.tag == "TotalCashValue") == cash
    assert back.client.getReqId() > waiting.order.orderId
    completed = await back.reqCompletedOrdersAsync(False)
    assert [one.order.orderRef for one in completed] == ["done"]

    second.push("V", 211.0)
    await until(back, trade.isDone)
    assert trade.order.permId == waiting.order.permId


async def test_a_bracket_goes_on_where_it_stood(bench: Bench, connect: Connect, tmp_path: Path) -> None:
    first = await bench.gateway(state=tmp_path / "gateway.db")
    ib = await connect()
    v = await stock(ib, "V")
    parent = MarketOrder("BUY", 10, orderId=50, transmit=False)
    profit = LimitOrder("SELL", 10, 210.0, orderId=51, parentId=50, tif="GTC", transmit=False)
    loss = StopOrder("SELL", 10, 190.0, orderId=52, parentId=50, tif="GTC", transmit=True)
    trades = [ib.placeOrder(v, order) for order in (parent, profit, loss)]
    await until(ib, trades[0].isDone)
    await first.stop()
    second = await bench.gateway(state=tmp_path / "gateway.db")
    second.push("V", 189.0)
    assert [order.status for order in second.orders] == ["Filled", "Cancelled", "Filled"]


async def test_a_staged_order_stays_staged(bench: Bench, connect: Connect, tmp_path: Path) -> None:
    first = await bench.gateway(state=tmp_path / "gateway.db")
    ib = await connect()
    ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 10, transmit=False))
    await echo(ib)
    await first.stop()
    second = await bench.gateway(state=tmp_path / "gateway.db")
    second.push("V", 201.0)
    assert second.executions == ()
    assert second.orders[0].staged


async def test_a_day_order_does_not_see_the_next_day(
    bench: Bench, connect: Connect, tmp_path: Path, clock: SteppedClock
) -> None:
    first = await bench.gateway(state=tmp_path / "gateway.db", clock=clock)
    ib = await connect(clientId=2)
    v = await stock(ib, "V")
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 1, orderRef="old")).isDone)
    ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="DAY", orderRef="day"))
    ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="GTC", orderRef="gtc"))
    await echo(ib)
    await first.stop()
    clock.time_s = NOON_S + 86_400
    second = await bench.gateway(state=tmp_path / "gateway.db", clock=clock)
    assert {order.form.orderRef: order.status for order in second.orders} == {"day": "Cancelled", "gtc": "Submitted"}
    assert second.executions == ()
    back = await connect(clientId=2)
    assert [one.position for one in back.positions()] == [1]


async def test_two_gateways_do_not_share_a_file(bench: Bench, tmp_path: Path) -> None:
    await bench.gateway(state=tmp_path / "gateway.db")
    with pytest.raises(StateError, match="cannot be used as a state file"):
        await Gateway(Market(Catalogue()), state=tmp_path / "gateway.db").start()


async def test_a_file_that_is_no_state_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("remember the milk\n" * 100)
    with pytest.raises(StateError, match=r"notes\.txt"):
        await Gateway(Market(Catalogue()), state=file).start()
    assert file.read_text().startswith("remember the milk")


async def test_an_order_of_a_contract_that_is_no_longer_listed_is_named(
    bench: Bench, connect: Connect, tmp_path: Path
) -> None:
    catalogue = Catalogue()
    catalogue.add_stock("FOOX")
    first = Gateway(Market(catalogue), state=tmp_path / "gateway.db", accounts=("DU1",))
    await first.start()
    bench.running.append(first)
    ib = await connect()
    ib.placeOrder(await stock(ib, "FOOX"), LimitOrder("BUY", 1, 1.0, tif="GTC"))
    await echo(ib)
    await first.stop()
    with pytest.raises(StateError, match="FOOX"):
        await Gateway(Market(Catalogue()), state=tmp_path / "gateway.db").start()
