"""What a program must survive with its orders, staged one by one: what it does, and what a client sees."""

import asyncio
from collections.abc import Callable

import pytest
from ib_insync import IB, Contract, Execution, LimitOrder, MarketOrder, PriceCondition, Trade

from tests.gateway.conftest import (
    DEADLINE_S,
    Dial,
    Play,
    Transcript,
    echo,
    hello,
    hung_up,
    known,
    unanswered,
    until,
)

DAY_S = 86_400.0


# Orders that are lost, late, or lose their acknowledgement.


async def test_an_order_whose_acknowledgement_was_lost_is_found_by_its_reference(play: Play) -> None:
    for reply in ("OpenOrder", "OrderStatus"):
        play.gateway.drop(reply, client=1)
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    assert trade.orderStatus.status == "PendingSubmit"
    play.gateway.let_through()
    assert [one.order.orderRef for one in (await play.back()).openTrades()] == ["mine"]


async def test_an_order_answered_by_silence_is_in_none_of_the_three_lists(play: Play) -> None:
    play.gateway.lose_orders(1)
    trade = play.place(150.0, orderRef="mine")
    assert await play.codes() == []
    assert trade.orderStatus.status == "PendingSubmit"
    assert await known(play.ib) == []


@pytest.mark.parametrize(("loses_orders", "found"), [(True, []), (False, ["mine"])])
async def test_a_restart_in_the_second_of_the_send_loses_the_order_or_keeps_it(
    play: Play, loses_orders: bool, found: list[str]
) -> None:
    play.gateway.delay_orders(1.0)
    play.place(150.0, orderRef="mine")
    await echo(play.ib)
    gone = hung_up(play.ib)
    play.gateway.restart(loses_orders=loses_orders)
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    play.pass_s(2.0)
    assert await known(await play.connect(clientId=1)) == found


async def test_an_order_can_arrive_after_the_client_has_come_back_and_asked(play: Play) -> None:
    play.gateway.delay_orders(60.0)
    play.place(150.0, orderRef="mine")
    await echo(play.ib)
    ib = await play.back()
    assert await known(ib) == []
    play.pass_s(60.0)
    assert await known(ib) == ["mine"]


async def test_a_delayed_order_cannot_be_cancelled_before_it_has_arrived(play: Play) -> None:
    play.gateway.delay_orders(5.0)
    trade = play.place(150.0)
    play.ib.cancelOrder(trade.order)
    assert await play.codes() == [10147]
    play.pass_s(5.0)
    (order,) = play.gateway.orders
    assert order.live


@pytest.mark.parametrize(("by", "first"), [(2, 3), (1_000_000, 1)], ids=["rolled back", "reset to one"])
async def test_ids_that_were_given_are_given_again_after_a_restart(play: Play, dial: Dial, by: int, first: int) -> None:
    wire = await dial.greeted(play.gateway, clientId=9)
    for orderId in range(1, 5):
        play.gateway.lose_orders(1)
        play.gateway._floor.book.saw_id(9, orderId)
    play.gateway.restart(ids_back=by)
    assert await wire.is_closed()
    again = await dial.open(play.gateway)
    again.write(hello(176))
    await again.read()
    again.send(71, 2, 9, "")
    messages = [await again.read() for _ in range(2)]
    assert messages[1] == ["9", "1", str(first)]


async def test_a_burst_is_cut_off_in_its_middle(play: Play) -> None:
    gone = hung_up(play.ib)
    play.gateway.drop_after("PlaceOrder", 45)
    play.ib.client.MaxRequests = 0
    for number in range(100):
        play.place(orderRef=f"burst {number}")
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    assert [one.orderRef for one in play.gateway.executions] == [f"burst {number}" for number in range(45)]


# A process that hangs, a socket that is half open.


async def test_a_frozen_gateway_does_not_answer_a_probe(play: Play) -> None:
    play.gateway.freeze()
    await unanswered(play.ib.reqCurrentTimeAsync())
    assert play.ib.isConnected()


async def test_an_order_sent_into_a_frozen_gateway_is_placed_when_it_thaws(play: Play) -> None:
    await echo(play.ib)
    play.gateway.freeze()
    trade = play.place(150.0)
    await unanswered(play.ib.reqCurrentTimeAsync())
    assert play.gateway.orders == ()
    play.gateway.thaw()
    await until(play.ib, lambda: trade.orderStatus.status == "Submitted")


