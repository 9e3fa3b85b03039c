"""Partial fills as a real client sees them, over a socket and over a restart of the gateway."""

from pathlib import Path

from ib_insync import LimitOrder, MarketOrder

from rules_engine.gateway import Gateway
from tests.gateway.conftest import Bench, Connect, echo, stock, until


async def test_a_client_adds_up_the_pieces(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    gateway.push_quote("V", 199.0, 199.02, 300, 300)
    trade = ib.placeOrder(v, LimitOrder("BUY", 500, 199.02, tif="DAY"))
    await echo(ib)
    assert (trade.orderStatus.status, trade.filled(), trade.remaining()) == ("Submitted", 300, 200)
    gateway.push_quote("V", 198.9, 199.0, 300, 250)
    await until(ib, trade.isDone)
    executions = [fill.execution for fill in trade.fills]
    assert [(one.shares, one.price, one.cumQty, one.lastLiquidity) for one in executions] == [
        (300, 199.02, 300, 2),
        (200, 199.0, 500, 1),
    ]
    assert trade.orderStatus.avgFillPrice == executions[-1].avgPrice == (300 * 199.02 + 200 * 199.0) / 500
    assert sum(fill.commissionReport.commission for fill in trade.fills) == 2.5
    assert [(held.position, held.avgCost) for held in ib.positions()] == [(500, executions[-1].avgPrice + 2.5 / 500)]


async def test_a_large_market_order_gets_worse_prices(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    gateway.push_quote("V", 199.0, 199.02, 10, 10)
    trade = ib.placeOrder(v, MarketOrder("SELL", 120, tif="DAY"))
    await until(ib, lambda: len(trade.fills) > 1)
    prices = [fill.execution.price for fill in trade.fills]
    assert prices[:2] == [199.0, 198.99]
    assert prices == sorted(prices, reverse=True)


async def test_an_order_goes_on_where_it_was_after_a_restart(tmp_path: Path, bench: Bench, connect: Connect) -> None:
    first = await bench.gateway(state=tmp_path / "state")
    ib = await connect(clientId=3)
    ma = await stock(ib, "MA")
    first.push_quote("MA", 298.9, 299.0, 300, 300)
    ib.placeOrder(ma, LimitOrder("BUY", 500, 299.0, tif="GTC"))
    await echo(ib)
    ib.disconnect()
    await first.stop()
    bench.running.remove(first)
    second = await bench.gateway(state=tmp_path / "state")
    back = await connect(clientId=3, gateway=second)
    (trade,) = back.openTrades()
    assert (trade.orderStatus.status, trade.orderStatus.filled, trade.orderStatus.remaining) == ("Submitted", 300, 200)
    second.push_quote("MA", 298.8, 298.9, 300, 300)
    await until(back, trade.isDone)
    assert [one.shares for one in second.executions] == [300, 200]
    assert second.executions[-1].cumQty == 500
    assert second.executions[-1].lastLiquidity == 1
