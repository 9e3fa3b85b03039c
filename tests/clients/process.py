"""A client program in a Python of its own, driven over pipes by lines of JSON."""

import contextlib
import itertools
import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = ROOT / ".venv-clients"
DRIVERS = Path(__file__).parent / "drivers"
DEADLINE_S = 65.0

Record = dict[str, Any]


def client_python(name: str) -> Path:
    """The Python that has this client alone; a test fails with one line where nobody has prepared it."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if not (ENVIRONMENTS / ".stamp").exists() or not python.exists():
        pytest.fail("the clients' own environments are missing: run `make clients` (`make test` does)", pytrace=False)
    return python


class Failed(Exception):
    """A verb failed in the client; the text says how."""


class Process:
    """One driver. It serves any number of connections, and it outlives the tests that use it."""

    def __init__(self, name: str, complaints: Path) -> None:
        self.name = name
        self._complaints = complaints
        """What it writes to standard error; the threads of IB's client do so whenever a connection ends."""
        driver = ["official.py"] if name.startswith("ibapi") else ["insync.py", name]
        with complaints.open("w") as stderr:
            self._program = subprocess.Popen(
                [client_python(name), str(DRIVERS / driver[0]), *driver[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._replies: queue.Queue[Record] = queue.Queue()
        self._sessions: dict[str, Session] = {}
        self._numbers = itertools.count()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def session(self) -> "Session":
        """A connection that is not made yet."""
        number = str(next(self._numbers))
        self._sessions[number] = Session(self, number)
        return self._sessions[number]

    def ask(self, session: str, verb: str, arguments: Record) -> Any:
        """Have one verb done and wait for its result."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps({"session": session, "verb": verb, "args": arguments}) + "\n")
        self._program.stdin.flush()
        reply = self._replies.get(timeout=DEADLINE_S)
        if "failure" in reply:
            raise Failed(reply["failure"])
        return reply["reply"]

    def close(self) -> None:
        """End the program."""
        assert self._program.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._program.stdin.close()
        self._program.wait(DEADLINE_S)
        self._listener.join(DEADLINE_S)
        assert self._program.stdout is not None
        self._program.stdout.close()

    def _listen(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            told = json.loads(line)
            if "event" in told:
                self._sessions[told.pop("session")].take(told)
            else:
                self._replies.put(told)
        self._replies.put({"failure": f"the driver of {self.name} ended: {self._complaints.read_text()}"})


class Session:
    """One connection of a client, and everything that was heard over it."""

    def __init__(self, process: Process, number: str) -> None:
        self._process = process
        self._number = number
        self.greeting: Record = {}
        """What the client knew as soon as it was connected: version, accounts, nextId."""
        self._heard: list[Record] = []
        self._arrived = threading.Condition()

    def ask(self, verb: str, /, **arguments: Any) -> Any:
        """Have the client do something, and give back what it got."""
        return self._process.ask(self._number, verb, arguments)

    def settle(self) -> None:
        """Everything that the gateway has sent so far is heard: the answer to a question asked now comes last."""
        self.ask("time")

    def heard(self, event: str, **wanted: Any) -> list[Record]:
        """The events of this name that agree with what is wanted, oldest first."""
        with self._arrived:
            return [told for told in self._heard if told["event"] == event and wanted.items() <= told.items()]

    def wait(self, event: str, **wanted: Any) -> Record:
        """The first such event, which may have come already or comes before the deadline."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: self.heard(event, **wanted), DEADLINE_S)
        assert arrived, f"{self._process.name} heard no {event} {wanted} but {self._heard[-20:]}"
        return arrived[0]

    def codes(self, order: int | None = None) -> list[int]:
        """Error codes heard, those of the farms left out; of one order or request, if it is given."""
        told = self.heard("error") if order is None else self.heard("error", id=order)
        return [one["code"] for one in told if not 2100 <= one["code"] < 2200]

    def forget(self) -> None:
        """What was heard until now is of no interest."""
        with self._arrived:
            self._heard.clear()

    def take(self, told: Record) -> None:
        """One more event."""
        with self._arrived:
            self._heard.append(told)
            self._arrived.notify_all()
