"""Kills and stops engine and gateway: at named points, at random moments, and while something is under way."""

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.kill.points import ENGINE, GATEWAY, Knife
from tests.kill.processes import Process
from tests.kill.town import Town

UNDER_WAY = {
    "an intent is committed": "SELECT 1 FROM intent WHERE state = 'intent' AND held = 0",
    "an order is being sent": "SELECT 1 FROM intent WHERE state = 'sending'",
    "an order works": "SELECT 1 FROM intent WHERE state IN ('working', 'partial')",
    "an order fills": "SELECT 1 FROM execution WHERE at_s > unixepoch('now', 'subsec') - 0.3",
    "a letter is on its way": "SELECT 1 FROM outbox WHERE state = 'sending'",
}
TO_BE_CANCELLED = "SELECT 1 FROM intent WHERE rule = 'edited-held' AND state IN ('acked', 'working')"
DELAYS_S = (0.0, 0.0, 0.3, 2.0, 5.0, 10.0)
"""How long the gateway holds orders: most are longer than an engine's restart, which takes about half a second."""
WAITS_S = ((0.0, 1.0), (1.0, 4.0))
AWAY_S = ((0.0, 0.1), (0.0, 0.1), (0.1, 1.0), (1.0, 6.0))
PATIENCE_S = 8.0
"""A point that is not passed by then is not waited for: the process is killed where it is."""
SPARES = (0, 0, 0, 1, 3)
COMMIT_SPARES = (0, 5, 20, 60, 150)
PEACE_S = 20.0
"""Longer than it takes an engine to find out that IB does not have an order."""

EVENTS = {
    "engine at a point": 46,
    "engine at its start": 16,
    "engine at a moment": 12,
    "gateway at a point": 8,
    "gateway at a moment": 4,
    "both": 4,
    "stopped at a point": 4,
    "stopped at a moment": 4,
    "peace": 2,
}
NO_KNIFE = Knife("nowhere")
AT_START = [name for name in ENGINE if name.startswith(("start", "reconcile"))]
RUNNING = [name for name in ENGINE if name not in AT_START]


@dataclass(slots=True)
class Tally:
    """What was done, and what it hit."""

    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    """How often a process was struck at each named point."""
    hit: Counter[str] = field(default_factory=Counter)
    """In how many kills of the engine an intent stood in which state."""
    edits: int = 0

    @property
    def total(self) -> int:
        return self.kills.total()

    def add(self, other: "Tally") -> None:
        """Takes in what happened in another town."""
        for mine, theirs in (
            (self.kills, other.kills),
            (self.stops, other.stops),
            (self.points, other.points),
            (self.hit, other.hit),
        ):
            mine.update(theirs)
        self.edits += other.edits


