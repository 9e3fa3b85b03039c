"""Places in the running program at which it can be struck: before or after a commit, a send, a step of a reload."""

import functools
import inspect
import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rules_engine.broker.connection import Connection
from rules_engine.broker.inquiry import Inquiry
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.rulebook import RuleBook
from rules_engine.daemon.withdrawal import Withdrawal
from rules_engine.execution.cancelling import Cancelling
from rules_engine.execution.database import Database
from rules_engine.execution.desk import Desk
from rules_engine.execution.intake import Intake
from rules_engine.execution.journal import Journal
from rules_engine.execution.outbox import Outbox
from rules_engine.execution.reconciler import Reconciler
from rules_engine.gateway.orders.desk import Desk as GatewayDesk
from rules_engine.gateway.state import State
from rules_engine.gateway.wire.switchboard import Switchboard
from rules_engine.notifying.courier import Courier


@dataclass(frozen=True, slots=True)
class Point:
    """The beginning, or the end, of a method."""

    owner: type
    method: str
    after: bool = False
    argument: object = None
    """Only calls whose first argument is this."""


ENGINE = {
    "before a commit": Point(Database, "execute", argument="COMMIT"),
    "after a commit": Point(Database, "execute", after=True, argument="COMMIT"),
    "before a firing is committed": Point(Journal, "record"),
    "after a firing is committed": Point(Journal, "record", after=True),
    "before SENDING is committed": Point(Journal, "numbered"),
    "while SENDING is being committed": Point(Journal, "numbered", after=True),
    "before an order is sent": Point(Connection, "place"),
    "after an order is sent": Point(Connection, "place", after=True),
    "before a cancellation is committed": Point(Cancelling, "_send"),
    "before a cancellation is sent": Point(Connection, "cancel"),
    "after a cancellation is sent": Point(Connection, "cancel", after=True),
    "before a report of an order is committed": Point(Intake, "order"),
    "after a report of an order is committed": Point(Intake, "order", after=True),
    "before a fill is committed": Point(Intake, "execution"),
    "in the middle of a fill": Point(Journal, "fill", after=True),
    "after a fill is committed": Point(Intake, "execution", after=True),
    "outbox: before a letter is marked": Point(Outbox, "sending"),
    "outbox: before a letter is sent": Point(Courier, "deliver"),
    "outbox: after a letter is sent": Point(Courier, "deliver", after=True),
    "outbox: after a letter is done with": Point(Outbox, "sent", after=True),
    "reload: before files are read": Point(RuleBook, "reading"),
    "reload: before the swap": Point(InForce, "_swap"),
    "reload: in the middle of the swap": Point(Withdrawal, "bar"),
    "reload: before orders are taken back": Point(Withdrawal, "mark_barred"),
    "reload: after orders are taken back": Point(Withdrawal, "mark_barred", after=True),
    "reload: after the swap": Point(InForce, "_swap", after=True),
    "before memories are saved": Point(Journal, "save_lives"),
    "after memories are saved": Point(Journal, "save_lives", after=True),
    "start: before memories are taken up": Point(InForce, "resume"),
    "start: after memories are taken up": Point(InForce, "resume", after=True),
    "reconcile: before the first question": Point(Desk, "attach", after=True),
    "reconcile: between the questions": Point(Inquiry, "_ask_executions"),
    "reconcile: all answers are in": Point(Reconciler, "_adopting"),
    "reconcile: what was found is adopted": Point(Reconciler, "_adopting", after=True),
    "reconcile: what is absent is settled": Point(Reconciler, "_settling_absent", after=True),
}
GATEWAY = {
    "before an order is taken": Point(GatewayDesk, "place"),
    "an order is taken and not remembered": Point(GatewayDesk, "place", after=True),
    "before the gateway's commit": Point(State, "commit"),
    "after the gateway's commit": Point(State, "commit", after=True),
    "before answers leave": Point(Switchboard, "flush"),
    "after answers left": Point(Switchboard, "flush", after=True),
}
POINTS = ENGINE | GATEWAY


@dataclass(frozen=True, slots=True)
class Knife:
    """Strikes with a signal at the named point, after it was passed so many times."""

    point: str
    spares: int = 0
    signal: int = signal.SIGKILL

    def lay(self, path: Path) -> None:
        """Leaves it where a process looks for it: as it starts, and whenever it gets SIGUSR2."""
        path.with_suffix(".new").write_text(json.dumps(asdict(self)))
        path.with_suffix(".new").replace(path)


class Sheath:
    """Where this process finds its knife."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._knife: Knife | None = None
        self._spares = 0

    def look(self) -> None:
        """Takes up a knife that lies there."""
        if self._path.exists():
            self._knife = Knife(**json.loads(self._path.read_text()))
            self._spares = self._knife.spares
            self._path.unlink()

    def passed(self, point: str) -> None:
        """The process is at this point; it may be its last."""
        knife = self._knife
        if knife is None or knife.point != point:
            return
        self._spares -= 1
        if self._spares < 0:
            self._knife = None
            os.kill(os.getpid(), knife.signal)


def install(sheath: Sheath) -> None:
    """Every point of the loaded program reports to the sheath from now on."""
    signal.signal(signal.SIGUSR2, lambda number, frame: sheath.look())
    sheath.look()
    for name, point in POINTS.items():
        setattr(point.owner, point.method, _watched(name, point, sheath))


def _watched(name: str, point: Point, sheath: Sheath) -> Callable[..., Any]:
    original = getattr(point.owner, point.method)

    def passes(words: tuple[object, ...], at_the_end: bool) -> None:
        if point.after == at_the_end and point.argument in (None, *words[:1]):
            sheath.passed(name)

    @functools.wraps(original)
    def watched(self, *words, **more):
        passes(words, False)
        found = original(self, *words, **more)
        passes(words, True)
        return found

    @functools.wraps(original)
    async def watched_async(self, *words, **more):
        passes(words, False)
        found = await original(self, *words, **more)
        passes(words, True)
        return found

    @functools.wraps(original)
    def watched_slices(self, *words, **more):
        passes(words, False)
        found = yield from original(self, *words, **more)
        passes(words, True)
        return found

    if inspect.isgeneratorfunction(original):
        return watched_slices
    return watched_async if inspect.iscoroutinefunction(original) else watched
