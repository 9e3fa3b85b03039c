"""Many clients at once, and one that does not keep up."""

import asyncio

import pytest

from rules_engine.gateway.feeds.limits import Limits
from rules_engine.gateway.wire import session
from tests.gateway.conftest import DEADLINE_S, Bench, Connect, Dial, Transcript, Wire, echo, hello, stock
from tests.gateway.requests import Socket


def ask_for_data(wire: Wire, conId: int, lines: int = 1) -> None:
    contract = (conId, "", "", "", 0, "", "", "SMART", "", "", "", "")
    for reqId in range(1, lines + 1):
        wire.send(1, 11, reqId, *contract, 0, "", 0, 0, "")


async def until_answered(wire: Wire, number: str) -> list[list[str]]:
    """Everything up to the answer with this number."""
    told = [await wire.read()]
    while told[-1][0] != number:
        told.append(await wire.read())
    return told


async def test_thirty_two_clients_stream_and_each_hears_the_same(bench: Bench, dial: Dial) -> None:
    gateway = await bench.gateway()
    listing = gateway.market.catalogue.named("V")
    assert listing is not None
    wires = [await dial.greeted(gateway, clientId=number) for number in range(32)]
    for wire in wires:
        ask_for_data(wire, listing.conId)
        wire.send(49, 1)
    first = [await until_answered(wire, "49") for wire in wires]
    assert all(told[:-1] == first[0][:-1] for told in first)
    for price in (200.0, 201.0, 202.0):
        gateway.push("V", price)
    for wire in wires:
        wire.send(49, 1)
    then = [await until_answered(wire, "49") for wire in wires]
    assert all(told[:-1] == then[0][:-1] for told in then)
    prices = [float(fields[4]) for fields in then[0] if fields[0] == "1" and fields[3] == "4"]
    assert prices == [200.0, 201.0, 202.0]


async def test_a_client_that_does_not_read_is_dropped_and_the_others_lose_nothing(
    bench: Bench, dial: Dial, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BACKLOG_BYTES_MAX", 64 * 1024)
    gateway = await bench.gateway(limits=Limits(lines=1000))
    slow = await dial.greeted(gateway, clientId=9)
    ib = await connect(clientId=1)
    v = await stock(ib, "V")
    ib.reqMktData(v)
    await echo(ib)
    transcript = Transcript(ib)
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    ask_for_data(slow, v.conId, lines=500)
    await echo(ib)
    pushed = 0
    async with asyncio.timeout(DEADLINE_S):
        while 9 in gateway.connected_clients:
            for _ in range(10):
                gateway.push("V", 200.0 + pushed % 2)
                pushed += 1
            await echo(ib)
    assert gateway.connected_clients == (1,)
    assert len([fields for fields in transcript.of(1) if fields[3] == "4"]) == pushed


class Numbered(Socket):
    """Notes that it was written to."""

    def __init__(self, number: int, written: list[int]) -> None:
        super().__init__()
        self._number, self._written = number, written

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self._written.append(self._number)


async def test_clients_that_waited_are_answered_in_the_order_in_which_they_connected(bench: Bench) -> None:
    """By the order of their addresses in memory, one seed of a simulation was now and then another history."""
    gateway = await bench.gateway()
    written: list[int] = []
    sessions = [gateway._reception.session() for _ in range(30)]
    for number, one in enumerate(sessions):
        one.connection_made(Numbered(number, written))
    gateway.freeze()
    for one in reversed(sessions):
        one.data_received(hello(176))
    assert written == []
    gateway.thaw()
    assert written == sorted(written) and set(written) == set(range(30))
    for one in sessions:
        one.connection_lost(None)
