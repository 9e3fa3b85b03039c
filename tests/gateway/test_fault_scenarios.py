"""What a program must survive, staged one by one: what the gateway does then, and what a client sees of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from ib_insync import IB, Contract, Execution, Forex, LimitOrder, MarketOrder, Order, PriceCondition, Ticker, Trade

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import (
    DEADLINE_S,
    NOON_S,
    Bench,
    Connect,
    Dial,
    Transcript,
    echo,
    framed,
    heard_by,
    hello,
    hung_up,
    stock,
    until,
)

DAY_S = 86_400.0
SILENCE_S = 0.2
"""So long a client waits for what must not come."""


@dataclass
class Play:
    """A gateway, its clock, and one client with a stock to trade."""

    gateway: Gateway
    clock: SteppedClock
    ib: IB
    v: Contract
    connect: Connect
    heard: list[tuple[int, int]]

    def place(self, price: float | None = None, **fields: object) -> Trade:
        """Buys one share, at the market or with a limit."""
        kind: dict[str, object] = {"orderType": "MKT"} if price is None else {"orderType": "LMT", "lmtPrice": price}
        order = Order(action="BUY", totalQuantity=1, **{"tif": "DAY", **kind, **fields})
        return self.ib.placeOrder(self.v, order)

    async def back(self) -> IB:
        """The client comes back under its number."""
        self.ib.disconnect()
        return await self.connect(clientId=1)

    async def codes(self) -> list[int]:
        """What it has heard so far."""
        await echo(self.ib)
        return [code for _, code in self.heard]

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.gateway.step_to(self.clock.time_s + seconds)


@pytest.fixture
async def play(bench: Bench, connect: Connect, clock: SteppedClock) -> Play:
    gateway = await bench.gateway(clock=clock)
    ib = await connect(clientId=1)
    v = await stock(ib, "V")
    return Play(gateway, clock, ib, v, connect, heard_by(ib))


async def known(ib: IB) -> list[str]:
    """The orderRefs that any of the three lists of IB holds now."""
    open_ = [trade.order.orderRef for trade in await ib.reqAllOpenOrdersAsync()]
    ended = [trade.order.orderRef for trade in await ib.reqCompletedOrdersAsync(False)]
    return sorted({*open_, *ended, *(fill.execution.orderRef for fill in await ib.reqExecutionsAsync())})


async def unanswered(question: object) -> None:
    """The question gets no answer."""
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(question, SILENCE_S)  # type: ignore[arg-type]


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


# The way to IB.


async def test_fills_while_the_link_is_lost_are_told_only_to_who_asks(play: Play) -> None:
    trades = [play.place(198.0, orderRef=f"fill {number}") for number in range(3)]
    await echo(play.ib)
    transcript = Transcript(play.ib)
    play.gateway.lose_link()
    play.gateway.push("V", 197.0)
    play.gateway.restore_link()
    assert await play.codes() == [1100, 1102]
    assert transcript.of(11) == []
    assert [trade.orderStatus.status for trade in trades] == ["Submitted"] * 3
    fills = await play.ib.reqExecutionsAsync()
    assert sorted(fill.execution.orderRef for fill in fills) == ["fill 0", "fill 1", "fill 2"]


async def test_orders_wait_in_tws_until_the_link_is_back_and_go_out_in_order(play: Play) -> None:
    play.gateway.lose_link()
    trades = [play.place(150.0, orderRef="first"), play.place(151.0, orderRef="second")]
    cancelled = play.place(152.0, orderRef="third")
    play.ib.cancelOrder(cancelled.order)
    await echo(play.ib)
    assert play.gateway.orders == ()
    play.pass_s(9.0)
    play.gateway.restore_link()
    await until(play.ib, cancelled.isDone)
    assert [order.orderRef for order in play.gateway.orders] == ["first", "second", "third"]
    assert [trade.orderStatus.status for trade in trades] == ["Submitted", "Submitted"]
    assert await play.codes() == [1100, 1100, 1100, 1102, 202]


async def test_an_order_of_a_client_that_left_during_the_outage_still_goes_out(play: Play) -> None:
    play.gateway.lose_link()
    play.place(150.0, orderRef="mine")
    await echo(play.ib)
    play.ib.disconnect()
    other = await play.connect(clientId=2)
    play.gateway.restore_link()
    assert await known(other) == ["mine"]


async def streamed(play: Play, contract: Contract) -> Ticker:
    ticker = play.ib.reqMktData(contract)
    await echo(play.ib)
    return ticker


async def test_kept_subscriptions_show_the_present_price_when_the_link_is_back(play: Play) -> None:
    ticker = await streamed(play, play.v)
    play.gateway.lose_link()
    play.gateway.push("V", 205.0)
    await echo(play.ib)
    assert ticker.last == 199.0
    play.gateway.restore_link()
    await until(play.ib, lambda: ticker.last == 205.0)
    play.gateway.push("V", 206.0)
    await until(play.ib, lambda: ticker.last == 206.0)


async def test_lost_data_must_be_subscribed_again_and_can_be_under_the_same_id(play: Play) -> None:
    ticker = await streamed(play, play.v)
    play.gateway.lose_link()
    play.gateway.restore_link(data_lost=True)
    play.gateway.push("V", 205.0)
    assert await play.codes() == [1100, 1101]
    assert ticker.last == 199.0
    play.ib.client.reqMktData(play.ib.wrapper.ticker2ReqId["mktData"][ticker], play.v, "", False, False, [])
    await until(play.ib, lambda: ticker.last == 205.0)
    assert await play.codes() == [1100, 1101]


async def test_a_broken_farm_stops_its_instruments_alone(play: Play) -> None:
    (euro,) = await play.ib.qualifyContractsAsync(Forex("EURUSD"))
    play.gateway.push_quote("EURUSD", 1.0850, 1.0851)
    stopped, other = await streamed(play, play.v), await streamed(play, euro)
    play.gateway.break_farm("usfarm")
    play.gateway.push("V", 205.0)
    play.gateway.push_quote("EURUSD", 1.0860, 1.0861)
    await until(play.ib, lambda: other.bid == 1.0860)
    assert stopped.last == 199.0
    play.gateway.restore_farm("usfarm")
    await until(play.ib, lambda: stopped.last == 205.0)
    assert await play.codes() == [2103, 2104]


async def test_a_farm_that_is_said_to_be_well_still_sends_nothing(play: Play) -> None:
    ticker = await streamed(play, play.v)
    play.gateway.break_farm("usfarm")
    play.gateway.send_code(2104)
    play.gateway.push("V", 205.0)
    assert await play.codes() == [2103, 2104]
    assert ticker.last == 199.0


async def test_a_subscription_to_a_broken_farm_begins_when_it_is_back_unless_it_was_taken_back(play: Play) -> None:
    play.gateway.break_farm("usfarm")
    waits = await streamed(play, play.v)
    ma = await stock(play.ib, "MA")
    taken_back = await streamed(play, ma)
    play.ib.cancelMktData(ma)
    assert waits.last != waits.last
    assert await play.codes() == [2103]
    play.gateway.restore_farm("usfarm")
    await until(play.ib, lambda: waits.last == 199.0)
    assert taken_back.last != taken_back.last


@pytest.mark.parametrize(
    ("farm", "codes", "ask"),
    [
        ("ushmds", [2105, 2106], lambda ib, v: ib.reqHeadTimeStampAsync(v, "TRADES", False, 1)),
        ("secdefnj", [2157, 2158], lambda ib, v: ib.reqContractDetailsAsync(v)),
    ],
)
async def test_questions_to_a_broken_farm_are_answered_when_it_is_back(
    play: Play, farm: str, codes: list[int], ask: Callable[[IB, Contract], AsyncIterator[object]]
) -> None:
    play.gateway.break_farm(farm)
    asked = asyncio.ensure_future(ask(play.ib, play.v))  # type: ignore[arg-type]
    await echo(play.ib)
    assert not asked.done()
    play.gateway.restore_farm(farm)
    assert await asyncio.wait_for(asked, DEADLINE_S)
    assert await play.codes() == codes


async def test_who_connects_while_the_link_is_lost_hears_of_it(play: Play, dial: Dial) -> None:
    play.gateway.break_farm("eufarm")
    play.gateway.lose_link()
    wire = await dial.open(play.gateway)
    wire.write(hello(176))
    await wire.read()
    wire.send(71, 2, 9, "")
    messages = [await wire.read() for _ in range(7)]
    assert [message[3] for message in messages if message[0] == "4"] == ["2104", "2106", "2158", "2103", "2110"]


# Connections.


async def test_a_number_is_refused_for_a_while_and_then_let_in(play: Play, dial: Dial) -> None:
    play.gateway.refuse_client(7)
    for _ in range(2):
        wire = await dial.open(play.gateway)
        wire.write(hello(176))
        await wire.read()
        wire.send(71, 2, 7, "")
        assert (await wire.read())[:4] == ["4", "2", "-1", "326"]
        assert await wire.is_closed()
    play.gateway.refuse_client(7, refused=False)
    await dial.greeted(play.gateway, clientId=7)


async def test_of_two_programs_with_one_number_the_second_is_refused(play: Play, dial: Dial) -> None:
    second = await dial.open(play.gateway)
    second.write(hello(176))
    await second.read()
    second.send(71, 2, 1, "")
    assert (await second.read())[3] == "326"
    await echo(play.ib)
    assert play.gateway.connected_clients == (1,)


async def test_other_accounts_are_named_after_a_reconnect(play: Play) -> None:
    play.gateway.log_in_as("U7654321")
    gone = hung_up(play.ib)
    play.gateway.drop_connections(1)
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    assert (await play.connect(clientId=1)).managedAccounts() == ["U7654321"]
    play.gateway.log_in_as("")
    assert (await play.connect(clientId=2)).managedAccounts() == ["DU1", "U7654321"]


async def test_a_frame_of_two_gigabytes_can_be_announced(play: Play, dial: Dial) -> None:
    wire = await dial.greeted(play.gateway)
    play.gateway.break_frame(client=9)
    async with asyncio.timeout(DEADLINE_S):
        assert int.from_bytes(await wire.reader.readexactly(4), "big") == 1 << 31
    await echo(play.ib)


async def test_a_version_beyond_what_the_client_offered_is_said_in_the_hello(play: Play, dial: Dial) -> None:
    play.gateway.offer_version(203)
    wire = await dial.open(play.gateway)
    wire.write(hello(176))
    assert (await wire.read())[0] == "203"


async def everything(play: Play, wire_id: int, dial: Dial) -> list[list[str]]:
    """What a raw client is told when it connects, asks, trades and leaves."""
    wire = await dial.greeted(play.gateway, clientId=wire_id)
    questions = [(61, 1), (5, 1), (99, 0), (49, 1)]
    wire.write(b"".join(framed(*question) for question in questions))
    replies = []
    while not replies or replies[-1][0] != "49":
        replies.append(await wire.read())
    return replies


async def test_pieces_and_lumps_say_the_same(play: Play, dial: Dial) -> None:
    play.place(150.0)
    await echo(play.ib)
    whole = await everything(play, 7, dial)
    for number, piece_bytes in enumerate((1, 2, 7, 1000)):
        play.gateway.split(piece_bytes)
        assert await everything(play, 20 + number, dial) == whole
    play.gateway.split(0)
    play.gateway.delay(5.0, client=40)
    lump = await dial.open(play.gateway)
    lump.write(hello(176))
    await lump.read()
    lump.send(71, 2, 40, "")
    lump.write(b"".join(framed(*question) for question in ((61, 1), (5, 1), (99, 0), (49, 1))))
    await echo(play.ib)
    async with asyncio.timeout(DEADLINE_S):
        while 40 not in play.gateway.connected_clients:
            await echo(play.ib)
    play.pass_s(5.0)
    replies = [await lump.read() for _ in range(5 + len(whole))]
    assert [reply[0] for reply in replies[5:]] == [reply[0] for reply in whole]


async def test_too_many_requests_in_a_second_are_answered_with_100_and_lost(play: Play) -> None:
    play.ib.client.MaxRequests = 0
    play.pass_s(1.0)
    play.gateway.limit_rate(10)
    for number in range(15):
        play.place(100.0, orderRef=f"{number}")
    await until(play.ib, lambda: len(play.heard) == 5)
    assert {code for _, code in play.heard} == {100}
    assert [order.orderRef for order in play.gateway.orders] == [f"{number}" for number in range(10)]
    play.pass_s(1.0)
    later = play.place(100.0)
    await until(play.ib, lambda: later.orderStatus.status == "Submitted")


async def test_pacing_can_be_said_on_command(play: Play) -> None:
    play.gateway.send_code(100)
    assert await play.codes() == [100]


# Market data.


async def test_a_line_too_many_is_refused_and_the_others_run(play: Play, dial: Dial) -> None:
    wire = await dial.greeted(play.gateway, clientId=9)
    for number in range(101):
        contract = (play.v.conId, "", "", "", 0, "", "", "SMART", "", "", "", "")
        wire.send(1, 11, 1000 + number, *contract, 0, "", 0, 0, "")
    wire.send(49, 1)
    replies = []
    while not replies or replies[-1][0] != "49":
        replies.append(await wire.read())
    assert [(reply[2], reply[3]) for reply in replies if reply[0] == "4"] == [("1100", "101")]
    play.gateway.push("V", 205.0)
    assert (await wire.read())[0] in ("1", "46", "58", "81")


async def test_a_storm_of_10197_comes_once_for_each_of_its_count(play: Play) -> None:
    await streamed(play, play.v)
    play.gateway.storm(10197, 20)
    assert await play.codes() == [10197] * 20
    assert len({reqId for reqId, _ in play.heard}) == 1


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("empty", -1.0), ("zero", 0.0), ("hundredfold", 19_900.0), ("hundredth", 1.99)],
)
async def test_a_bad_print_is_streamed_and_touches_neither_orders_nor_history(
    play: Play, kind: str, shown: float
) -> None:
    buys = play.place(198.0)
    stops = play.ib.placeOrder(play.v, Order(action="BUY", totalQuantity=1, orderType="STP", auxPrice=500.0, tif="DAY"))
    await streamed(play, play.v)
    transcript = Transcript(play.ib)
    play.gateway.bad_print("V", kind)
    await echo(play.ib)
    assert [float(fields[4]) for fields in transcript.of(1) if fields[3] == "4"] == [shown]
    assert buys.isActive()
    assert stops.isActive()
    ticks = await play.ib.reqHistoricalTicksAsync(play.v, "", "20260701 12:01:00 US/Eastern", 10, "TRADES", False)
    assert [tick.price for tick in ticks] == [199.0]


async def test_a_print_older_than_the_last_is_streamed_with_its_time_and_is_not_the_last_price(play: Play) -> None:
    await streamed(play, play.v)
    play.ib.reqTickByTickData(play.v, "AllLast")
    await echo(play.ib)
    transcript = Transcript(play.ib)
    play.gateway.bad_print("V", "old")
    await echo(play.ib)
    (told,) = transcript.of(99)
    assert (int(told[3]), float(told[4])) == (NOON_S - 60, 197.01)
    assert [fields for fields in transcript.of(1) if fields[3] == "4"] == []


async def test_a_flood_streams_ten_thousand_prints_and_leaves_the_price_where_it_was(play: Play) -> None:
    ticker = await streamed(play, play.v)
    transcript = Transcript(play.ib)
    play.gateway.flood("V", per_s=10_000.0, for_s=1.0)
    play.pass_s(2.0)
    await echo(play.ib)
    prints = [fields for fields in transcript.of(1) if fields[3] == "4"]
    assert len(prints) == 10_000
    assert ticker.last == 199.0


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


@pytest.mark.parametrize("by_s", [-3600.0, 3600.0])
async def test_the_gateway_tells_a_time_that_is_an_hour_off(play: Play, dial: Dial, by_s: float) -> None:
    play.gateway.skew_clock(by_s)
    told = await asyncio.wait_for(play.ib.reqCurrentTimeAsync(), DEADLINE_S)
    assert told.timestamp() == NOON_S + by_s
    play.gateway.skew_clock(0.0)
    assert (await asyncio.wait_for(play.ib.reqCurrentTimeAsync(), DEADLINE_S)).timestamp() == NOON_S
