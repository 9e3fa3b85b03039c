"""A gateway and an engine as processes of their own, which may be killed, stopped and started again."""

import asyncio
import contextlib
import itertools
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kill.points import Knife

START_S = 60.0
STOP_S = 30.0
ANSWER_S = 5.0
PORTS = range(20_000, 32_000)
"""Below those that a system gives to whoever asks for any: nobody else gets one while its process is away."""


class Ended(Exception):
    """A process ended that nobody had told to."""


class Nursery:
    """The process that all others are children of: it has everything loaded."""

    def __init__(self) -> None:
        self._parent: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._births: dict[int, tuple[Process, asyncio.Future[int]]] = {}
        self._children: dict[int, Process] = {}

    async def __aenter__(self) -> "Nursery":
        self._parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.kill.nursery"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._parent is not None and self._parent.stdin is not None and self._listening is not None
        self._parent.stdin.close()
        await asyncio.wait_for(self._parent.wait(), STOP_S)
        await self._listening

    async def bear(self, child: "Process", words: Sequence[str], output: Path, knife: Path) -> int:
        """Starts a `rules` command for ``child``, which hears of its stops and its end; returns its number."""
        assert self._parent is not None and self._parent.stdin is not None
        number, birth = next(self._numbers), asyncio.get_running_loop().create_future()
        self._births[number] = child, birth
        order = {"id": number, "words": words, "output": str(output), "knife": str(knife)}
        self._parent.stdin.write(json.dumps(order).encode() + b"\n")
        return await asyncio.wait_for(birth, START_S)

    async def _listen(self) -> None:
        assert self._parent is not None and self._parent.stdout is not None
        async for line in self._parent.stdout:
            news = json.loads(line)
            if "id" in news:
                child, birth = self._births.pop(news["id"])
                self._children[news["pid"]] = child
                birth.set_result(news["pid"])
            elif "code" in news:
                self._children.pop(news["pid"]).ended(news["code"])
            else:
                self._children[news["pid"]].halted()


class Process:
    """One `rules` command. Its output is kept in a file."""

    def __init__(self, nursery: Nursery, output: Path, *words: str) -> None:
        self._nursery = nursery
        self._output = output
        self._knife_path = output.with_suffix(".knife")
        self._words = words
        self._pid = 0
        self._code: asyncio.Future[int] | None = None
        self._halted = asyncio.Event()
        self._stopped = False
        self._may_end = False
        self._may_halt = False

    async def start(self, knife: Knife | None = None) -> None:
        """Starts it, with a knife that it is to die of."""
        self._knife_path.unlink(missing_ok=True)
        if knife is not None:
            knife.lay(self._knife_path)
        self._may_end = knife is not None
        self._may_halt = False
        self._code = asyncio.get_running_loop().create_future()
        self._halted.clear()
        self._stopped = False
        self._pid = await self._nursery.bear(self, self._words, self._output, self._knife_path)

    @property
    def alive(self) -> bool:
        return self._code is not None and not self._code.done()

    @property
    def at_work(self) -> bool:
        """Neither dead nor stopped by its knife."""
        return self.alive and not self._halted.is_set()

    def check(self) -> None:
        """Raises Ended when the process has ended by itself."""
        if not self.alive:
            code = self._code.result() if self._code else None
            raise Ended(f"rules {self._words[0]} ended with {code}:\n{self.output}")

    @property
    def output(self) -> str:
        """The last of what it has said."""
        return self._output.read_text()[-2000:]

    def arm(self, knife: Knife) -> None:
        """Gives the running process a knife."""
        self.check()
        self._may_end = True
        self._may_halt = knife.signal == signal.SIGSTOP
        self._halted.clear()
        knife.lay(self._knife_path)
        self._signal(signal.SIGUSR2)

    async def struck(self, deadline_s: float) -> bool:
        """Waits until it has died, or stopped, of its knife; False when that has not happened by the deadline.

        Raises Ended when it ended in another way.
        """
        assert self._code is not None
        halted = asyncio.ensure_future(self._halted.wait())
        await asyncio.wait({self._code, halted}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        if not self._code.done():
            self._stopped = self._halted.is_set()
            halted.cancel()
            return self._stopped
        halted.cancel()
        if self._code.result() != -signal.SIGKILL:
            self.check()
        return True

    async def kill(self) -> None:
        """SIGKILL, and waits until it is gone."""
        if self.alive or not self._may_end:
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
        assert self._code is not None
        return await asyncio.wait_for(asyncio.shield(self._code), START_S), self._output.read_text()

    async def close(self) -> None:
        """Leaves no process behind."""
        if self.alive:
            await self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP: it holds its sockets and does nothing."""
        self._signal(signal.SIGSTOP)
        self._stopped = True

    def go_on(self) -> None:
        if self._stopped and self.alive:
            self._signal(signal.SIGCONT)
        self._stopped = False
        self._halted.clear()

    def ended(self, code: int) -> None:
        """Its parent says so."""
        assert self._code is not None
        self._code.set_result(code)

    def halted(self) -> None:
        """Its parent says that it stopped: of its knife, or because we stopped it, which may be over by now."""
        if self._may_halt:
            self._may_halt = False
            self._halted.set()

    async def _end(self, number: signal.Signals) -> int:
        self._signal(number)
        assert self._code is not None
        return await asyncio.wait_for(asyncio.shield(self._code), STOP_S)

    def _signal(self, number: signal.Signals) -> None:
        # It may have died of its knife a moment ago.
        with contextlib.suppress(ProcessLookupError):
            if self.alive:
                os.kill(self._pid, number)


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

    async def ready(self, gateway: Process) -> None:
        """Returns once the gateway answers. Raises Ended when it has ended, AssertionError when it never does."""
        ends_s = asyncio.get_running_loop().time() + START_S
        while True:
            try:
                await self.ask("time")
                return
            except OSError:
                gateway.check()
                assert asyncio.get_running_loop().time() < ends_s, f"the gateway does not answer:\n{gateway.output}"
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
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
