"""A gateway on a free port in the test's own loop, and real clients for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ib_insync import IB, Contract, Order, Stock, Trade

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway.contracts.calendars import exchange_days
from rules_engine.model.clock import SteppedClock

DEADLINE_S = 30.0
"""For what must come: a machine that others share may be slow for a moment."""
SILENCE_S = 0.2
"""So long a client waits for what must not come."""
NOON_S = 1_782_921_600.0
"""Wednesday 1 July 2026, noon in New York."""

Connect = Callable[..., Awaitable[IB]]


@dataclass
class Bench:
    """Gateways that a test started, all closed at its end."""

    running: list[Gateway] = field(default_factory=list)

    async def gateway(
        self,
        *,
        state: Path | None = None,
        clock: SteppedClock | None = None,
        accounts: tuple[str, ...] = ("DU1",),
        sessions: bool = False,
        **options: Any,
    ) -> Gateway:
        """A gateway whose market moves only when the test pushes it; V stands at 199, MA at 300."""
        market = Market(Catalogue(clock=clock), sessions=sessions)
        gateway = Gateway(market, state=state, clock=clock, accounts=accounts, **options)
        await gateway.start()
        self.running.append(gateway)
        gateway.push("V", 199.0)
        gateway.push("MA", 300.0)
        return gateway


@pytest.fixture(scope="session", autouse=True)
def calendars() -> None:
    """Loads what is loaded at the first question about sessions, so that no single test is charged with it."""
    for code in ("XNYS", "CMES"):
        exchange_days(code)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for gateway in made.running:
        await gateway.stop()


@pytest.fixture
async def gateway(bench: Bench) -> Gateway:
    return await bench.gateway()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON_S)


@pytest.fixture
async def connect(bench: Bench) -> AsyncIterator[Connect]:
    """Connects a new client, as every reconnect should; to the test's latest gateway unless another is given."""
    clients: list[IB] = []

    async def connected(clientId: int = 1, gateway: Gateway | None = None) -> IB:
        ib = IB()
        clients.append(ib)
        target = gateway or bench.running[-1]
        await ib.connectAsync("127.0.0.1", target.port, clientId=clientId, timeout=DEADLINE_S)
        return ib

    yield connected
    for ib in clients:
        ib.disconnect()


async def until(ib: IB, holds: Callable[[], object]) -> None:
    """Wait until something holds, looking after every packet that this client receives."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await ib.updateEvent


async def echo(ib: IB) -> None:
    """Wait until everything sent so far was answered: the answer to a question asked now comes last."""
    await asyncio.wait_for(ib.reqCurrentTimeAsync(), DEADLINE_S)


def heard_by(ib: IB) -> list[tuple[int, int]]:
    """The errors and notices that a client hears from now on: what each is about, and its code."""
    heard: list[tuple[int, int]] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append((reqId, code))
    return heard


async def turned_away(gateway: Gateway, clientId: int) -> list[tuple[int, int]]:
    """What ib_insync hears in place of being let in, until the gateway hangs up; after that it waits for nothing."""
    ib = IB()
    heard = heard_by(ib)
    connecting = asyncio.create_task(
        ib.connectAsync("127.0.0.1", gateway.port, clientId=clientId, timeout=2 * DEADLINE_S)
    )
    async with asyncio.timeout(DEADLINE_S):
        while not heard or ib.client.isConnected():
            await asyncio.sleep(0)
    assert not connecting.done()
    connecting.cancel()
    await asyncio.wait({connecting})
    return heard


def hung_up(ib: IB) -> asyncio.Event:
    """Set when the gateway ends the connection."""
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    return gone


async def stock(ib: IB, symbol: str) -> Contract:
    """A qualified US stock."""
    (contract,) = await ib.qualifyContractsAsync(Stock(symbol, "SMART", "USD"))
    return contract


class Transcript:
    """What a client receives, frame by frame, as lists of fields."""

    def __init__(self, ib: IB) -> None:
        self.frames: list[list[str]] = []
        self._bytes = b""
        ib.client.conn.hasData += self._arrived

    def _arrived(self, data: bytes) -> None:
        self._bytes += data
        while len(self._bytes) >= 4 and len(self._bytes) >= 4 + int.from_bytes(self._bytes[:4], "big"):
            end = 4 + int.from_bytes(self._bytes[:4], "big")
            self.frames.append(self._bytes[4:end].decode().split("\0")[:-1])
            self._bytes = self._bytes[end:]

    def numbers(self) -> list[str]:
        """The message numbers, in order."""
        return [frame[0] for frame in self.frames]

    def of(self, number: int) -> list[list[str]]:
        """The messages with this number."""
        return [frame for frame in self.frames if frame[0] == str(number)]


class Wire:
    """A client that speaks raw frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        """Raw bytes."""
        self.writer.write(data)

    def send(self, *fields: object) -> None:
        """One frame."""
        self.write(framed(*fields))

    async def read(self) -> list[str]:
        """The next frame's fields."""
        async with asyncio.timeout(DEADLINE_S):
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            return (await self.reader.readexactly(length)).decode().split("\0")[:-1]

    async def is_closed(self) -> bool:
        """Whether the gateway drops the connection, and says nothing more before."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


class Dial:
    """Opens raw sockets and closes them at the end of the test."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def open(self, gateway: Gateway) -> Wire:
        """A socket that has said nothing yet."""
        self.wires.append(Wire(*await asyncio.open_connection("127.0.0.1", gateway.port)))
        return self.wires[-1]

    async def greeted(self, gateway: Gateway, version: int = 176, clientId: int = 9) -> Wire:
        """A client after the hello, its welcome read."""
        wire = await self.open(gateway)
        wire.write(hello(version))
        assert (await wire.read())[0] == str(version)
        wire.send(71, 2, clientId, "")
        welcome = [await wire.read() for _ in range(5)]
        assert [message[0] for message in welcome] == ["15", "9", "4", "4", "4"]
        return wire


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    made = Dial()
    yield made
    for wire in made.wires:
        wire.writer.close()
        with contextlib.suppress(ConnectionError):
            await wire.writer.wait_closed()


def hello(version: int) -> bytes:
    """The client's first bytes."""
    offer = f"v157..{version}".encode()
    return b"API\0" + len(offer).to_bytes(4, "big") + offer


def framed(*fields: object) -> bytes:
    """One frame of text fields."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


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
