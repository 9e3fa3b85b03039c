"""The control socket: one command a line, refusals in words, and a clear answer when nobody runs."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rules_engine.daemon.control import Command, CommandRefused, ControlServer, NotRunning, ask
from rules_engine.model.json_value import Json
from tests.daemon.house import DEADLINE_S


async def echo(request: Mapping[str, Json]) -> Json:
    return request["word"]


async def refuse(request: Mapping[str, Json]) -> Json:
    raise CommandRefused("there is no rule 'x'")


@asynccontextmanager
async def serving(path: Path, commands: Mapping[str, Command]) -> AsyncIterator[asyncio.Task[None]]:
    """A server that begins, and has ended afterwards."""
    server = asyncio.create_task(ControlServer(path, commands).run())
    try:
        yield server
    finally:
        server.cancel()
        await asyncio.wait({server})


async def listens(path: Path) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not path.is_socket():
            await asyncio.sleep(0)


@pytest.fixture
async def socket_path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    path.touch()  # What a killed engine leaves behind.
    async with serving(path, {"echo": echo, "refuse": refuse}):
        await listens(path)
        yield path


async def test_a_command_is_answered(socket_path: Path) -> None:
    assert await asyncio.to_thread(ask, socket_path, "echo", word="hello") == "hello"


async def test_a_refusal_reaches_the_caller_in_words(socket_path: Path) -> None:
    with pytest.raises(CommandRefused, match="there is no rule 'x'"):
        await asyncio.to_thread(ask, socket_path, "refuse")


async def test_an_unknown_command_names_the_known_ones(socket_path: Path) -> None:
    with pytest.raises(CommandRefused, match="known: echo, refuse"):
        await asyncio.to_thread(ask, socket_path, "dance")


async def test_only_the_owner_may_command(socket_path: Path) -> None:
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600


@pytest.mark.parametrize("noise", [b"\n", b"[1]\n", b"{\n", b"\xff\xfe\n", b'{"command": 3}\n'])
async def test_noise_is_refused_and_the_server_lives(socket_path: Path, noise: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(socket_path)
    writer.write(noise)
    assert b'"ok": false' in await asyncio.wait_for(reader.readline(), DEADLINE_S)
    writer.close()
    assert await asyncio.to_thread(ask, socket_path, "echo", word="still here") == "still here"


def test_nobody_running_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no engine is running"):
        ask(tmp_path / "control.sock", "status")


def test_a_dead_socket_is_nobody_running(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunning):
        ask(path, "status")


async def test_a_caller_that_stays_does_not_keep_it_from_ending_and_reads_the_end(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    asked, cancelled = asyncio.Event(), asyncio.Event()
    stumbles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: stumbles.append(context))

    async def never(request: Mapping[str, Json]) -> Json:
        asked.set()
        try:
            await asyncio.get_running_loop().create_future()
            return None
        finally:
            cancelled.set()

    async with serving(path, {"never": never}) as server:
        await listens(path)
        idle, idle_writer = await asyncio.open_unix_connection(path)
        waiting, waiting_writer = await asyncio.open_unix_connection(path)
        waiting_writer.write(b'{"command": "never"}\n')
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        server.cancel()
        await asyncio.wait({server}, timeout=DEADLINE_S)
        assert server.cancelled() and cancelled.is_set() and not path.exists()
        assert [await asyncio.wait_for(one.read(), DEADLINE_S) for one in (idle, waiting)] == [b"", b""]
        idle_writer.close()
        waiting_writer.close()
    assert stumbles == []


@pytest.mark.parametrize("turns", range(6))
async def test_it_can_be_ended_in_any_turn_of_its_beginning(tmp_path: Path, turns: int) -> None:
    path = tmp_path / "control.sock"
    async with serving(path, {}) as server:
        for _ in range(turns):
            await asyncio.sleep(0)
        server.cancel()
        await asyncio.wait({server}, timeout=DEADLINE_S)
        assert server.cancelled() and not path.exists()
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(path)


async def test_a_caller_that_is_let_in_at_the_very_end_is_not_served(tmp_path: Path) -> None:
    ran = list[Mapping[str, Json]]()

    async def note(request: Mapping[str, Json]) -> Json:
        ran.append(request)
        return None

    control = ControlServer(tmp_path / "control.sock", {"note": note})
    running = asyncio.create_task(control.run())
    await listens(tmp_path / "control.sock")
    running.cancel()
    await asyncio.wait({running}, timeout=10)
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b'{"command": "note"}\n')
        theirs.shutdown(socket.SHUT_WR)
        await control._serve(*await asyncio.open_unix_connection(sock=ours))
        await asyncio.sleep(0)
    assert ran == []
