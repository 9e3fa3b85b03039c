"""The life of single orders, message by message."""

import pytest
from ib_insync import (
    IB,
    Contract,
    ExecutionFilter,
    Index,
    LimitOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopOrder,
    Trade,
)

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, Dial, Transcript, echo, stock, until

OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION, ERROR = "5", "3", "11", "59", "4"


def life(transcript: Transcript) -> list[tuple[str, ...]]:
    """The messages about orders, shortened to what they say."""
    told: list[tuple[str, ...]] = []
    for frame in transcript.frames:
        match frame[0]:
            case "5":
                told.append(("openOrder", frame[14], status_in_open_order(frame)))
            case "3":
                told.append(("orderStatus", frame[2]))
            case "11":
                told.append(("execDetails", frame[1]))
            case "59":
                told.append(("commissionReport",))
            case "4":
                told.append(("error", frame[3]))
    return told


def status_in_open_order(frame: list[str]) -> str:
    return next(word for word in frame if word in {"PreSubmitted", "Submitted", "Filled", "Cancelled", "Inactive"})


def codes_of(ib: IB) -> list[int]:
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    return heard


async def test_a_market_order_fills_at_the_last_price_in_the_order_tws_tells_it(
    gateway: Gateway, connect: Connect
) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    trade = ib.placeOrder(v, MarketOrder("BUY", 100, orderRef="key-1", account="DU1", tif="DAY"))
    await until(ib, trade.isDone)
    assert life(transcript)[:7] == [
        ("openOrder", "100", "PreSubmitted"),
        ("orderStatus", "PreSubmitted"),
        ("execDetails", "-1"),
        ("openOrder", "100", "Filled"),
        ("orderStatus", "Filled"),
        ("commissionReport",),
    ]
    (fill,) = trade.fills
    assert (fill.execution.price, fill.execution.shares, fill.execution.side) == (199.0, 100, "BOT")
    assert (fill.execution.orderRef, fill.execution.acctNumber) == ("key-1", "DU1")
    assert fill.execution.permId == trade.orderStatus.permId > 0
    assert fill.commissionReport.commission == 1.0
    assert trade.orderStatus.avgFillPrice == 199.0


async def test_a_market_order_without_a_price_waits_for_the_first(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "AAPL"), MarketOrder("BUY", 1))
    await echo(ib)
    assert trade.isActive()
    gateway.push("AAPL", 170.0)
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 170.0


async def test_a_resting_limit_order_is_submitted_and_fills_when_the_market_comes(
    gateway: Gateway, connect: Connect
) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    trade = ib.placeOrder(v, LimitOrder("BUY", 10, 195.0, tif="DAY"))
    await echo(ib)
    assert life(transcript) == [("openOrder", "10", "Submitted"), ("orderStatus", "Submitted")]
    gateway.push("V", 195.01)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 195.0)
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 195.0


@pytest.mark.parametrize(("action", "limit", "expected"), [("BUY", 205.0, 199.0), ("SELL", 190.0, 199.0)])
async def test_a_limit_beyond_the_market_gets_the_better_price(
    gateway: Gateway, connect: Connect, action: str, limit: float, expected: float
) -> None:
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "V"), LimitOrder(action, 10, limit))
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == expected


async def test_real_quotes_are_paid_at_the_touch(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    gateway.push_quote("V", 198.5, 199.5)
    bought, sold = ib.placeOrder(v, MarketOrder("BUY", 1)), ib.placeOrder(v, MarketOrder("SELL", 1))
    await until(ib, lambda: bought.isDone() and sold.isDone())
    assert (bought.orderStatus.avgFillPrice, sold.orderStatus.avgFillPrice) == (199.5, 198.5)


async def test_a_cancel_tells_the_status_and_then_202(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    trade = ib.placeOrder(v, LimitOrder("BUY", 10, 150.0))
    await echo(ib)
    transcript = Transcript(ib)
    ib.cancelOrder(trade.order)
    await until(ib, trade.isDone)
    assert life(transcript) == [("orderStatus", "Cancelled"), ("error", "202")]
    assert transcript.of(4)[0][4] == "Order Canceled - reason:"


async def test_cancelling_nothing_is_10147_and_cancelling_a_filled_order_10148(
    dial: Dial, gateway: Gateway, connect: Connect
) -> None:
    ib = await connect(clientId=4)
    trade = ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 1))
    await until(ib, trade.isDone)
    ib.disconnect()
    await echo(await connect(clientId=5))
    wire = await dial.greeted(gateway, clientId=4)
    wire.send(4, 1, 777, "")
    assert (await wire.read())[2:5] == ["777", "10147", "OrderId 777 that needs to be cancelled is not found."]
    wire.send(4, 1, trade.order.orderId, "")
    message = await wire.read()
    assert message[3] == "10148"
    assert message[4].endswith("cannot be cancelled, state: Filled.")


