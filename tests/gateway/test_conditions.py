"""Orders held until their conditions are met, with and without a client."""

from collections.abc import Sequence

import pytest
from ib_insync import (
    IB,
    Contract,
    ExecutionCondition,
    Forex,
    LimitOrder,
    MarginCondition,
    MarketOrder,
    OrderCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    Trade,
    VolumeCondition,
)

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, Transcript, echo, stock, until


async def held(ib: IB, *conditions: OrderCondition, symbol: str = "MA", **fields: object) -> Trade:
    """A market order for 10 that waits for conditions."""
    order = MarketOrder("BUY", 10, conditions=list(conditions), **fields)
    trade = ib.placeOrder(await stock(ib, symbol), order)
    await echo(ib)
    return trade


def price(contract: Contract, level: float, *, more: bool = True, method: int = 0, conj: str = "a") -> PriceCondition:
    return PriceCondition(
        conjunction=conj, isMore=more, price=level, conId=contract.conId, exch="SMART", triggerMethod=method
    )


async def test_it_is_presubmitted_then_submitted_then_filled(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    trade = await held(ib, price(await stock(ib, "V"), 200.0))
    assert [frame[2] for frame in transcript.of(3)] == ["PreSubmitted"]
    gateway.push("V", 201.0)
    await until(ib, trade.isDone)
    assert [frame[2] for frame in transcript.of(3)] == ["PreSubmitted", "Submitted", "Filled"]
    assert trade.orderStatus.avgFillPrice == 300.0


async def test_it_triggers_with_no_client_connected_and_the_next_one_hears_of_it(
    gateway: Gateway, connect: Connect
) -> None:
    ib = await connect(clientId=3)
    await held(ib, price(await stock(ib, "V"), 200.0), orderRef="alone", tif="GTC")
    ib.disconnect()
    other = await connect(clientId=4)
    other.disconnect()
    gateway.push("V", 199.99)
    assert gateway.orders[0].live
    gateway.push("V", 200.0)
    assert gateway.orders[0].status == "Filled"
    back = await connect(clientId=3)
    assert [fill.execution.orderRef for fill in back.fills()] == ["alone"]
    assert [position.position for position in back.positions()] == [10]


@pytest.mark.parametrize(("more", "prices"), [(True, [199.99, 200.0]), (False, [198.01, 198.0])])
async def test_a_level_counts_when_it_is_touched(
    gateway: Gateway, connect: Connect, more: bool, prices: list[float]
) -> None:
    ib = await connect()
    trade = await held(ib, price(await stock(ib, "V"), prices[1], more=more))
    gateway.push("V", prices[0])
    await echo(ib)
    assert trade.orderStatus.status == "PreSubmitted"
    gateway.push("V", prices[1])
    await until(ib, trade.isDone)


async def test_a_level_that_is_true_already_triggers_at_once(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trade = await held(ib, price(await stock(ib, "V"), 199.0))
    await until(ib, trade.isDone)


QUOTED = [(199.0, 199.2), (200.0, 200.4), (200.1, 200.4)]


@pytest.mark.parametrize(
    ("method", "steps"),
    [
        (1, QUOTED),
        (2, [200.0]),
        (3, [200.0, 199.9, 200.0, 200.1]),
        (4, QUOTED[:2]),
        (7, [(199.9, 200.3), 200.0]),
        (8, [(199.6, 200.2), (199.8, 200.2)]),
    ],
    ids=["double bid/ask", "last", "double last", "bid/ask", "last or bid/ask", "midpoint"],
)
async def test_trigger_methods_fill_at_the_last_step_and_not_before(
    gateway: Gateway,
    connect: Connect,
    method: int,
    steps: Sequence[float | tuple[float, float]],
) -> None:
    ib = await connect()
    gateway.push_quote("V", 198.0, 198.2)
    trade = await held(ib, price(await stock(ib, "V"), 200.0, method=method))
    for number, step in enumerate(steps, start=1):
        assert trade.isActive(), f"filled before step {number}"
        if isinstance(step, tuple):
            gateway.push_quote("V", *step)
        else:
            gateway.push("V", step)
        await echo(ib)
    assert trade.isDone()


async def test_a_fall_is_seen_in_the_ask(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    gateway.push_quote("V", 198.0, 201.0)
    trade = await held(ib, price(await stock(ib, "V"), 199.0, more=False, method=4))
    assert trade.isActive()
    gateway.push_quote("V", 198.0, 199.0)
    await until(ib, trade.isDone)


async def test_by_default_a_currency_pair_is_judged_by_its_quote(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (pair,) = await ib.qualifyContractsAsync(Forex("EURUSD"))
    trade = await held(ib, price(pair, 1.1))
    gateway.push_quote("EURUSD", 1.0999, 1.1001)
    await echo(ib)
    assert trade.isActive()
    gateway.push_quote("EURUSD", 1.1, 1.1002)
    await until(ib, trade.isDone)


async def test_time(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    trade = await held(ib, TimeCondition(isMore=True, time="20260701 12:30:00 US/Eastern"))
    gateway.step_to(NOON_S + 1799)
    await echo(ib)
    assert trade.isActive()
    gateway.step_to(NOON_S + 1800)
    await until(ib, trade.isDone)


async def test_time_in_utc_and_before(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    past = await held(ib, TimeCondition(isMore=True, time="20260701-15:59:59"))
    not_yet = await held(ib, TimeCondition(isMore=False, time="20260701-16:00:01"))
    over = await held(ib, TimeCondition(isMore=False, time="20260701-15:59:59"))
    assert [trade.isDone() for trade in (past, not_yet, over)] == [True, True, False]


async def test_volume_of_the_day(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    trade = await held(ib, VolumeCondition(isMore=True, volume=1000, conId=v.conId, exch="SMART"))
    gateway.push("V", 199.0, 899)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 199.0, 1)
    await until(ib, trade.isDone)


@pytest.mark.parametrize(("more", "percent", "near", "far"), [(True, 5.0, 209.89, 209.9), (False, -5.0, 189.91, 189.9)])
async def test_percent_change_is_from_the_last_close(
    bench: Bench, connect: Connect, more: bool, percent: float, near: float, far: float
) -> None:
    gateway = await bench.gateway()
    ib = await connect()
    v = await stock(ib, "V")
    gateway.market.quote(v.conId).close = 199.9
    trade = await held(ib, PercentChangeCondition(isMore=more, changePercent=percent, conId=v.conId, exch="SMART"))
    gateway.push("V", near)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", far)
    await until(ib, trade.isDone)


async def test_percent_change_without_a_close_never_triggers(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    trade = await held(ib, PercentChangeCondition(isMore=True, changePercent=-99.0, conId=v.conId, exch="SMART"))
    gateway.push("V", 400.0)
    await echo(ib)
    assert trade.isActive()


async def test_an_execution_in_the_symbol_triggers_and_another_does_not(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    waiting = await held(ib, ExecutionCondition(secType="STK", exch="SMART", symbol="V"))
    ma = ib.placeOrder(await stock(ib, "MA"), MarketOrder("BUY", 1))
    await until(ib, ma.isDone)
    assert waiting.isActive()
    ib.placeOrder(await stock(ib, "V"), MarketOrder("SELL", 1))
    await until(ib, waiting.isDone)


async def test_an_execution_counts_for_orders_of_its_own_account(bench: Bench, connect: Connect) -> None:
    await bench.gateway(accounts=("DU1", "DU2"))
    ib = await connect()
    v = await stock(ib, "V")
    traded = ExecutionCondition(secType="STK", exch="SMART", symbol="V")
    one, two = [await held(ib, traded, account=account) for account in ("DU1", "DU2")]
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 1, account="DU2")).isDone)
    await until(ib, two.isDone)
    assert one.orderStatus.status == "PreSubmitted"


async def test_a_margin_cushion_is_that_of_the_orders_account(bench: Bench, connect: Connect) -> None:
    gateway = await bench.gateway(accounts=("DU1", "DU2"))
    ib = await connect()
    v = await stock(ib, "V")
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 9000, account="DU2")).isDone)
    one, two = [await held(ib, MarginCondition(isMore=False, percent=20), account=name) for name in ("DU1", "DU2")]
    gateway.push("V", 100.0)
    await until(ib, two.isDone)
    assert one.orderStatus.status == "PreSubmitted"


async def test_a_margin_cushion_that_shrinks_with_the_market(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    await until(ib, ib.placeOrder(v, MarketOrder("BUY", 8000)).isDone)
    cushion = next(float(value.value) for value in ib.accountValues() if value.tag == "Cushion")
    assert 0.55 < cushion < 0.65
    trade = await held(ib, MarginCondition(isMore=False, percent=50))
    gateway.push("V", 150.0)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 99.0)
    await until(ib, trade.isDone)


async def test_and_needs_all_at_once(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, aapl = await stock(ib, "V"), await stock(ib, "AAPL")
    trade = await held(ib, price(v, 200.0), price(aapl, 170.0))
    for symbol, value in (("V", 201.0), ("V", 199.0), ("AAPL", 171.0)):
        gateway.push(symbol, value)
        await echo(ib)
        assert trade.isActive()
    gateway.push("V", 200.0)
    await until(ib, trade.isDone)


async def test_or_needs_one(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, aapl = await stock(ib, "V"), await stock(ib, "AAPL")
    trade = await held(ib, price(v, 200.0, conj="o"), price(aapl, 170.0))
    gateway.push("AAPL", 171.0)
    await until(ib, trade.isDone)


async def test_mixed_links_are_read_from_left_to_right(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, aapl, ko = await stock(ib, "V"), await stock(ib, "AAPL"), await stock(ib, "KO")
    trade = await held(ib, price(v, 200.0, conj="o"), price(aapl, 170.0, conj="a"), price(ko, 60.0))
    gateway.push("V", 201.0)
    await echo(ib)
    assert trade.isActive()
    gateway.push("KO", 60.0)
    await until(ib, trade.isDone)


async def test_a_condition_can_cancel_a_working_order(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    order = LimitOrder("BUY", 10, 250.0, conditions=[price(v, 200.0)], conditionsCancelOrder=True)
    trade = ib.placeOrder(await stock(ib, "MA"), order)
    await echo(ib)
    assert trade.orderStatus.status == "Submitted"
    gateway.push("V", 200.0)
    await until(ib, trade.isDone)
    assert trade.orderStatus.status == "Cancelled"
    assert gateway.executions == ()


async def test_a_held_order_can_be_cancelled_and_stays_so(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    trade = await held(ib, price(await stock(ib, "V"), 200.0))
    ib.cancelOrder(trade.order)
    await until(ib, trade.isDone)
    gateway.push("V", 201.0)
    assert gateway.executions == ()


async def test_a_modified_condition_replaces_the_old_one(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    trade = await held(ib, price(v, 200.0))
    trade.order.conditions = [price(v, 210.0)]
    ib.placeOrder(trade.contract, trade.order)
    await echo(ib)
    gateway.push("V", 205.0)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 210.0)
    await until(ib, trade.isDone)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (PriceCondition(price=1.0, conId=0, exch="SMART"), 147),
        (VolumeCondition(volume=1, conId=4711, exch="SMART"), 133),
        (TimeCondition(time="noon"), 391),
        (TimeCondition(time="20260701 12:00:00 Mars/Olympus"), 391),
        (PriceCondition(price=1.0, conId=49462172, exch="SMART", triggerMethod=5), 146),
    ],
)
async def test_conditions_that_cannot_be_are_refused(
    gateway: Gateway, connect: Connect, condition: OrderCondition, code: int
) -> None:
    ib = await connect()
    heard: list[int] = []
    ib.errorEvent += lambda reqId, errorCode, text, contract: heard.append(errorCode)
    await held(ib, condition)
    assert heard == [code]
    assert gateway.orders == ()


async def test_a_word_that_is_no_conjunction_is_error_320(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard: list[tuple[int, str]] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append((code, text))
    await held(ib, TimeCondition(conjunction="&", time="20260701-12:00:00"))
    ((code, text),) = heard
    assert code == 320
    assert "'conjunction'" in text


async def test_all_six_come_back_field_by_field_after_a_reconnect(gateway: Gateway, connect: Connect) -> None:
    ib = await connect(clientId=2)
    v = await stock(ib, "V")
    conditions: list[OrderCondition] = [
        PriceCondition(conjunction="a", isMore=False, price=150.25, conId=v.conId, exch="NYSE", triggerMethod=4),
        TimeCondition(conjunction="a", isMore=True, time="20990101 10:00:00 US/Eastern"),
        MarginCondition(conjunction="o", isMore=False, percent=30),
        ExecutionCondition(conjunction="a", secType="STK", exch="SMART", symbol="KO"),
        VolumeCondition(conjunction="a", isMore=True, volume=123456, conId=v.conId, exch="SMART"),
        PercentChangeCondition(conjunction="a", isMore=False, changePercent=-2.5, conId=v.conId, exch="SMART"),
    ]
    order = LimitOrder("SELL", 7, 301.5, tif="GTC", orderRef="six", outsideRth=True, conditions=conditions)
    order.conditionsIgnoreRth = True
    transcript = Transcript(ib)
    ib.placeOrder(await stock(ib, "MA"), order)
    await echo(ib)
    assert six_on_the_wire(transcript.of(5)[0], v.conId)
    ib.disconnect()
    back = await connect(clientId=2)
    (trade,) = back.openTrades()
    assert trade.order.conditions == conditions
    assert trade.order.conditionsIgnoreRth is True
    assert trade.order.conditionsCancelOrder is False
    assert (trade.order.lmtPrice, trade.order.tif, trade.order.orderRef) == (301.5, "GTC", "six")
    assert trade.order.outsideRth is True


def six_on_the_wire(frame: list[str], conId: int) -> bool:
    """The conditions of an open order as the fields that TWS sends, in its order."""
    expected = (
        f"6|1|a|0|150.25|{conId}|NYSE|4|3|a|1|20990101 10:00:00 US/Eastern|4|o|0|30|5|a|STK|SMART|KO"
        f"|6|a|1|123456|{conId}|SMART|7|a|0|-2.5|{conId}|SMART|1|0|"
    )
    return expected in "|".join(frame)


async def test_what_is_held_on_others_is_not_looked_at(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ib.client.MaxRequests = 0
    ma, v = await stock(ib, "MA"), await stock(ib, "V")
    for _ in range(50):
        ib.placeOrder(ma, MarketOrder("BUY", 1, conditions=[price(v, 900.0)]))
    await echo(ib)
    watching = gateway.market.quote
    asked: list[int] = []

    def counted(conId: int) -> object:
        asked.append(conId)
        return watching(conId)

    gateway.market.quote = counted
    gateway.push("AAPL", 170.0)
    assert v.conId not in asked
    assert len(asked) < 10