# Answers that never come, or come without what matters.


@pytest.mark.parametrize(
    ("reply", "ask"),
    [
        ("OpenOrderEnd", lambda ib: ib.reqOpenOrdersAsync()),
        ("CompletedOrdersEnd", lambda ib: ib.reqCompletedOrdersAsync(False)),
        ("ExecDetailsEnd", lambda ib: ib.reqExecutionsAsync()),
        ("PositionEnd", lambda ib: ib.reqPositionsAsync()),
        ("ContractDetailsEnd", lambda ib: ib.reqContractDetailsAsync(Contract(conId=1, exchange="SMART", symbol="V"))),
    ],
)
async def test_any_answer_can_be_withheld(play: Play, reply: str, ask: Callable[[IB], object]) -> None:
    play.gateway.withhold(reply)
    if reply == "ContractDetailsEnd":
        await unanswered(play.ib.reqContractDetailsAsync(play.v))
    else:
        await unanswered(ask(play.ib))
    assert play.ib.isConnected()


async def test_a_request_can_be_ignored_altogether_and_only_for_one_client(play: Play) -> None:
    play.gateway.ignore("ReqExecutions", client=1)
    other = await play.connect(clientId=2)
    await unanswered(play.ib.reqExecutionsAsync())
    assert await asyncio.wait_for(other.reqExecutionsAsync(), DEADLINE_S) == []


async def test_a_completed_order_comes_without_its_reference(play: Play) -> None:
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.ib.cancelOrder(trade.order)
    await echo(play.ib)
    play.gateway.hide_reference("CompletedOrder")
    (completed,) = await play.ib.reqCompletedOrdersAsync(False)
    assert (completed.order.orderRef, completed.order.permId) == ("", trade.order.permId)


# Codes about an order that lives, and about one that does not.


@pytest.mark.parametrize("code", [161, 321, 329, 399, 404, 10147, 10148, 10349])
async def test_a_code_about_an_order_that_was_taken_leaves_it_working(play: Play, code: int) -> None:
    play.gateway.refuse_orders(code, placed=True)
    play.place(150.0, orderRef="mine")
    assert await play.codes() == [code]
    (order,) = play.gateway.orders
    assert order.live


@pytest.mark.parametrize(("placed", "found"), [(True, ["mine"]), (False, [])])
async def test_a_duplicate_id_may_mean_an_order_that_is_there_or_none(
    play: Play, placed: bool, found: list[str]
) -> None:
    play.gateway.refuse_orders(103, placed=placed)
    play.place(150.0, orderRef="mine")
    assert await play.codes() == [103]
    assert await known(play.ib) == found


async def test_a_refused_order_is_refused_once_and_leaves_nothing(play: Play) -> None:
    play.gateway.refuse_orders(201, "Order rejected - reason:because")
    play.place(150.0, orderRef="refused")
    kept = play.place(149.0, orderRef="kept")
    assert await play.codes() == [201]
    assert kept.orderStatus.status == "Submitted"
    assert await known(play.ib) == ["kept"]


async def part_filled(play: Play, tif: str = "DAY") -> Trade:
    """An order for 300 shares of which a hundred were offered."""
    play.gateway.push_quote("V", 198.9, 199.1)
    order = LimitOrder("BUY", 300, 199.1, tif=tif, orderRef="part")
    trade = play.ib.placeOrder(play.v, order)
    await echo(play.ib)
    assert 0 < trade.filled() < 300
    return trade


async def test_a_cancel_after_a_part_was_filled_keeps_that_part(play: Play) -> None:
    trade = await part_filled(play)
    filled = trade.filled()
    play.ib.cancelOrder(trade.order)
    assert await play.codes() == [202]
    (order,) = play.gateway.orders
    assert (str(order.status), order.filled) == ("Cancelled", filled)
    assert [one.position for one in await play.ib.reqPositionsAsync()] == [filled]


async def test_a_fill_comes_after_the_cancel(play: Play) -> None:
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.ib.cancelOrder(trade.order)
    await until(play.ib, trade.isDone)
    fills: list[Execution] = []
    play.ib.execDetailsEvent += lambda trade, fill: fills.append(fill.execution)
    play.gateway.fill_late("mine")
    await echo(play.ib)
    assert [(fill.orderRef, fill.shares, fill.permId) for fill in fills] == [("mine", 1, trade.order.permId)]
    assert play.gateway.orders[0].status == "Filled"
    assert [one.position for one in await play.ib.reqPositionsAsync()] == [1]