async def test_a_modification_keeps_its_identity_and_can_fill(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    order = LimitOrder("BUY", 10, 150.0, tif="DAY")
    trade = ib.placeOrder(v, order)
    await echo(ib)
    permId = trade.orderStatus.permId
    order.lmtPrice = 151.5
    ib.placeOrder(v, order)
    await echo(ib)
    assert trade.log[-1].message == "Modified"
    order.totalQuantity = 12
    ib.placeOrder(v, order)
    await echo(ib)
    assert trade.orderStatus.remaining == 12
    (held,) = gateway.orders
    assert (held.permId, held.form.lmtPrice, held.form.totalQuantity) == (permId, 151.5, 12)
    order.lmtPrice = 200.0
    ib.placeOrder(v, order)
    await until(ib, trade.isDone)
    assert trade.filled() == 12


async def test_a_bad_modification_is_refused_and_the_order_lives_on(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    v = await stock(ib, "V")
    order = LimitOrder("BUY", 10, 150.0, tif="DAY")
    ib.placeOrder(v, order)
    await echo(ib)
    order.lmtPrice = 150.001
    ib.placeOrder(v, order)
    await echo(ib)
    assert heard == [110]
    (held,) = gateway.orders
    assert held.live
    assert held.form.lmtPrice == 150.0


async def test_changing_what_may_not_change_is_105(dial: Dial, gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    order = LimitOrder("BUY", 10, 150.0, tif="DAY")
    ib.placeOrder(v, order)
    await echo(ib)
    ib.client.placeOrder(order.orderId, ma, order)
    await echo(ib)
    assert heard == [105]


@pytest.mark.parametrize(("fill", "code"), [(True, 104), (False, 103)])
async def test_an_id_of_an_order_that_ended_cannot_be_used_again(
    gateway: Gateway, connect: Connect, fill: bool, code: int
) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    order = MarketOrder("BUY", 10) if fill else LimitOrder("BUY", 10, 150.0)
    trade = ib.placeOrder(v, order)
    if not fill:
        ib.cancelOrder(order)
    await until(ib, trade.isDone)
    heard = codes_of(ib)
    ib.client.placeOrder(order.orderId, v, order)
    await echo(ib)
    assert heard == [code]
    assert len(gateway.executions) == (1 if fill else 0)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (MarketOrder("BUY", 10, account="DU9"), 201),
        (MarketOrder("BUY", 0), 434),
        (MarketOrder("BUY", 0.5), 10243),
        (MarketOrder("BUY", 1_000_000), 201),
        (LimitOrder("BUY", 10, 199.005), 110),
        (StopOrder("SELL", 10, 190.001), 110),
        (Order(action="BUY", totalQuantity=1, orderType="LMT"), 321),
        (Order(action="BUY", totalQuantity=1, orderType="MAGIC"), 387),
        (LimitOrder("BUY", 1, 150.0, tif="SOON"), 10052),
        (LimitOrder("BUY", 1, 150.0, tif="GTD"), 334),
        (LimitOrder("BUY", 1, 150.0, tif="GTD", goodTillDate="tomorrow"), 391),
        (LimitOrder("BUY", 1, 150.0, parentId=99), 135),
    ],
    ids=lambda value: value if isinstance(value, int) else "",
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(
    gateway: Gateway, connect: Connect, order: Order, code: int
) -> None:
    ib = await connect()
    heard = codes_of(ib)
    transcript = Transcript(ib)
    order.orderId = 0
    ib.placeOrder(await stock(ib, "V"), order)
    await echo(ib)
    assert heard == [code]
    assert transcript.of(5) == transcript.of(3) == []
    assert gateway.orders == ()


async def test_unknown_contracts_and_indexes_cannot_be_ordered(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    ib.placeOrder(Contract(secType="STK", symbol="QZQZQ", exchange="SMART", currency="USD"), MarketOrder("BUY", 1))
    (index,) = await ib.qualifyContractsAsync(Index("SPX", "CBOE", "USD"))
    ib.placeOrder(index, MarketOrder("BUY", 1))
    await echo(ib)
    assert heard == [200, 201]


async def test_a_stop_waits_for_its_price_and_then_trades(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    trade = ib.placeOrder(v, StopOrder("SELL", 10, 190.0))
    await echo(ib)
    assert trade.orderStatus.status == "PreSubmitted"
    assert trade.orderStatus.whyHeld == "trigger"
    gateway.push("V", 190.01)
    await echo(ib)
    assert trade.orderStatus.status == "PreSubmitted"
    gateway.push("V", 190.0)
    await until(ib, trade.isDone)
    statuses = [frame[2] for frame in transcript.of(3)]
    assert statuses == ["PreSubmitted", "Submitted", "Filled"]
    assert trade.orderStatus.avgFillPrice == 190.0


async def test_a_stop_limit_rests_after_its_trigger(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "V"), StopLimitOrder("BUY", 10, 204.0, 203.0))
    gateway_prices = (202.0, 206.0)
    for price in gateway_prices:
        await echo(ib)
        gateway.push("V", price)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    gateway.push("V", 203.5)
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 203.5


async def trail(ib: IB, gateway: Gateway, order: Order, prices: list[float]) -> Trade:
    trade = ib.placeOrder(await stock(ib, "V"), order)
    for price in prices:
        await echo(ib)
        assert trade.isActive(), f"filled before {price}"
        gateway.push("V", price)
    return trade


async def test_a_trailing_stop_follows_by_an_amount(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    order = Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=5.0)
    trade = await trail(ib, gateway, order, [194.01, 203.0, 206.0, 201.01, 201.0])
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 201.0


async def test_a_trailing_stop_follows_by_percent_on_the_way_down_too(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    order = Order(action="BUY", totalQuantity=10, orderType="TRAIL", trailingPercent=10)
    trade = await trail(ib, gateway, order, [180.0, 197.99, 198.0])
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 198.0


async def test_a_trailing_stop_begins_where_it_is_told(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    order = Order(action="SELL", totalQuantity=1, orderType="TRAIL", auxPrice=5.0, trailStopPrice=198.5)
    trade = await trail(ib, gateway, order, [198.6, 198.5])
    await until(ib, trade.isDone)


async def test_a_midprice_order_fills_in_the_middle(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    gateway.push_quote("V", 198.0, 200.0)
    trade = ib.placeOrder(await stock(ib, "V"), Order(action="BUY", totalQuantity=1, orderType="MIDPRICE"))
    await until(ib, trade.isDone)
    assert trade.orderStatus.avgFillPrice == 199.0


async def test_ioc_is_cancelled_and_fok_inactive_when_they_do_not_trade(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    ioc = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="IOC"))
    fok = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="FOK"))
    good = ib.placeOrder(v, LimitOrder("BUY", 1, 199.0, tif="IOC"))
    await echo(ib)
    assert [trade.orderStatus.status for trade in (ioc, fok, good)] == ["Cancelled", "Inactive", "Filled"]


async def test_gtd_ends_at_its_time_and_good_after_time_begins_there(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    until_one = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="GTD", goodTillDate="20260701 13:00:00 US/Eastern"))
    after_one = ib.placeOrder(v, MarketOrder("BUY", 1, tif="GTC", goodAfterTime="20260701-17:00:00"))
    await echo(ib)
    gateway.step_to(NOON_S + 3599)
    await echo(ib)
    assert until_one.isActive()
    assert after_one.orderStatus.status == "PreSubmitted"
    gateway.step_to(NOON_S + 3600)
    await until(ib, lambda: until_one.isDone() and after_one.isDone())
    assert (until_one.orderStatus.status, after_one.orderStatus.status) == ("Cancelled", "Filled")


async def test_what_if_tells_margins_and_places_nothing(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    state = await ib.whatIfOrderAsync(await stock(ib, "V"), MarketOrder("BUY", 100))
    assert float(state.initMarginChange) == 199.0 * 100 * 0.5
    assert float(state.initMarginAfter) == float(state.initMarginBefore) + 9950.0
    assert state.commission == 1.0
    assert gateway.orders == ()


async def test_global_cancel_ends_every_order(gateway: Gateway, connect: Connect) -> None:
    one, two = await connect(clientId=1), await connect(clientId=2)
    v = await stock(one, "V")
    trades = [one.placeOrder(v, LimitOrder("BUY", 1, 150.0)), two.placeOrder(v, StopOrder("SELL", 1, 150.0))]
    await echo(one)
    await echo(two)
    one.reqGlobalCancel()
    await until(two, trades[1].isDone)
    await echo(one)
    assert [trade.orderStatus.status for trade in trades] == ["Cancelled", "Cancelled"]


async def test_executions_are_filtered(gateway: Gateway, connect: Connect) -> None:
    one, two = await connect(clientId=1), await connect(clientId=2)
    v, ma = await stock(one, "V"), await stock(one, "MA")
    for ib, contract, order in (
        (one, v, MarketOrder("BUY", 1)),
        (one, ma, MarketOrder("BUY", 2)),
        (two, v, MarketOrder("SELL", 3)),
    ):
        await until(ib, ib.placeOrder(contract, order).isDone)

    async def shares(**wanted: object) -> list[float]:
        return [fill.execution.shares for fill in await one.reqExecutionsAsync(ExecutionFilter(**wanted))]

    assert await shares() == [1, 2, 3]
    assert await shares(clientId=2) == [3]
    assert await shares(symbol="V") == [1, 3]
    assert await shares(symbol="V", side="SELL") == [3]
    assert await shares(secType="FUT") == []
    assert await shares(acctCode="DU1", exchange="SMART") == [1, 2, 3]
    assert await shares(time="20990101-00:00:00") == []


async def test_completed_orders_tell_what_ended_today(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    filled = ib.placeOrder(v, MarketOrder("BUY", 5, orderRef="done"))
    gone = ib.placeOrder(v, LimitOrder("BUY", 6, 150.0, orderRef="gone"))
    ib.cancelOrder(gone.order)
    await until(ib, lambda: filled.isDone() and gone.isDone())
    again = await connect(clientId=2)
    completed = {trade.order.orderRef: trade for trade in await again.reqCompletedOrdersAsync(False)}
    assert completed["done"].orderStatus.status == "Filled"
    assert completed["done"].order.permId == filled.order.permId
    assert completed["done"].order.filledQuantity == 5
    assert completed["gone"].orderStatus.status == "Cancelled"
    assert completed["gone"].order.lmtPrice == 150.0


async def test_orders_outlive_their_client_and_come_back_to_it(gateway: Gateway, connect: Connect) -> None:
    ib = await connect(clientId=6)
    v = await stock(ib, "V")
    trade = ib.placeOrder(v, LimitOrder("BUY", 1, 195.0, tif="GTC", orderRef="mine"))
    await echo(ib)
    ib.disconnect()
    back = await connect(clientId=6)
    (known,) = back.openTrades()
    assert (known.order.orderRef, known.order.permId, known.order.orderId) == (
        "mine",
        trade.order.permId,
        trade.order.orderId,
    )
    assert known.orderStatus.status == "Submitted"
    gateway.push("V", 194.0)
    await until(back, known.isDone)
    assert back.positions()[0].position == 1


async def test_real_tws_writes_none_where_old_decoders_trip(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.0))
    await echo(ib)
    (frame,) = transcript.of(5)
    assert frame.count("None") == 2
    assert frame[7] == "?"
