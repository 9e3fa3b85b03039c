"""Clients come and go: numbers, accounts, ids."""

import asyncio

import pytest
from ib_insync import LimitOrder, MarketOrder

from rules_engine.gateway import Gateway
from tests.gateway.conftest import DEADLINE_S, Bench, Connect, Dial, Wire, echo, framed, stock, turned_away, until
from tests.gateway.requests import order_fields


async def refusal(wire: Wire, clientId: int) -> list[str]:
    wire.write(b"API\0\x00\x00\x00\x09v157..176")
    await wire.read()
    wire.send(71, 2, clientId, "")
    return await wire.read()


async def test_ib_insync_connects_and_knows_accounts_and_farms(bench: Bench, connect: Connect) -> None:
    await bench.gateway(accounts=("DU1", "DU2"))
    ib = await connect()
    assert ib.client.serverVersion() == 176
    assert ib.managedAccounts() == ["DU1", "DU2"]
    assert ib.isConnected()


async def test_one_account_needs_no_name(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    assert {value.account for value in ib.accountValues()} == {"DU1"}


async def test_a_client_number_in_use_is_refused_with_326_and_the_first_keeps_it(
    gateway: Gateway, connect: Connect, dial: Dial
) -> None:
    first = await connect(clientId=7)
    second = await dial.open(gateway)
    message = await refusal(second, 7)
    assert message[:4] == ["4", "2", "-1", "326"]
    assert await second.is_closed()
    await echo(first)
    assert gateway.connected_clients == (7,)


async def test_a_client_that_says_twice_who_it_is_leaves_nobody_behind(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.greeted(gateway, clientId=1)
    wire.send(71, 2, 2, "")
    assert (await wire.read())[3] == "326"
    assert await wire.is_closed()
    assert gateway.connected_clients == ()
    await dial.greeted(gateway, clientId=2)


async def test_what_a_client_did_before_it_was_turned_away_is_told_to_others(
    dial: Dial, connect: Connect, bench: Bench
) -> None:
    gateway = await bench.gateway(master_client=8)
    master, wire = await connect(clientId=8), await dial.greeted(gateway, clientId=1)
    v = await stock(master, "V")
    order = LimitOrder("BUY", 1, 100.0, tif="DAY", orderId=1)
    wire.write(framed(*order_fields(176, order, v)) + framed(71, 2, 8, "") + framed(49, 1))
    await until(master, master.openTrades)
    assert [trade.order.totalQuantity for trade in master.openTrades()] == [1]


async def test_ib_insync_hears_326_and_is_not_let_in(gateway: Gateway, connect: Connect) -> None:
    await connect(clientId=7)
    assert await turned_away(gateway, 7) == [(-1, 326)]


async def test_a_number_is_free_again_after_its_client_left(gateway: Gateway, connect: Connect) -> None:
    first = await connect(clientId=7)
    first.disconnect()
    other = await connect(clientId=8)
    await until(other, lambda: True)
    again = await connect(clientId=7)
    assert again.isConnected()


async def test_two_clients_see_their_own_orders_and_all_orders(gateway: Gateway, connect: Connect) -> None:
    one, two = await connect(clientId=1), await connect(clientId=2)
    v = await stock(one, "V")
    one.placeOrder(v, LimitOrder("BUY", 1, 100.0, orderRef="of one"))
    two.placeOrder(v, LimitOrder("BUY", 2, 100.0, orderRef="of two"))
    await echo(one)
    await echo(two)
    assert [trade.order.orderRef for trade in await one.reqOpenOrdersAsync()] == ["of one"]
    assert {trade.order.orderRef for trade in await one.reqAllOpenOrdersAsync()} == {"of one", "of two"}


async def test_ids_are_given_per_client_and_above_all_it_used(gateway: Gateway, connect: Connect) -> None:
    ib = await connect(clientId=3)
    v = await stock(ib, "V")
    ib.placeOrder(v, MarketOrder("BUY", 1, orderId=500))
    await echo(ib)
    ib.disconnect()
    again = await connect(clientId=3)
    assert again.client.getReqId() >= 501
    fresh = await connect(clientId=4)
    assert fresh.client.getReqId() < 500


async def test_the_33rd_client_is_refused(dial: Dial, gateway: Gateway) -> None:
    for clientId in range(32):
        await dial.greeted(gateway, clientId=clientId)
    message = await refusal(await dial.open(gateway), 99)
    assert message[3] == "326"


async def test_binding_manual_orders_is_for_client_0(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.greeted(gateway, clientId=5)
    wire.send(15, 1, 1)
    assert (await wire.read())[3] == "327"
    zero = await dial.greeted(gateway, clientId=0)
    zero.send(15, 1, 1)
    zero.send(49, 1)
    assert (await zero.read())[0] == "49"


async def test_stop_closes_clients_and_frees_the_port(bench: Bench, connect: Connect) -> None:
    gateway = await bench.gateway()
    ib = await connect()
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    await gateway.stop()
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    bench.running.clear()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", gateway.port)


async def test_after_its_last_byte_a_half_closed_connection_still_brings_all_and_answers_nothing(
    gateway: Gateway, dial: Dial
) -> None:
    wire = await dial.greeted(gateway, clientId=9)
    wire.send(1, 11, 1, 0, "V", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
    while not gateway.open_lines:
        await wire.read()
    ((session, _, _),) = gateway.open_lines
    many = 200_000
    session.put_bytes(framed("end", "of", "all") * many)
    session.half_close()
    wire.send(49, 1)  # A question on its way: a close would now throw away what was not read yet.
    await wire.writer.drain()
    while (message := await wire.read())[0] != "end":
        pass
    rest = [message, *[await wire.read() for _ in range(many - 1)]]
    assert all(one == ["end", "of", "all"] for one in rest)
    assert await wire.is_closed()
    assert gateway.connected_clients == (9,)
    wire.writer.close()
    async with asyncio.timeout(DEADLINE_S):
        while gateway.connected_clients:
            await asyncio.sleep(0)
