"""A wire between a program and the gateway that notes when a price passes one way and an order the other."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_CHUNK_BYTES = 1 << 16
_LENGTH_BYTES = 4
_TICK_STRING, _RT_VOLUME, _PLACE_ORDER = "46", "48", "3"


class Frames:
    """Bytes of the protocol -> text fields of each whole frame."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._bytes = bytearray()
        self._skip = len(greeting)

    def feed(self, chunk: bytes) -> Iterator[list[str]]:
        self._bytes += chunk
        while len(self._bytes) >= (start := self._skip + _LENGTH_BYTES):
            end = start + int.from_bytes(self._bytes[self._skip : start], "big")
            if len(self._bytes) < end:
                return
            yield self._bytes[start:end].decode().split("\0")
            del self._bytes[:end]
            self._skip = 0


@dataclass
class Relay:
    """Passes everything on at once. A reaction runs from the trigger's bytes leaving us to the order's bytes arriving.

    The trigger is a trade at or above ``level`` after one below it.
    """

    level: float
    port: int = 0
    reactions_s: list[float] = field(default_factory=list)
    triggers: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _below: bool = False
    _trigger_s: float | None = None

    async def wait_for(self, reactions: int, deadline_s: float) -> None:
        """Returns when so many orders have passed, or when the deadline has."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while len(self.reactions_s) < reactions:
                    self.arrived.clear()
                    await self.arrived.wait()

    @asynccontextmanager
    async def to(self, gateway_port: int) -> AsyncIterator["Relay"]:
        """Listens on a free port for one client after another."""

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", gateway_port)
            with contextlib.suppress(OSError):
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass(reader, far_writer, Frames(b"API\0"), self._note_order))
                    group.create_task(_pass(far_reader, writer, Frames(), self._note_price))
            far_writer.close()
            writer.close()

        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    def _note_price(self, fields: list[str], at_s: float) -> None:
        if fields[0] != _TICK_STRING or fields[3] != _RT_VOLUME:
            return
        price = float(fields[4].partition(";")[0] or "nan")
        if price >= self.level and self._below:
            self._trigger_s = at_s
            self.triggers += 1
        self._below = price < self.level

    def _note_order(self, fields: list[str], at_s: float) -> None:
        if fields[0] == _PLACE_ORDER and self._trigger_s is not None:
            self.reactions_s.append(at_s - self._trigger_s)
            self._trigger_s = None
            self.arrived.set()


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    frames: Frames,
    note: Callable[[list[str], float], None],
) -> None:
    """One direction, until it ends."""
    with contextlib.suppress(ConnectionError):  # One side is killed at the end of a round.
        while chunk := await reader.read(_CHUNK_BYTES):
            at_s = time.perf_counter()
            writer.write(chunk)
            for fields in frames.feed(chunk):
                note(fields, at_s)
    writer.close()
