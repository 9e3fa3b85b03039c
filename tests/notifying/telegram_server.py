"""Telegram's bot service on loopback, behind a proxy: Apprise's own plugin reaches it with nothing changed in it."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

TOKEN = "987654321:canary-AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
URL = f"tgram://{TOKEN}/-1001234567890?rto=0.3"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers. ``hangs``: nothing, for as long as the client likes."""

    status: int = 200
    description: str = ""
    retry_after_s: int = 0
    hangs: bool = False

    def body(self) -> bytes:
        if self.status == 200:
            return json.dumps({"ok": True, "result": {}}).encode()
        told: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.retry_after_s:
            told["parameters"] = {"retry_after": self.retry_after_s}
        return json.dumps(told).encode()


OK = Reply()
TOO_MANY = Reply(429, "Too Many Requests: retry after 35", retry_after_s=35)
CANNOT_PARSE = Reply(400, "Bad Request: can't parse entities: unsupported start tag")
BROKEN = Reply(502, "Bad Gateway")
HANGING = Reply(hangs=True)


@dataclass
class Telegram:
    """Answers requests with ``replies`` in turn, then with OK, and keeps what was posted."""

    replies: list[Reply] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"CONNECT api.telegram.org:443 ")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(context)
            await self._answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        self.paths.append(head.split(" ")[1])
        self.posted.append(json.loads(await reader.readexactly(length)))
        reply = self.replies.pop(0) if self.replies else OK
        if reply.hangs:
            await reader.read()
            return
        body = reply.body()
        writer.write(f"HTTP/1.1 {reply.status} -\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


@asynccontextmanager
async def telegram(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Telegram]:
    """The service, and an environment in which `https://api.telegram.org` leads to it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.telegram.org").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    service = Telegram()
    server = await asyncio.start_server(lambda r, w: service.serve(context, r, w), "127.0.0.1", 0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for name in ("https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    try:
        yield service
    finally:
        server.close()
        for connection in service.connections:
            assert connection is not None
            connection.cancel()
            await asyncio.wait({connection})
