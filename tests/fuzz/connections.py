"""What the gateway says, damaged on its way: the engine's connection is given up or goes on, and nothing falls over."""

import asyncio
import contextlib
import struct
from dataclasses import dataclass, field
from random import Random

from rules_engine.broker.connection import Connection
from rules_engine.broker.inbox import Inbox
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SystemClock
from rules_engine.model.errors import WorldError
from rules_engine.model.instrument import us_stock
from rules_engine.model.settings import GatewaySettings

OPEN_S = 1.0
ANSWER_S = 0.3
PRINTS = 20
HARMLESS = (b"", b"0\0", b"-1\0", b"x\0" * 20, b"\xff\xfe\0", b"1e999\0", b"nan\0", b"\0" * 50)


@dataclass
class Connections:
    """What became of each connection."""

    opened: int = 0
    refused: int = 0
    lost: int = 0
    broken: list[str] = field(default_factory=list)


class Wire:
    """Passes everything on; from some byte on it damages what comes from the gateway."""

    def __init__(self, port: int) -> None:
        self._gateway_port = port
        self.dice = Random(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._gateway_port)
        whole = self.dice.choice((0, 1, 3, 10))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(reader, back, None))
                both.create_task(self._copy(there, writer, whole))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, back):
                end.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, whole: int | None) -> None:
        """``whole`` chunks pass as they are, None: all."""
        while data := await source.read(4096):
            if whole is not None:
                whole -= 1
                if whole < 0 and self.dice.random() < 0.5:
                    data = self._damaged(data)
            sink.write(data)
            await sink.drain()
        raise ConnectionResetError

    def _damaged(self, data: bytes) -> bytes:
        at = self.dice.randrange(len(data))
        match self.dice.randrange(6):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + bytes([self.dice.randrange(256)]) + data[at + 1 :]
            case 2:
                return data + data[at:]
            case 3:
                return struct.pack(">I", self.dice.choice((0, 1, 2**31, 2**32 - 1))) + data
            case 4:
                body = self.dice.choice(HARMLESS)
                return data + struct.pack(">I", len(body)) + body
            case _:
                return data[:at] + self.dice.choice(HARMLESS) + data[at:]


async def try_connections(count: int, seed: int) -> Connections:
    """So many connections, one after the other; each streams prices and is asked what orders there are."""
    found = Connections()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.broken.append(str(context.get("exception") or context)))
    gateway = Gateway(Market(Catalogue()))
    await gateway.start()
    wire = Wire(gateway.port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with server:
        for number in range(count):
            wire.dice = Random(f"{seed}:{number}")
            try:
                await _try(port, gateway, found)
            except Exception as stray:
                found.broken.append(f"{seed}:{number}: {stray!r}")
    await gateway.stop()
    return found


async def _try(port: int, gateway: Gateway, found: Connections) -> None:
    inbox = Inbox()
    settings = GatewaySettings(port=port, client_id=17)
    try:
        connection = await Connection.open(settings, [us_stock("V")], inbox, SystemClock(), deadline_s=OPEN_S)
    except WorldError:
        found.refused += 1
        return
    found.opened += 1
    for step in range(PRINTS):
        gateway.push("V", 200.0 + step)
        await asyncio.sleep(0)
    with contextlib.suppress(WorldError):
        await connection.evidence(ANSWER_S)
    list(inbox.take())
    found.lost += not connection.is_open
    connection.close("the try is over")