class Killer:
    """The same seed makes the same choices; what they hit depends on the machine."""

    def __init__(self, town: Town, seed: str) -> None:
        self._town = town
        self._random = Random(seed)
        self.tally = Tally()

    async def go(self, kills: int) -> None:
        """Kills so many processes, each of which is started again."""
        engine, gateway = self._town.engine, self._town.gateway
        while self.tally.total < kills:
            await self._town.control.do("delay_orders", delay_s=self._random.choice(DELAYS_S))
            match self._random.choices(list(EVENTS), list(EVENTS.values()))[0]:
                case "engine at a point":
                    await self._strike(engine, self._random.choice(RUNNING), "engine")
                    await self._bury_engine()
                case "engine at its start":
                    knife = Knife(self._random.choice(AT_START))
                    await self._kill(engine, "engine")
                    self._look()
                    await self._away()
                    await self._town.start_engine(knife)
                    await self._struck(engine, knife, "engine")
                    await self._bury_engine()
                case "engine at a moment":
                    await self._moment()
                    await self._kill(engine, "engine")
                    await self._bury_engine()
                case "gateway at a point":
                    await self._strike(gateway, self._random.choice(list(GATEWAY)), "gateway")
                    await self._bury_gateway()
                case "gateway at a moment":
                    await self._moment()
                    await self._kill(gateway, "gateway")
                    await self._bury_gateway()
                case "both":
                    await self._strike(gateway, self._random.choice(list(GATEWAY)), "gateway")
                    self._town.control.hang_up()
                    await self._kill(engine, "engine")
                    await self._bury_engine()
                    await self._bury_gateway()
                case "stopped at a point":
                    process, points = self._random.choice(((engine, RUNNING), (gateway, list(GATEWAY))))
                    knife = Knife(self._random.choice(points), 0, signal.SIGSTOP)
                    process.arm(knife)
                    await self._provoke(knife.point)
                    if await process.struck(PATIENCE_S):
                        self.tally.points[knife.point] += 1
                    else:
                        process.arm(NO_KNIFE)
                    await self._hang(process)
                case "stopped at a moment":
                    await self._moment()
                    await self._hang(self._random.choice((engine, gateway)))
                case "peace":
                    await asyncio.sleep(PEACE_S)

    async def _strike(self, process: Process, point: str, name: str) -> None:
        """Kills at the named point, or where the process is when it does not come by there."""
        spares = self._random.choice(_spares(point))
        knife = Knife(point, spares)
        process.arm(knife)
        await self._provoke(point)
        await self._struck(process, knife, name)

    async def _struck(self, process: Process, knife: Knife, name: str) -> None:
        if await process.struck(PATIENCE_S):
            self.tally.kills[name] += 1
            self.tally.points[knife.point] += 1
        else:
            await self._kill(process, name)

    async def _provoke(self, point: str) -> None:
        """Other rules are saved, now and then only half of them, for what comes by only then; a cancellation once there
        is an order to cancel."""
        if _is_of_cancellation(point):
            await self._town.control.do("delay_orders", delay_s=0)
            await self._town.until(TO_BE_CANCELLED, PATIENCE_S)
        if point.startswith("reload") or _is_of_cancellation(point):
            self.tally.edits += 1
            await self._town.edit(torn=point.startswith("reload: before") and self._random.random() < 0.3)

    async def _moment(self) -> None:
        """A random one, or one at which something is under way."""
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.uniform(*self._random.choice(WAITS_S)))
            return
        await self._town.until(UNDER_WAY[self._random.choice(list(UNDER_WAY))], PATIENCE_S)

    async def _away(self) -> None:
        await asyncio.sleep(self._random.uniform(*self._random.choice(AWAY_S)))

    async def _kill(self, process: Process, name: str) -> None:
        await process.kill()
        self.tally.kills[name] += 1

    async def _bury_engine(self) -> None:
        """Counts what it left, and starts another."""
        self._look()
        await self._away()
        await self._town.start_engine()

    async def _bury_gateway(self) -> None:
        self._town.control.hang_up()
        await self._away()
        await self._town.gateway.start()
        await self._town.control.ready(self._town.gateway)

    def _look(self) -> None:
        rows = self._town.rows("SELECT DISTINCT state FROM intent WHERE state IN ('intent', 'sending', 'unknown')")
        self.tally.hit.update(state for (state,) in rows)
        if self._town.rows("SELECT 1 FROM outbox WHERE state = 'sending'"):
            self.tally.hit["letter"] += 1

    async def _hang(self, process: Process) -> None:
        """A process hangs with its sockets open; in half of the cases the engine does not survive that."""
        engine = self._town.engine
        process.stop()
        self.tally.stops["engine" if process is engine else "gateway"] += 1
        await self._away()
        if self._random.random() < 0.5:
            await self._kill(engine, "engine")
            self._look()
            await self._town.start_engine()
            await self._away()
        process.go_on()
        await self._town.control.ready(self._town.gateway)


def _is_of_cancellation(point: str) -> bool:
    return "cancellation" in point


def _spares(point: str) -> tuple[int, ...]:
    """How often it may pass: a commit comes by all the time, a cancellation once an edit."""
    if point.endswith("a commit"):
        return COMMIT_SPARES
    return (0,) if _is_of_cancellation(point) else SPARES
