"""A gateway and an engine as processes of their own, which may be killed, stopped and started again."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_S = 60.0
STOP_S = 30.0
ANSWER_S = 5.0
ACCOUNT = "DU1234567"


class Ended(Exception):
    """A process ended that nobody had told to."""


class Process:
    """One `rules` command. Its output is kept in a file."""

    def __init__(self, output: Path, *words: str) -> None:
        self._output = output
        self._words = words
        self._process: asyncio.subprocess.Process | None = None
        self._stopped = False

    async def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rules_engine", *self._words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._stopped = False

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def check(self) -> None:
        """Raises Ended when the process has ended by itself."""
        if not self.alive:
            code = self._process.returncode if self._process else None
            raise Ended(f"rules {self._words[0]} ended with {code}:\n{self._output.read_text()[-2000:]}")

    async def kill(self) -> None:
        """SIGKILL, and waits until it is gone."""
        self.check()
        await self._end(signal.SIGKILL)

    async def end(self) -> int:
        """SIGTERM; returns the exit code."""
        self.check()
        self.go_on()
        return await self._end(signal.SIGTERM)

    async def done(self) -> tuple[int, str]:
        """The exit code and output of a command that ends by itself."""
        await self.start()
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), START_S), self._output.read_text()

    async def close(self) -> None:
        """Leaves no process behind."""
        if self.alive:
            await self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP: it holds its sockets and does nothing."""
        self._signal(signal.SIGSTOP)
        self._stopped = True

    def go_on(self) -> None:
        if self._stopped:
            self._signal(signal.SIGCONT)
            self._stopped = False

    async def _end(self, number: signal.Signals) -> int:
        self._signal(number)
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), STOP_S)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Control:
    """The gateway's control port, for as long as there is one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, question: str) -> Any:
        return (await self._say({"ask": question}))["answer"]

    async def do(self, command: str, **arguments: object) -> None:
        await self._say({"do": command, **arguments})

    async def ready(self) -> None:
        """Returns once the gateway answers."""
        async with asyncio.timeout(START_S):
            while True:
                try:
                    await self.ask("time")
                    return
                except OSError:
                    await asyncio.sleep(0.05)

    async def _say(self, line: Mapping[str, object]) -> dict[str, Any]:
        """The answer. Raises OSError when the gateway is gone or stopped."""
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_S):
                    if self._streams is None:
                        self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 26)
                    reader, writer = self._streams
                    writer.write(json.dumps(line).encode() + b"\n")
                    answer = await reader.readline()
                if not answer:
                    raise ConnectionResetError("the gateway hung up")
            except OSError:
                self.hang_up()
                raise
        told: dict[str, Any] = json.loads(answer)
        assert told["ok"], (line, told)
        return told

    def hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
