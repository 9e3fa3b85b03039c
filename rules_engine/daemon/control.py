"""Commands to the running engine over a Unix socket: one JSON object a line, one reply a line."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from rules_engine.daemon.supervision import all_cancelled
from rules_engine.model.errors import WorldError
from rules_engine.model.json_value import Json

Command = Callable[[Mapping[str, Json]], Awaitable[Json]]

_LINE_MAX = 1 << 20
_REPLY_DEADLINE_S = 30.0


class NotRunning(WorldError):
    """No engine answers on the control socket: commands that only read fall back to the journal."""


class CommandRefused(WorldError):
    """The engine understood the command and did not carry it out; the text says why. Nothing was changed."""


class ControlServer:
    """Answers commands with the functions it was given, which run in the event loop."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._callers: set[asyncio.Task[None]] = set()
        self._is_serving = False

    async def run(self) -> None:
        """Serves until cancelled. A socket left by a killed engine is replaced: the journal's lock is the guard.

        When it returns no command runs any more, and whoever still listens for an answer reads the end.
        """
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            # Nothing is awaited here, so that nobody can be cancelled between the socket and its end.
            server = await asyncio.start_unix_server(self._serve, self._path, limit=_LINE_MAX, start_serving=False)
        finally:
            os.umask(mask)
        self._is_serving = True
        try:
            await server.start_serving()
            await asyncio.get_running_loop().create_future()
        finally:
            # Not serve_forever: from Python 3.12 on it would wait for callers that stay.
            server.close()
            self._is_serving = False
            self._path.unlink(missing_ok=True)
            await all_cancelled(self._callers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_serving:
            writer.close()  # It was let in at the very end: nobody would wait for its command any more.
            return
        caller = asyncio.current_task()
        assert caller is not None
        self._callers.add(caller)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # The caller left, or sent a line beyond any command of ours.
        except asyncio.CancelledError:
            pass  # The engine ends. The streams of Python 3.11 stumble over one who serves and ends as cancelled.
        finally:
            self._callers.discard(caller)
            writer.close()

    async def _answer(self, line: bytes) -> Json:
        try:
            request = json.loads(line)
        except ValueError:
            return {"ok": False, "error": "not a JSON object"}
        name = request.get("command") if isinstance(request, dict) else None
        if not isinstance(name, str) or name not in self._commands:
            return {"ok": False, "error": f"unknown command {name!r}; known: {', '.join(sorted(self._commands))}"}
        try:
            return {"ok": True, "result": await self._commands[name](request)}
        except CommandRefused as refusal:
            return {"ok": False, "error": str(refusal)}


def ask(path: Path, command: str, **arguments: Json) -> Json:
    """Sends one command and returns its result. Raises NotRunning or CommandRefused. Blocks: for the command line."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_REPLY_DEADLINE_S)
            connection.connect(str(path))
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
                stream.flush()
                line = stream.readline()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(f"no engine is running on {path.parent}") from error
    except OSError as error:
        raise NotRunning(f"the engine on {path.parent} does not answer: {error}") from error
    if not line:
        raise NotRunning(f"the engine on {path.parent} closed the connection")
    reply = json.loads(line)
    if not reply["ok"]:
        raise CommandRefused(reply["error"])
    result: Json = reply["result"]
    return result