async def test_a_fill_is_told_before_the_order(play: Play) -> None:
    transcript = Transcript(play.ib)
    play.gateway.reorder("OpenOrder", behind=6, count=1)
    trade = play.place()
    await until(play.ib, lambda: trade.fills)
    await echo(play.ib)
    numbers = [number for number in transcript.numbers() if number in ("5", "11")]
    assert numbers[0] == "11"


async def test_a_fill_is_told_twice_under_one_id(play: Play) -> None:
    transcript = Transcript(play.ib)
    play.gateway.duplicate("ExecDetails")
    trade = play.place()
    await until(play.ib, trade.isDone)
    first, second = transcript.of(11)
    assert first == second
    assert len(play.gateway.executions) == 1


async def test_a_corrected_fill_is_told_under_the_next_number_of_the_same_trade(play: Play) -> None:
    trade = play.place()
    await until(play.ib, trade.isDone)
    transcript = Transcript(play.ib)
    (execution,) = play.gateway.executions
    play.gateway.correct(execution.execId, 198.0, 1.0)
    await echo(play.ib)
    (told,) = transcript.of(11)
    assert execution.execId[:-3] + ".02" in told
    assert execution.execId.endswith(".01")


async def test_one_id_has_two_live_orders_with_numbers_of_their_own(play: Play) -> None:
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.gateway.double_order("mine")
    open_ = await (await play.back()).reqAllOpenOrdersAsync()
    assert {one.order.orderId for one in open_} == {trade.order.orderId}
    assert len({order.permId for order in play.gateway.orders if order.live}) == 2


async def test_a_preview_beside_a_live_order_is_no_order(play: Play) -> None:
    trade = play.place(150.0, orderRef="live")
    preview = await asyncio.wait_for(play.ib.whatIfOrderAsync(play.v, MarketOrder("BUY", 10, tif="DAY")), DEADLINE_S)
    assert float(preview.initMarginChange) > 0
    assert trade.orderStatus.status == "Submitted"
    assert await known(play.ib) == ["live"]


async def test_somebody_cancels_our_order_in_tws(play: Play) -> None:
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.gateway.cancel_in_tws("mine")
    await until(play.ib, trade.isDone)
    assert trade.orderStatus.status == "Cancelled"


async def test_somebody_changes_the_price_of_our_order_in_tws(play: Play) -> None:
    trade = play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.gateway.modify_in_tws("mine", price=151.0)
    await until(play.ib, lambda: trade.order.lmtPrice == 151.0)
    assert trade.isActive()


# Time, days, accounts.


async def test_a_part_filled_order_is_found_the_next_day_by_its_reference(play: Play) -> None:
    trade = await part_filled(play, tif="GTC")
    filled = trade.filled()
    play.ib.disconnect()
    play.pass_s(DAY_S)
    ib = await play.connect(clientId=1)
    (found,) = ib.openTrades()
    assert (found.order.orderRef, found.orderStatus.filled) == ("part", filled)
    assert ib.fills() == []


async def test_an_order_filled_while_its_client_was_away_for_days_shows_in_the_position_alone(play: Play) -> None:
    condition = PriceCondition(price=210.0, conId=play.v.conId, exch="SMART", triggerMethod=2)
    play.place(None, tif="GTC", orderRef="patient", conditions=[condition])
    await echo(play.ib)
    play.ib.disconnect()
    play.pass_s(DAY_S)
    play.gateway.push("V", 211.0)
    play.pass_s(2 * DAY_S)
    ib = await play.connect(clientId=1)
    assert await known(ib) == []
    assert [position.position for position in await ib.reqPositionsAsync()] == [1]


async def test_an_account_that_was_reset_holds_nothing(play: Play) -> None:
    await until(play.ib, play.place().isDone)
    assert [position.position for position in await play.ib.reqPositionsAsync()] == [1]
    play.gateway.reset_account("DU1")
    await until(play.ib, lambda: play.ib.positions() == [])
    ib = await play.back()
    assert await ib.reqPositionsAsync() == []
