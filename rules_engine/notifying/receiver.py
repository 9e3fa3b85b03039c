"""A small HTTP listener to which Apprise's json:// delivers: what would reach a phone, for the demo and for tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

BODY_LENGTH_MAX = 64 * 1024
REQUEST_DEADLINE_S = 10.0
RECEIVED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived."""

    title: str
    text: str


class BadRequest(ValueError):
    """Not a request of Apprise's json:// plugin: answered with 400 and otherwise ignored."""


class Receiver:
    """Collects messages on a loopback port; `async for` yields each as it comes, and those that came before."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[Received] = asyncio.Queue(RECEIVED_MAX)
        self.port = 0

    @property
    def url(self) -> str:
        """The channel's URL, to be given to the sender."""
        return f"json://127.0.0.1:{self.port}/"

    def __aiter__(self) -> AsyncIterator[Received]:
        return self

    async def __anext__(self) -> Received:
        return await self._received.get()

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["Receiver"]:
        """Listens on loopback; port 0 finds a free one."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=BODY_LENGTH_MAX)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                writer.write(_response(await self._answer(reader)))
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> str:
        try:
            message = _message(await _body(reader))
        except BadRequest:
            return "400 Bad Request"
        if self._received.full():
            return "503 Service Unavailable"
        self._received.put_nowait(message)
        return "200 OK"


async def _body(reader: asyncio.StreamReader) -> bytes:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest("a head without end") from error
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = headers.get("content-length", "")
    if not head[0].startswith("POST ") or not length.isascii() or not length.isdigit() or len(length) > 6:
        raise BadRequest("not a POST of known length")
    if int(length) > BODY_LENGTH_MAX:
        raise BadRequest("too long")
    return await reader.readexactly(int(length))


def _message(body: bytes) -> Received:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("not JSON") from error
    if not isinstance(fields, dict):
        raise BadRequest("not an object")
    return Received(title=str(fields.get("title", "")), text=str(fields.get("message", "")))


def _response(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("ascii")
