"""`rules gateway`: a simulated gateway as a process of its own."""

import asyncio
import re
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.calling import COMMAND, DEADLINE_S, call

MARKET = "version: 1\nsymbols:\n  V:\n    play: {prices: [196.5, 197]}\n"


@dataclass(frozen=True, slots=True)
class Served:
    process: asyncio.subprocess.Process
    line: str
    port: int

    async def stop(self, with_signal: signal.Signals) -> tuple[int, str]:
        """How it ends, and what it wrote to stderr."""
        if self.process.returncode is None:
            self.process.send_signal(with_signal)
        _, err = await asyncio.wait_for(self.process.communicate(), DEADLINE_S)
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


@asynccontextmanager
async def served(*words: str) -> AsyncIterator[Served]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "gateway", "--port", "0", *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, line
        yield Served(process, line, int(found[1]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def shake_hands(port: int) -> list[str]:
    """What the gateway answers to the first words of an IB client: its version and the time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        versions = b"v100..176"
        writer.write(b"API\0" + struct.pack(">I", len(versions)) + versions)
        async with asyncio.timeout(DEADLINE_S):
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            return (await reader.readexactly(length)).decode().split("\0")
    finally:
        writer.close()
        await writer.wait_closed()


async def test_it_says_that_it_is_simulated_and_shakes_hands(folder: Path) -> None:
    (folder / "market.yaml").write_text(MARKET)
    async with served("--market", "market.yaml") as gateway:
        assert gateway.line.startswith("SIMULATED gateway on 127.0.0.1:")
        assert "DU1234567" in gateway.line
        version, time, *rest = await shake_hands(gateway.port)
        assert 100 <= int(version) <= 176
        assert re.match(r"\d{8} \d\d:\d\d:\d\d ", time)
        assert rest == [""]


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_when_told_and_its_state_file_serves_the_next(folder: Path, with_signal: signal.Signals) -> None:
    for _ in range(2):
        async with served("--state", "gateway.db") as gateway:
            await shake_hands(gateway.port)
            assert await gateway.stop(with_signal) == (0, "")
    assert (folder / "gateway.db").exists()


async def test_being_told_again_while_it_stops_changes_nothing(folder: Path) -> None:
    for _ in range(2):
        async with served("--state", "gateway.db") as gateway:
            clients = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(20)]
            for number in range(30):
                if gateway.process.returncode is None:
                    gateway.process.send_signal((signal.SIGTERM, signal.SIGINT)[number % 2])
                await asyncio.sleep(0)
            assert await gateway.stop(signal.SIGTERM) == (0, "")
            for _, writer in clients:
                writer.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--market", "wlak"), "'wlak': a market is 'walk', SCRIPT.yaml or SYMBOL=FILE.csv"),
        (("--market", "V=absent.csv"), "absent.csv:1: the file is not read: No such file or directory"),
        (("--market", "market.yaml"), "market.yaml:3:15: unknown key 'prices'; allowed: close, history, play"),
        (("--speed", "0"), "speed 0: must be above zero"),
        (("--clock", "fast"), "clock 'fast': write real, stepped, or how many times faster than life, such as 60x"),
        (("--clock", "stepped"), "a stepped clock moves on command only: give it a --control port"),
        (("--start", "soon"), "start 'soon': write a date and a time, such as 2026-11-27 09:25 US/Eastern"),
        (("--account", "my account"), "account 'my account': write letters and digits as IB does, such as DU1234567"),
        (("--nightly-restart", "25:00"), "'25:00' is not a time of day; write it like 23:45"),
        (("--latency", "soon"), "--latency: 'soon' is not a duration; write it like 5s, 500ms, 2m, 1h30m"),
        (("--faults", "faults.yaml"), "faults.yaml:2:10: 'explode' is no command; there are push"),
        (("--faults", "absent.yaml"), "absent.yaml: cannot be read: No such file or directory"),
        (("--catalogue", "absent.yaml"), "absent.yaml: cannot be read: No such file or directory"),
        (("--sessions", "--speed", "60"), "speed 60: trading hours can only be kept at speed 1"),
        (("--state", "not-a-state.db"), "not-a-state.db: cannot be used as a state file: file is not a database"),
        (("--state", "no/such/folder.db"), "no/such/folder.db: cannot be used as a state file"),
    ],
)
def test_what_it_cannot_use_is_said_where_it_stands(folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "market.yaml").write_text("version: 1\nsymbols:\n  V: {prices: 196.50}\n")
    (folder / "faults.yaml").write_text("faults:\n  - {do: explode}\n")
    (folder / "not-a-state.db").write_text("something that somebody needs\n" * 50)
    answer = call("gateway", "--port", "0", *words)
    assert (answer.code, answer.out) == (78, "")
    assert answer.err.startswith(said)
    assert answer.err.count("\n") == 1


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = call("gateway", "--port", str(port))
    assert (answer.code, answer.out) == (78, "")
    assert answer.err.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert "address already in use" in answer.err.lower()


def test_a_port_that_cannot_be_is_wrong_usage() -> None:
    answer = call("gateway", "--port", "99999")
    assert answer.code == 2
    assert "0<=x<=65535" in answer.err


async def test_it_begins_when_and_as_it_is_told_and_takes_commands(folder: Path) -> None:
    (folder / "market.yaml").write_text(MARKET)
    words = (
        "--clock",
        "stepped",
        "--start",
        "2026-11-27 09:25",
        "--control",
        "0",
        "--account",
        "DU7",
        "--account",
        "DU8",
    )
    async with served("--market", "market.yaml", *words) as gateway:
        assert gateway.line.endswith("account DU7, DU8. No order is real.\n")
        assert gateway.process.stdout is not None
        control = (await asyncio.wait_for(gateway.process.stdout.readline(), DEADLINE_S)).decode()
        found = re.fullmatch(r"Control port: 127\.0\.0\.1:(\d+)\.\n", control)
        assert found, control
        assert (await shake_hands(gateway.port))[1] == "20261127 09:25:00 US/Eastern"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
        writer.write(b'{"do": "step_to", "time_s": 1795789800}\n')
        assert await asyncio.wait_for(reader.readline(), DEADLINE_S) == b'{"ok": true}\n'
        writer.close()
        await writer.wait_closed()
        assert (await shake_hands(gateway.port))[1] == "20261127 09:30:00 US/Eastern"


async def test_it_warns_where_strangers_can_reach_it(folder: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "gateway",
        "--port",
        "0",
        "--host",
        "0.0.0.0",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()
    assert line.startswith("SIMULATED gateway on 0.0.0.0:")
    warning = (await asyncio.wait_for(process.stderr.readline(), DEADLINE_S)).decode()
    process.terminate()
    await process.communicate()
    assert warning.startswith("Warning: 0.0.0.0 is not this machine alone")
