"""One seed into one history: a market, a gateway, an engine that is killed and started again, and what was wrong."""

import asyncio
import contextvars
import sqlite3
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.gateway import Gateway, parse_market
from rules_engine.model.settings import GatewaySettings, Limits, Mode, Settings
from tests.sim.checks import Checks, Violation, fate_of
from tests.sim.disk import Disk, fast_folder
from tests.sim.faults import Stage, Trouble
from tests.sim.letters import PostOffice
from tests.sim.market import MARKET, Crowd
from tests.sim.network import Network
from tests.sim.node import NODE, Killed, Node
from tests.sim.virtual_loop import VirtualClock, VirtualLoop
from tests.sim.wire import EventLog, Watcher

START_S = 1_781_704_800.0
"""2026-06-17 10:00 in New York, a Wednesday."""
ACCOUNT = "DU1234567"
CANARY = "c4n4ry-t0ken"
CHANNELS = {"phone": f"json://localhost/{CANARY}"}
RESTART_S = 30.0
PATIENCE_S = 15.0
"""How long an engine may take to come to the use of disk or network at which it is to die."""
DRAIN_S = 1_300.0
"""Longer than the longest pause between two audits of the engine, and than any back-off."""
_RULES = Path(__file__).parent / "rules.yaml"
_PORTS = ("before commit", "after commit", "before write", "after write", "before letter", "after letter", "connect")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the market lasts, and how bad life is: 1 is bad, 0 is peace."""

    seed: int
    minutes: float = 30.0
    badness: float = 1.0
    kills_per_hour: float = 20.0
    only: frozenset[str] = frozenset()
    """The faults that happen; none named means all."""
    power_cuts: float = 0.3
    """How many of the kills take what was not synced with them."""
    keep_log: bool = False
    stop_at_first: bool = False
    """The first broken promise ends the history."""


@dataclass(frozen=True, slots=True)
class History:
    """What came of a seed."""

    plan: Plan
    digest: str
    violations: tuple[Violation, ...]
    simulated_s: float
    cpu_s: float
    starts: int
    kills: int
    orders: int
    firings: int
    ticks: int
    log: tuple[str, ...]


def play(plan: Plan) -> History:
    """The history of this plan: always the same one."""
    with TemporaryDirectory(prefix="sim-", dir=fast_folder()) as folder:
        world = World(plan, Path(folder))
        return world.play()


class World:
    """Everything there is in one simulation. Nothing in it is collected before the process ends: finalizers of a
    killed engine would run code of the dead."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._loop = VirtualLoop()
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._fell)
        self._clock = VirtualClock(self._loop, START_S)
        self.log = EventLog(self._loop.time, keep=plan.keep_log)
        self._watcher = Watcher(self._loop.time, self.log)
        self._network = self._loop.network = Network(self._loop, self._random("network"), self._watcher)
        (folder / "market.yaml").write_text(MARKET)
        self._gateway = Gateway(
            parse_market([str(folder / "market.yaml")]), accounts=(ACCOUNT,), clock=self._clock, seed=plan.seed
        )
        self._rules = folder / "rules"
        self._rules.mkdir()
        (self._rules / "rules.yaml").write_text(_RULES.read_text())
        self._state = StateFolder(folder / "var")
        self._state.prepare()
        self._disk = Disk(self._state.journal)
        self._office = PostOffice(self._random("letters"))
        self._tokens = self._random("tokens")
        self._checks = Checks(self._state.journal, self._gateway, self._loop.time, self._clock.now_s)
        self._watcher.on_order = self._checks.order_sent
        self._watcher.on_cancel = self._checks.cancel_sent
        self._disk.on_commit = self._checks.committed
        if plan.stop_at_first:
            self._checks.on_violation = self._loop.stop
        self._nodes: list[Node] = []
        self._kept: list[object] = []
        self._stopping: asyncio.Event | None = None
        self._engine: asyncio.Task[None] | None = None
        self._kills = 0
        self._crowd = Crowd(self._gateway, self._random("market"), pause_s=1.0)

    def play(self) -> History:
        began_s = time.process_time()
        until_s = self._plan.minutes * 60.0
        main = self._task(self._live(until_s))
        main.add_done_callback(lambda _: self._loop.stop())
        while not main.done() and not (self._plan.stop_at_first and self._checks.violations):
            try:
                self._loop.run_forever()
            except Killed:
                self._bury(self._nodes[-1], "at a port")
        if main.done():
            main.result()
        self._conclude()
        count = self._count("SELECT count(*) FROM firing")
        history = History(
            plan=self._plan,
            digest=self.log.digest,
            violations=tuple(self._checks.violations),
            simulated_s=self._loop.time(),
            cpu_s=time.process_time() - began_s,
            starts=len(self._nodes),
            kills=self._kills,
            orders=len(self._gateway.orders),
            firings=count,
            ticks=self._crowd.ticks,
            log=tuple(self.log.kept or ()),
        )
        _GRAVEYARD.append(self)
        return history

    async def _live(self, until_s: float) -> None:
        await self._gateway.start()
        foreign = self._place_foreign()
        trading = self._task(self._crowd.trade(until_s))
        self._start()
        self._office.failing = 0.2 * min(self._plan.badness, 1.0)
        stage = Stage(self._gateway, self._network, self._random("stage"))
        trouble = self._task(
            Trouble(stage, self._plan.seed, self._plan.badness, self._say, self._plan.only).stir(until_s)
        )
        reaper = self._task(self._reap(until_s))
        await asyncio.gather(trading, trouble, reaper)
        self._say("peace")
        self._office.failing = 0.0
        await asyncio.sleep(DRAIN_S)
        self._checks.settled(self._office.delivered, foreign, self._watcher.complained_of)
        await self._stop()
        await self._gateway.stop()

    # The engine's lives.

    def _start(self) -> None:
        if self._nodes and not self._nodes[-1].dead:
            return
        node = Node(len(self._nodes) + 1, self._at_port)
        self._nodes.append(node)
        self._say(f"engine {node.number} starts")
        context = contextvars.copy_context()
        context.run(NODE.set, node)
        self._stopping = asyncio.Event()
        self._engine = self._loop.create_task(self._run_engine(node, self._stopping), context=context)
        self._kept.append(self._engine)
        self._engine.add_done_callback(lambda engine: self._ended(node, engine))

    def _ended(self, node: Node, engine: asyncio.Task[None]) -> None:
        """An engine that ends by itself is started again, as a service manager does."""
        error = None if node.dead or engine.cancelled() else engine.exception()
        if error is not None:
            self._checks.broken("the engine does not fall", _innermost(error))
            self._bury(node, "by itself")
            self._loop.call_later(RESTART_S, self._start)

    async def _run_engine(self, node: Node, stopping: asyncio.Event) -> None:
        settings = Settings(
            rules=self._rules,
            state=self._state.path,
            gateway=GatewaySettings(port=self._gateway.port),
            mode=Mode.PAPER,
            account=ACCOUNT,
            channels=CHANNELS,
            limits=Limits(allow_short=True),
        )
        book = RuleBook(settings.rules, frozenset(settings.channels))
        edition = book.read(self._clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        surroundings = Surroundings(
            token=lambda count: self._tokens.randbytes(count).hex(),
            database=self._disk.opener(node),
            courier=self._office.courier(node),
            watch=_never_changes,
        )
        daemon = Daemon(settings, self._state, book, edition, self._clock, live=False, surroundings=surroundings)
        node.keeps.append(daemon)
        try:
            await daemon.run(stopping)
        finally:
            daemon.close()

    async def _reap(self, until_s: float) -> None:
        """Kills the engine again and again, at moments and at uses of disk and network, and starts it anew."""
        random = self._random("kills")
        while self._plan.kills_per_hour:
            pause_s = random.expovariate(self._plan.kills_per_hour / 3600)
            if self._loop.time() + pause_s >= until_s:
                break
            await asyncio.sleep(pause_s)
            await self._end(random)
            await asyncio.sleep(random.choice((random.uniform(0.01, 1), random.uniform(1, 8), random.uniform(8, 90))))
            if self._nodes[-1].dead:
                if random.random() < self._plan.power_cuts:
                    self._disk.cut_power()
                self._start()

    async def _end(self, random: Random) -> None:
        node = self._nodes[-1]
        chance = random.random()
        if chance < 0.3:
            if not node.dead:
                self._bury(node, "between two callbacks")
        elif chance < 0.4:
            await self._stop()
        else:
            node.dies_at = (random.choice(_PORTS), random.randrange(12))
            with_patience_s = self._loop.time() + PATIENCE_S
            while not node.dead and self._loop.time() < with_patience_s:
                await asyncio.sleep(0.25)
            if not node.dead:
                self._bury(node, "between two callbacks")

    async def _stop(self) -> None:
        assert self._engine is not None and self._stopping is not None
        node = self._nodes[-1]
        if node.dead:
            return
        self._say(f"engine {node.number} is asked to stop")
        self._stopping.set()
        await asyncio.wait({self._engine}, timeout=60.0)
        if not node.dead and not self._engine.done():
            self._checks.broken("an engine that is asked to stop stops", f"engine {node.number}")
        node.bury()

    def _bury(self, node: Node, where: str) -> None:
        node.bury()
        self._kills += 1
        self._say(f"engine {node.number} is killed {where} after {node.ports} uses of disk and network")

    # The rest of the world.

    def _place_foreign(self) -> dict[int, str]:
        """Orders of somebody else, with what must still be true of them at the end."""
        permIds = [
            self._gateway.place_in_tws("AAPL", "BUY", 7, "LMT", limit_price=50.0),
            self._gateway.place_in_tws("MA", "SELL", 9, "LMT", limit_price=900.0),
        ]
        return {order.permId: fate_of(order) for order in self._gateway.orders if order.permId in permIds}

    def _conclude(self) -> None:
        """What the journal and the people have at the end belongs to the history."""
        for at_s, title, text in self._office.delivered:
            self.log.add("letter", f"{at_s:.6f}", title, text)
        with sqlite3.connect(self._state.journal) as connection:
            for line in connection.iterdump():
                self.log.add("journal", line)
                if CANARY in line:
                    self._checks.broken("no secret in the journal", line[:60])
        connection.close()
        if self._engine is not None and self._engine.done() and not self._engine.cancelled():
            self._engine.exception()

    def _count(self, statement: str) -> int:
        connection = sqlite3.connect(self._state.journal)
        try:
            return int(connection.execute(statement).fetchone()[0])
        finally:
            connection.close()

    def _random(self, stream: str) -> Random:
        return Random(f"{self._plan.seed}:{stream}")

    def _task(self, work: Coroutine) -> asyncio.Task:
        task = self._loop.create_task(work)
        self._kept.append(task)
        return task

    def _at_port(self, node: Node, name: str) -> None:
        pass

    def _say(self, text: str) -> None:
        self.log.add(text)

    def _fell(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        error = context.get("exception")
        self._checks.broken("nothing falls over", f"{context.get('message')}: {error!r}")


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    code = frame.tb_frame.f_code if frame else None
    return f"{type(error).__name__}: {error} in {code.co_qualname if code else 'nowhere'}"


async def _never_changes(folder: Path, wake) -> None:
    await asyncio.get_running_loop().create_future()


_GRAVEYARD: list[World] = []
