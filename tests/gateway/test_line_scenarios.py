"""What a program must survive with its connection and its prices, staged one by one."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from ib_insync import IB, Contract, Forex, Order, Ticker

from tests.gateway.conftest import (
    DEADLINE_S,
    NOON_S,
    Dial,
    Play,
    Transcript,
    echo,
    framed,
    hello,
    hung_up,
    known,
    stock,
    until,
)

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


# Time.


@pytest.mark.parametrize("by_s", [-3600.0, 3600.0])
async def test_the_gateway_tells_a_time_that_is_an_hour_off(play: Play, dial: Dial, by_s: float) -> None:
    play.gateway.skew_clock(by_s)
    told = await asyncio.wait_for(play.ib.reqCurrentTimeAsync(), DEADLINE_S)
    assert told.timestamp() == NOON_S + by_s
    play.gateway.skew_clock(0.0)
    assert (await asyncio.wait_for(play.ib.reqCurrentTimeAsync(), DEADLINE_S)).timestamp() == NOON_S
