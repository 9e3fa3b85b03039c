"""The control socket: one command a line, refusals in words, and a clear answer when nobody runs."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from rules_engine.daemon.control import CommandRefused, ControlServer, NotRunning, ask
from rules_engine.model.json_value import Json


async def echo(request: Mapping[str, Json]) -> Json:
    return request["word"]


async def refuse(request: Mapping[str, Json]) -> Json:
    raise CommandRefused("there is no rule 'x'")


@pytest.fixture
async def socket_path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    path.touch()  # What a killed engine leaves behind.
    server = asyncio.create_task(ControlServer(path, {"echo": echo, "refuse": refuse}).run())
    async with asyncio.timeout(5):
        while not path.is_socket():
            await asyncio.sleep(0)
    yield path
    server.cancel()


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
    assert b'"ok": false' in await asyncio.wait_for(reader.readline(), 5)
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
