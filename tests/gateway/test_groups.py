"""Brackets and one-cancels-all groups."""

import pytest
from ib_insync import IB, LimitOrder, MarketOrder, Order, PriceCondition, StopOrder, Trade

from rules_engine.gateway import Gateway
from tests.gateway.conftest import Connect, Transcript, echo, stock, until


async def bracket(ib: IB, parent: Order, take_profit: float, stop_loss: float) -> list[Trade]:
    """A parent and two exits, transmitted with the last."""
    v = await stock(ib, "V")
    parent.orderId, parent.transmit = ib.client.getReqId(), False
    profit = LimitOrder("SELL", parent.totalQuantity, take_profit, parentId=parent.orderId, transmit=False)
    loss = StopOrder("SELL", parent.totalQuantity, stop_loss, parentId=parent.orderId, transmit=True)
    return [ib.placeOrder(v, order) for order in (parent, profit, loss)]


def statuses(trades: list[Trade]) -> list[str]:
    return [trade.orderStatus.status for trade in trades]


async def test_nothing_is_said_until_the_last_is_transmitted(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    order = MarketOrder("BUY", 10, transmit=False)
    ib.placeOrder(v, order)
    await echo(ib)
    assert transcript.of(5) == transcript.of(3) == []
    assert gateway.executions == ()
    assert await ib.reqAllOpenOrdersAsync() == []
    order.transmit = True
    trade = ib.placeOrder(v, order)
    await until(ib, trade.isDone)


async def test_the_exits_wait_for_the_entry(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trades = await bracket(ib, LimitOrder("BUY", 10, 195.0), 210.0, 190.0)
    await echo(ib)
    assert statuses(trades) == ["Submitted", "PreSubmitted", "PreSubmitted"]
    assert [trade.orderStatus.whyHeld for trade in trades] == ["", "child", "child,trigger"]
    for price in (211.0, 189.0):
        gateway.push("V", price)
    await echo(ib)
    assert statuses(trades)[0] == "Filled"
    assert trades[0].orderStatus.avgFillPrice == 189.0
    assert statuses(trades)[2] == "Filled", "the stop was below the entry's price when it came alive"


@pytest.mark.parametrize(("price", "filled", "cancelled"), [(210.0, 1, 2), (190.0, 2, 1)])
async def test_one_exit_cancels_the_other(
    gateway: Gateway, connect: Connect, price: float, filled: int, cancelled: int
) -> None:
    ib = await connect()
    trades = await bracket(ib, MarketOrder("BUY", 10), 210.0, 190.0)
    await until(ib, trades[0].isDone)
    await echo(ib)
    assert statuses(trades) == ["Filled", "Submitted", "PreSubmitted"]
    gateway.push("V", price)
    await until(ib, lambda: trades[1].isDone() and trades[2].isDone())
    assert statuses(trades)[filled] == "Filled"
    assert statuses(trades)[cancelled] == "Cancelled"
    assert sum(one.signed for one in gateway.executions) == 0


async def test_cancelling_the_entry_cancels_the_exits(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trades = await bracket(ib, LimitOrder("BUY", 10, 195.0), 210.0, 190.0)
    await echo(ib)
    ib.cancelOrder(trades[0].order)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    gateway.push("V", 180.0)
    assert gateway.executions == ()


async def test_a_bracket_can_be_conditional(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ma = await stock(ib, "MA")
    entry = MarketOrder("BUY", 10, conditions=[PriceCondition(price=310.0, conId=ma.conId, exch="SMART")])
    trades = await bracket(ib, entry, 210.0, 190.0)
    await echo(ib)
    assert statuses(trades) == ["PreSubmitted"] * 3
    gateway.push("MA", 310.0)
    await until(ib, trades[0].isDone)
    await echo(ib)
    assert statuses(trades) == ["Filled", "Submitted", "PreSubmitted"]


async def oca(ib: IB, kind: int, *orders: Order) -> list[Trade]:
    v = await stock(ib, "V")
    for order in orders:
        order.ocaGroup, order.ocaType = "either", kind
    trades = [ib.placeOrder(v, order) for order in orders]
    await echo(ib)
    return trades


async def test_type_1_cancels_the_rest(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    orders = LimitOrder("BUY", 10, 195.0), StopOrder("BUY", 10, 205.0), LimitOrder("BUY", 10, 190.0)
    trades = await oca(ib, 1, *orders)
    gateway.push("V", 205.0)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    assert statuses(trades) == ["Cancelled", "Filled", "Cancelled"]


@pytest.mark.parametrize("kind", [2, 3])
async def test_types_2_and_3_reduce_the_rest(gateway: Gateway, connect: Connect, kind: int) -> None:
    ib = await connect()
    small, large = LimitOrder("SELL", 4, 205.0), LimitOrder("SELL", 10, 210.0)
    trades = await oca(ib, kind, small, large)
    gateway.push("V", 205.0)
    await until(ib, trades[0].isDone)
    await echo(ib)
    assert (trades[1].orderStatus.status, trades[1].orderStatus.remaining) == ("Submitted", 6)
    gateway.push("V", 210.0)
    await until(ib, trades[1].isDone)
    assert [one.shares for one in gateway.executions] == [4, 6]


async def test_one_print_that_reaches_both_fills_only_one(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trades = await oca(ib, 1, LimitOrder("BUY", 10, 195.0), LimitOrder("BUY", 10, 196.0))
    gateway.push("V", 150.0)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    assert len(gateway.executions) == 1


async def test_a_group_of_held_orders_triggers_once(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    trades = []
    for contract, level in ((v, 205.0), (ma, 310.0)):
        condition = PriceCondition(price=level, conId=contract.conId, exch="SMART", triggerMethod=2)
        order = MarketOrder("BUY", 10, ocaGroup="or", ocaType=1, tif="GTC", conditions=[condition])
        trades.append(ib.placeOrder(v, order))
    await echo(ib)
    gateway.push("MA", 310.0)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    assert statuses(trades) == ["Cancelled", "Filled"]


async def test_groups_of_the_same_name_in_other_accounts_are_others(connect: Connect, gateway: Gateway) -> None:
    ib = await connect()
    (alone,) = await oca(ib, 1, LimitOrder("BUY", 10, 195.0))
    other = ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 10, 196.0, ocaGroup="another", ocaType=1))
    await echo(ib)
    gateway.push("V", 196.0)
    await until(ib, other.isDone)
    assert alone.isActive()


async def test_the_conditions_of_an_exit_count_from_the_entrys_fill_on(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    entry = LimitOrder("BUY", 10, 195.0, orderId=ib.client.getReqId(), transmit=False)
    condition = PriceCondition(price=310.0, conId=ma.conId, exch="SMART", triggerMethod=2)
    exit_ = MarketOrder("SELL", 10, parentId=entry.orderId, conditions=[condition])
    trades = [ib.placeOrder(v, order) for order in (entry, exit_)]
    await echo(ib)
    gateway.push("MA", 311.0)
    gateway.push("MA", 300.0)
    gateway.push("V", 195.0)
    await until(ib, trades[0].isDone)
    await echo(ib)
    assert trades[1].orderStatus.status == "PreSubmitted"
    gateway.push("MA", 310.0)
    await until(ib, trades[1].isDone)


async def test_a_cancelled_staged_child_does_not_come_back(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    parent = MarketOrder("BUY", 10, orderId=ib.client.getReqId(), transmit=False)
    dropped = LimitOrder("SELL", 10, 210.0, parentId=parent.orderId, transmit=False)
    kept = StopOrder("SELL", 10, 190.0, parentId=parent.orderId, transmit=True)
    ib.placeOrder(v, parent)
    ib.placeOrder(v, dropped)
    ib.client.cancelOrder(dropped.orderId)
    trade = ib.placeOrder(v, kept)
    await echo(ib)
    assert [order.status for order in gateway.orders] == ["Filled", "Cancelled", "PreSubmitted"]
    assert trade.isActive()
