"""Getting in, being refused, and being told plainly why."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.reports import OrderReader
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.clock import SystemClock
from rules_engine.model.errors import ClientIdInUse, LinkDown
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.plan import History
from rules_engine.model.reports import AccountValue, ExecutionReport, LinkChange, OrderError, PositionReport
from rules_engine.model.settings import GatewaySettings
from tests.broker.conftest import DEADLINE_S, MA, NEVER_S, Connect, Heard, V


async def test_connection_knows_the_account_and_its_values(connect: Connect, heard: Heard) -> None:
    connection = await connect()
    assert connection.accounts == ("DU1",)
    assert connection.is_open
    assert connection.is_clear()
    await heard.until(lambda: {"equity", "buying_power", "margin_cushion", "daily_pnl"} <= _values(heard).keys())
    assert _values(heard)["equity"] == 1_000_000.0
    assert _values(heard)["margin_cushion"] == 1.0
    assert connection.exchange_rate("USD") == 1


async def test_positions_are_known_to_be_none_rather_than_unknown(connect: Connect, heard: Heard) -> None:
    await connect()
    await heard.until(lambda: len(heard.of(PositionReport)) == 2)
    assert {(one.instrument, one.quantity) for one in heard.of(PositionReport)} == {("V", 0), ("MA", 0)}


async def test_taken_client_id_is_told_quickly(connect: Connect, gateway: Gateway) -> None:
    await connect(client_id=7)
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(ClientIdInUse, match="client id 7 is in use"):
            await connect(client_id=7, deadline_s=NEVER_S)


async def test_refused_port_says_which_and_what_to_tick(connect: Connect, heard: Heard) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(LinkDown, match=rf"nothing listens at 127\.0\.0\.1:{port}.*Enable ActiveX"):
            await _open(port, heard)


async def test_opening_can_be_cancelled_together_with_any_answer(
    gateway: Gateway, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet_end = Hearing.packet_end
    packets = 0
    last = 0

    def cancels_at_the_last(hearing: Hearing) -> None:
        nonlocal packets
        packet_end(hearing)
        packets += 1
        if packets == last:
            opening.cancel()

    monkeypatch.setattr(Hearing, "packet_end", cancels_at_the_last)
    while packets == last:
        last, packets = last + 1, 0
        opening = asyncio.create_task(_open(gateway.port, heard, instruments=(V, MA)))
        await asyncio.wait({opening})
        assert opening.cancelled() or packets < last, f"cancelled together with packet {last}, it opened"
    opening.result().close()
    assert last > 5


async def test_opening_can_be_cancelled_in_any_turn_of_the_loop_and_leaves_nothing_behind(
    gateway: Gateway, heard: Heard
) -> None:
    before = asyncio.all_tasks()
    turns, was_cancelled = 0, True
    while was_cancelled:
        opening = asyncio.create_task(_open(gateway.port, heard, instruments=(V, MA)))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        was_cancelled = opening.cancelled()
        if not was_cancelled:
            opening.result().close()
        async with asyncio.timeout(DEADLINE_S):
            while asyncio.all_tasks() > before or gateway.connected_clients:
                await asyncio.sleep(0)
        turns += 1
    assert turns > 20


async def test_server_that_hangs_up_does_not_cost_the_whole_deadline(heard: Heard) -> None:
    async with _server(lambda writer: writer.close()) as port, asyncio.timeout(DEADLINE_S):
        with pytest.raises(LinkDown, match="hung up during the handshake"):
            await _open(port, heard, deadline_s=NEVER_S)


async def test_silent_server_is_given_up_at_the_deadline(heard: Heard) -> None:
    async with _server(lambda writer: None) as port:
        with pytest.raises(LinkDown, match="did not let us in"):
            await _open(port, heard, deadline_s=0.2)


@pytest.mark.parametrize("version", [100, 500])
async def test_unknown_protocol_version_is_refused(heard: Heard, version: int) -> None:
    def greet(writer: asyncio.StreamWriter) -> None:
        writer.write(_frame(str(version), "20260701 12:00:00 UTC"))
        writer.write(_frame("15", "1", "DU1"))
        writer.write(_frame("9", "1", "1"))

    async with _server(greet) as port, asyncio.timeout(DEADLINE_S):
        with pytest.raises(LinkDown, match=r"protocol version 500|must be >= 972"):
            await _open(port, heard, deadline_s=NEVER_S)


async def test_probe_is_a_round_trip(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    await connection.probe()
    gateway.freeze()
    with pytest.raises(LinkDown, match=r"did not answer within 0\.1 s"):
        await connection.probe(0.1)


async def test_late_answer_does_not_satisfy_the_next_probe(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.withhold("CurrentTime")
    with pytest.raises(LinkDown):
        await connection.probe(0.05)
    gateway.withhold("CurrentTime", withheld=False)
    with pytest.raises(LinkDown):
        await connection.probe(0.1)


async def test_losing_the_socket_ends_the_connection(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.drop_connections()
    async with asyncio.timeout(DEADLINE_S):
        await connection.ended()
    assert not connection.is_open
    assert not connection.is_clear()
    with pytest.raises(LinkDown):
        await connection.probe()
    with pytest.raises(LinkDown):
        connection.next_order_id(0)
    with pytest.raises(LinkDown):
        connection.cancel(5)


async def test_closing_says_who_did_it_and_frees_the_client_id(connect: Connect) -> None:
    connection = await connect(client_id=3)
    connection.close()
    assert connection.why_ended == "closed by us"
    await (await connect(client_id=4)).probe()
    assert (await connect(client_id=3)).is_open


async def test_lost_ib_servers_degrade_the_link_once_and_come_back(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect()
    gateway.send_code(1100)
    gateway.send_code(1100)
    gateway.send_code(1102)
    gateway.send_code(1100)
    gateway.send_code(1101)
    await heard.until(lambda: len(heard.of(LinkChange)) == 4)
    assert [(one.state, one.code, one.data_lost) for one in heard.of(LinkChange)] == [
        ("degraded", 1100, False),
        ("up", 1102, False),
        ("degraded", 1100, False),
        ("up", 1101, True),
    ]
    assert connection.is_clear()


async def test_degraded_link_is_not_clear(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect()
    gateway.send_code(2110)
    await heard.until(lambda: heard.of(LinkChange))
    assert connection.is_open
    assert not connection.is_clear()


async def test_order_ids_start_above_the_floor_and_never_repeat(connect: Connect) -> None:
    connection = await connect(order_id_floor=5000)
    first = connection.next_order_id(0)
    second = connection.next_order_id(0)
    assert 5000 < first < second
    assert connection.next_order_id(9000) == 9001


async def test_error_about_an_old_order_is_not_taken_for_one_about_a_request(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect(order_id_floor=5000)
    gateway.send_code(201, "Order rejected - reason: late", reqId=17)
    gateway.send_code(300, "Can't find EId", reqId=5010)
    await heard.until(lambda: heard.of(OrderError))
    assert [(one.order_id, one.code) for one in heard.of(OrderError)] == [(17, 201)]


async def test_full_inbox_gives_the_connection_up(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect([V, MA])
    heard.inbox._reports_max = 10
    for _ in range(20):
        gateway.send_code(1100)
        gateway.send_code(1102)
    async with asyncio.timeout(DEADLINE_S):
        await connection.ended()


async def test_message_that_cannot_be_taken_in_ends_the_connection(
    connect: Connect, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect()
    monkeypatch.setattr(OrderReader, "opened", lambda *message: 1 / 0)
    draft = OrderDraft(MA, Side.BUY, Decimal(1), OrderKind.MARKET, TimeInForce(Duration.DAY))
    connection.place(50, draft, key="key", account="DU1", group="", parent_id=0, transmit=True)
    async with asyncio.timeout(DEADLINE_S):
        await connection.ended()


async def test_closing_ends_what_is_being_asked_at_once(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.freeze()
    asking = asyncio.create_task(connection.history(History(V, Field.LAST, duration_s=60)))
    probing = asyncio.create_task(connection.probe(NEVER_S))
    await asyncio.sleep(0)
    connection.close("enough")
    async with asyncio.timeout(DEADLINE_S):
        for waiting in (asking, probing):
            with pytest.raises(LinkDown):
                await waiting


async def test_only_the_chosen_account_counts(heard: Heard) -> None:
    gateway = Gateway(Market(Catalogue()), accounts=("DU1", "DU2"))
    await gateway.start()
    gateway.push("MA", 300.0)
    settings = GatewaySettings(port=gateway.port)
    connection = await Connection.open(settings, [MA], heard.inbox, SystemClock(), account="DU2")
    assert connection.accounts == ("DU1", "DU2")
    draft = OrderDraft(MA, Side.BUY, Decimal(5), OrderKind.MARKET, TimeInForce(Duration.DAY))
    for account in ("DU1", "DU2"):
        order_id = connection.next_order_id(0)
        connection.place(order_id, draft, key=account, account=account, group="", parent_id=0, transmit=True)
    await heard.until(lambda: heard.of(ExecutionReport))
    evidence = await connection.evidence()
    assert [one.order_ref for one in evidence.executions] == ["DU2"]
    assert [(one.instrument, one.quantity) for one in evidence.positions] == [("MA", 5)]
    assert {one.order_ref for one in evidence.completed} == {"DU1", "DU2"}
    connection.close()
    await gateway.stop()


def _values(heard: Heard) -> dict[str, float | None]:
    return {one.name: one.value for one in heard.of(AccountValue)}


async def _open(
    port: int, heard: Heard, deadline_s: float = 10.0, instruments: Iterable[Instrument] = ()
) -> Connection:
    settings = GatewaySettings(port=port)
    return await Connection.open(settings, instruments, heard.inbox, SystemClock(), deadline_s=deadline_s)


@asynccontextmanager
async def _server(greet: Callable[[asyncio.StreamWriter], None]) -> AsyncIterator[int]:
    """A server that takes the client's hello and then does as told."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readexactly(8)
        greet(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


def _frame(*fields: str) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload
