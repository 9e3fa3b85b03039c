"""Signs of life: to a watchdog's address and to systemd."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from rules_engine.daemon import heartbeat
from rules_engine.daemon.heartbeat import beat, heartbeat_fault
from rules_engine.daemon.heartbeat_systemd import watched_by_systemd
from rules_engine.daemon.logs import start_logging
from rules_engine.model.settings import Heartbeat
from tests.daemon.house import DEADLINE_S

CANARY = "canary-0f3b"


@asynccontextmanager
async def watchdog(status: str) -> AsyncIterator[tuple[int, asyncio.Queue[str]]]:
    """A web server that answers with this status, and the lines that it was asked with."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heard.put_nowait(head.partition("\r\n")[0])
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


@asynccontextmanager
async def beating(heartbeat: Heartbeat) -> AsyncIterator[None]:
    task = asyncio.create_task(beat(heartbeat))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Internal Server Error"])
async def test_it_beats_again_and_again_whatever_the_watchdog_answers(status: str) -> None:
    async with watchdog(status) as (port, heard), beating(Heartbeat(f"http://127.0.0.1:{port}/{CANARY}", 0.001)):
        asked = [await asyncio.wait_for(heard.get(), DEADLINE_S) for _ in range(3)]
    assert asked == [f"GET /{CANARY} HTTP/1.1"] * 3


async def test_a_watchdog_that_is_away_is_tried_again_and_its_address_is_in_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = asyncio.Event()

    class Notice(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failed.set()

    handler = Notice()
    logging.getLogger("rules_engine.daemon.heartbeat").addHandler(handler)
    try:
        with socket.socket() as away:
            away.bind(("127.0.0.1", 0))  # It does not listen, and nobody else can.
            async with beating(Heartbeat(f"http://127.0.0.1:{away.getsockname()[1]}/{CANARY}", 0.001)):
                await asyncio.wait_for(failed.wait(), DEADLINE_S)
    finally:
        logging.getLogger("rules_engine.daemon.heartbeat").removeHandler(handler)
    assert "did not reach its watchdog" in caplog.text
    assert CANARY not in caplog.text


def test_a_watchdog_that_hangs_does_not_keep_the_program_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_DEADLINE_S", 600.0)
    held: list[socket.socket] = []

    async def program() -> None:
        async with beating(Heartbeat(f"http://127.0.0.1:{silent.getsockname()[1]}/")):
            held.append((await asyncio.to_thread(silent.accept))[0])

    with socket.create_server(("127.0.0.1", 0)) as silent:
        running = threading.Thread(target=lambda: asyncio.run(program()), daemon=True)
        running.start()
        running.join(60)
        assert held and not running.is_alive()
    held[0].close()


@pytest.mark.parametrize("url", ["https://example.com/ping/1", "http://127.0.0.1:8000/", "http://[::1]:80/x"])
def test_good_addresses(url: str) -> None:
    assert heartbeat_fault(Heartbeat(url)) == ""


@pytest.mark.parametrize(
    "url", [f"file:///{CANARY}", f"ftp://{CANARY}/", CANARY, "", f"https:///{CANARY}", "http://[::1"]
)
def test_an_address_that_is_no_web_address_is_named_without_quoting_it(url: str) -> None:
    fault = heartbeat_fault(Heartbeat(url))
    assert fault.startswith("heartbeat: ") and CANARY not in fault


def test_without_a_heartbeat_nothing_is_wrong() -> None:
    assert heartbeat_fault(None) == ""


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)


def test_the_address_is_masked_in_whatever_a_library_logs(tmp_path: Path, logging_restored: None) -> None:
    url = f"https://example.com/ping/{CANARY}"
    start_logging(tmp_path / "engine.log", [url])
    logging.getLogger("some.library").warning("GET %s failed", url)
    logged = (tmp_path / "engine.log").read_text()
    assert "GET *** failed" in logged and CANARY not in logged


@contextmanager
def manager(path: Path) -> Iterator[socket.socket]:
    """What listens where systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        yield listening


async def heard(listening: socket.socket) -> str:
    return (await asyncio.wait_for(asyncio.get_running_loop().sock_recv(listening, 100), DEADLINE_S)).decode()


async def test_systemd_hears_ready_then_beats_then_stopping(tmp_path: Path) -> None:
    with manager(tmp_path / "notify") as listening:
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000"}
        async with watched_by_systemd(environment):
            assert [await heard(listening) for _ in range(4)] == ["READY=1"] + ["WATCHDOG=1"] * 3
        while (word := await heard(listening)) == "WATCHDOG=1":
            pass
        assert word == "STOPPING=1"


async def test_without_a_watchdog_systemd_hears_only_beginning_and_end(tmp_path: Path) -> None:
    with manager(tmp_path / "notify") as listening:
        async with watched_by_systemd({"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            pass
        assert [await heard(listening) for _ in range(2)] == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "1000"}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
async def test_without_systemd_nothing_happens(environment: dict[str, str]) -> None:
    async with watched_by_systemd(environment):
        pass
