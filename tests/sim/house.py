"""Gateway, network, disk and engine on one clock, and what can be done to them: the stage of every simulation."""

import asyncio
import contextvars
import json
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from random import Random

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.stop_outside import cancel_outside
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.gateway import Gateway, Order, parse_market
from rules_engine.gateway.faults.plan import Step
from rules_engine.model.errors import LinkDown
from rules_engine.model.json_value import Json
from rules_engine.model.settings import GatewaySettings, Limits, Mode, Settings
from tests.sim.again import Repetitions
from tests.sim.checks import Checks
from tests.sim.disk import Disk
from tests.sim.gate import Gate
from tests.sim.goodbye import Goodbye
from tests.sim.letters import PostOffice
from tests.sim.logs import Listener
from tests.sim.market import MARKET
from tests.sim.network import Network
from tests.sim.node import NODE, Killed, Node
from tests.sim.virtual_loop import VirtualClock, VirtualLoop
from tests.sim.wire import EventLog, Watcher

ACCOUNT = "DU1234567"
CANARY = "c4n4ry-t0ken"
CHANNELS = {"phone": f"json://localhost/{CANARY}"}
RESTART_S = 30.0
ANSWER_S = 30.0
PATIENCE_S = 15.0
"""How long an engine may take to come to the use of disk or network at which it is to end."""


class CountedGateway(Gateway):
    """The gateway, with a number for its process as the machine has one."""

    process = 1

    def restart(self, down_s: float = 0.0, ids_back: int = 0, loses_orders: bool = True) -> None:
        self.process += 1
        super().restart(down_s, ids_back, loses_orders)


class House:
    """Everything there is in one simulation. Nothing in it is collected before the process ends: finalizers of a
    killed engine would run code of the dead."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        rules: str,
        *,
        start_s: float,
        limits: Limits | None = None,
        wanted: Settings | None = None,
        market: str = MARKET,
        keep_log: bool = False,
        steady: bool = False,
        steps: tuple[Step, ...] = (),
    ) -> None:
        """``wanted`` has the settings that are not the house's own. ``steady``: the network is never slow. ``steps``
        happen to the gateway at times of the day."""
        self.seed = seed
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._fell)
        self.clock = VirtualClock(self.loop, start_s)
        """The engine's; the gateway has one of its own."""
        self.log = EventLog(self.loop.time, folder, keep=keep_log)
        self.watcher = Watcher(self.loop.time, self.log)
        quiet = {"slow_probability": 0.0, "split_probability": 0.0} if steady else {}
        self.network = self.loop.network = Network(self.loop, self.random("network"), self.watcher, **quiet)
        (folder / "market.yaml").write_text(market)
        self.gateway = CountedGateway(
            parse_market([str(folder / "market.yaml")]),
            accounts=(ACCOUNT,),
            clock=VirtualClock(self.loop, start_s),
            seed=seed,
            faults=steps,
        )
        self.rules = folder / "rules"
        self.rules.mkdir()
        self.state = StateFolder(folder / "var")
        self.state.prepare()
        self.switch = KillSwitch(self.state.stop_flag)
        self.disk = Disk(self.state.journal)
        self.office = PostOffice(self.random("letters"))
        self.wanted = wanted or Settings()
        self.limits = limits or Limits(allow_short=True)
        self.nodes: list[Node] = []
        self.kills = 0
        self.reset_s = 0.0
        """When the account was last begun anew."""
        self._tokens = self.random("tokens")
        self._kept: list[object] = []
        self._engine: asyncio.Task[None] | None = None
        self._daemon: Daemon | None = None
        self._goodbye: Goodbye | None = None
        self.checks = Checks(self.state.journal, self.gateway, self.loop.time, self.engine_now_s)
        self.gate = Gate(self, ACCOUNT)
        self.repetitions = Repetitions(self)
        self.listener = Listener(CHANNELS.values(), CANARY, self.checks.broken)
        self._listen()
        self.write_rules(rules)
        _GRAVEYARD.append(self)

    def _listen(self) -> None:
        checks, gate, repetitions = self.checks, self.gate, self.repetitions

        def order_sent(sent) -> None:
            checks.order_sent(sent)
            repetitions.order_sent(sent)
            gate.order_sent(sent)
            if self._goodbye is not None:
                self._goodbye.order_sent(sent)

        def committed(node: Node, tables: frozenset[str]) -> None:
            checks.committed(node, tables)
            gate.committed(tables)
            if self._goodbye is not None:
                self._goodbye.committed(node)

        self.watcher.on_order, self.watcher.on_cancel = order_sent, checks.cancel_sent
        self.disk.on_commit, self.disk.on_cut = committed, checks.reopen

    def random(self, stream: str) -> Random:
        """Dice of its own for each use, so that one use more does not change the others."""
        return Random(f"{self.seed}:{stream}")

    def say(self, text: str) -> None:
        """Into the log of all that happened."""
        self.log.add(text)

    def play(self, script: Coroutine[None, None, None], *, until: Callable[[], bool] = lambda: False) -> None:
        """Lets time pass until the script is over, or something is so; whoever dies on the way is buried."""
        with self.listener:
            main = self.task(script)
            main.add_done_callback(lambda _: self.loop.stop())
            while not main.done() and not until():
                try:
                    self.loop.run_forever()
                except Killed:
                    for node in [one for one in self.nodes if one.dead and not one.buried]:
                        self._bury(node, "at a port")
            if main.done():
                main.result()

    def task(self, work: Coroutine) -> asyncio.Task:
        task = self.loop.create_task(work)
        self._kept.append(task)
        return task

    # The engine's lives.

    @property
    def node(self) -> Node:
        """The newest process of the engine."""
        return self.nodes[-1]

    @property
    def is_running(self) -> bool:
        return bool(self.nodes) and not self.node.dead

    def start(self) -> None:
        """A new process of the engine, unless one runs."""
        if self.is_running:
            return
        node = self._node()
        self.say(f"engine {node.number} starts")
        goodbye = self._goodbye = Goodbye(self, node)
        self._engine = self._within(node, self._run_engine(node, goodbye.stopping))
        self._engine.add_done_callback(lambda engine: self._ended(node, engine, goodbye))

    def kill(self) -> None:
        """SIGKILL between two callbacks."""
        if self.is_running:
            self._bury(self.node, "between two callbacks")

    async def stop(self, *, packets: int = 0, turns: int = 0, late: bool = False) -> None:
        """SIGTERM: now, or as so many packets have come to the engine; see `Goodbye.ask_at_packet`."""
        if not self.is_running:
            return
        assert self._engine is not None and self._goodbye is not None
        node, goodbye = self.node, self._goodbye
        if packets:
            goodbye.ask_at_packet(packets, turns, late=late)
            asked = self.task(goodbye.stopping.wait())
            await asyncio.wait({self._engine, asked}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        goodbye.ask()
        await asyncio.wait({self._engine}, timeout=60.0)
        if not node.dead and not self._engine.done():
            self.checks.broken("an engine that is asked to stop stops", f"engine {node.number}")
        node.bury()

    def settings(self) -> Settings:
        return replace(
            self.wanted,
            rules=self.rules,
            state=self.state.path,
            gateway=GatewaySettings(port=self.gateway.port),
            mode=Mode.PAPER,
            account=ACCOUNT,
            channels=CHANNELS,
            limits=self.limits,
        )

    def _node(self) -> Node:
        node = Node(len(self.nodes) + 1, lambda node, name: None)
        self.nodes.append(node)
        return node

    def _within(self, node: Node, work: Coroutine) -> asyncio.Task:
        context = contextvars.copy_context()
        context.run(NODE.set, node)
        task = self.loop.create_task(work, context=context)
        self._kept.append(task)
        return task

    async def _run_engine(self, node: Node, stopping: asyncio.Event) -> None:
        settings = self.settings()
        book = RuleBook(settings.rules, frozenset(settings.channels))
        edition = book.read(self.clock.now_s(), frozenset(), {})
        if not isinstance(edition, Edition):
            self.say("the rules are no valid set: an engine does not start with them")
            node.bury()
            self.loop.call_later(RESTART_S, self.start)
            return
        surroundings = Surroundings(
            token=lambda count: self._tokens.randbytes(count).hex(),
            database=self.disk.opener(node),
            courier=self.office.courier(node),
            watch=_never_changes,
            elapsed_s=self.loop.time,
            witness=lambda ours, theirs: f"process {self.gateway.process}",
        )
        again = True
        while again:
            daemon = Daemon(settings, self.state, book, edition, self.clock, live=False, surroundings=surroundings)
            node.keeps.append(daemon)
            self._daemon = daemon
            try:
                again = await daemon.run(stopping)
            finally:
                daemon.close()
            edition = daemon.edition

    def _ended(self, node: Node, engine: asyncio.Task[None], goodbye: Goodbye) -> None:
        """An engine that ends by itself is started again, as a service manager does."""
        error = None if node.dead or engine.cancelled() else engine.exception()
        if error is None:
            goodbye.ended()
        if error is not None:
            self.checks.broken("the engine does not fall", innermost(error))
            self._bury(node, "by itself")
            self.loop.call_later(RESTART_S, self.start)

    def _bury(self, node: Node, where: str) -> None:
        node.bury()
        self.kills += 1
        self.say(f"engine {node.number} is killed {where} after {node.ports} uses of disk and network")

    def engine_now_s(self) -> float:
        """The time as the newest engine knows it: a clock that was set shows only in its next one."""
        return self._daemon.clock.now_s() if self._daemon is not None else self.clock.now_s()

    # What a user does.

    def write_rules(self, text: str) -> None:
        """Saves the rule file, which is a valid one."""
        assert self.save_rules(text.encode()), text

    def save_rules(self, data: bytes | None) -> bool:
        """Saves these bytes, or takes the file away; whether the folder is a valid set of rules now."""
        path = self.rules / "rules.yaml"
        path.unlink() if data is None else path.write_bytes(data)
        found = RuleBook(self.rules, frozenset(CHANNELS)).read(self.clock.now_s(), frozenset(), {})
        if isinstance(found, Edition):
            self.gate.may_load(found)
        return isinstance(found, Edition)

    async def ask(self, command: str, **arguments: Json) -> Json:
        """What the engine answers to a command over its control socket; None when nobody answers."""
        reader = asyncio.StreamReader(loop=self.loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self.loop)
        try:
            transport, _ = await self.network.connect_locally(lambda: protocol, str(self.state.socket))
        except ConnectionRefusedError:
            return None
        transport.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await reader.readline()
        except (TimeoutError, ConnectionError):
            line = b""
        transport.close()
        if CANARY.encode() in line:
            self.checks.broken("no secret in an answer", line.decode()[:60])
        return json.loads(line) if line else None

    async def stop_trading(self) -> None:
        """`rules stop`: the flag first, then the engine is asked or, where none runs, IB."""
        self.switch.pull()
        if await self.ask("stop") is not None:
            self.gate.called_off()
        elif not self.is_running and self.state.journal.exists():
            node = self._node()
            self.say(f"process {node.number} cancels our orders without an engine")
            # One that is killed never ends.
            await asyncio.wait({self._within(node, self._cancel_outside(node))}, timeout=2 * PATIENCE_S)
            node.bury()

    async def lift(self) -> None:
        """`rules stop --lift`."""
        self.switch.release()
        await self.ask("stop", lift=True)

    async def _cancel_outside(self, node: Node) -> None:
        settings = self.settings()
        journal = Journal(
            self.state.journal,
            self.clock,
            mode=settings.mode,
            account=settings.account,
            token=lambda count: self._tokens.randbytes(count).hex(),
            database=self.disk.opener(node),
        )
        try:
            journal.want_unsent_cancelled()
            self.gate.called_off()
            await cancel_outside(settings, journal, self.clock)
        except LinkDown as error:
            self.say(f"nothing was cancelled: {error}")
        finally:
            journal.close()

    # Questions.

    def rows(self, statement: str, *values: object) -> list[tuple]:
        """What the journal holds."""
        return self.checks.rows(statement, *values)

    def ours(self) -> list[Order]:
        """The orders at IB that an engine placed."""
        return [order for order in self.gateway.orders if order.orderRef]

    def position(self, symbol: str) -> float:
        """What the account really holds."""
        holdings = self.gateway._ledger.accounts[ACCOUNT].holdings.values()
        return sum(one.size for one in holdings if one.contract.symbol == symbol)

    def conclude(self) -> None:
        """What the journal and the people have at the end belongs to the history, and holds no secret."""
        for at_s, title, text in self.office.delivered:
            self.log.add("letter", f"{at_s:.6f}", title, text)
            if CANARY in title + text:
                self.checks.broken("no secret in a message", text[:60])
        with sqlite3.connect(self.state.journal) as connection:
            for line in connection.iterdump():
                self.log.add("journal", line)
                if CANARY in line:
                    self.checks.broken("no secret in the journal", line[:60])
        connection.close()
        if self._engine is not None and self._engine.done() and not self._engine.cancelled():
            self._engine.exception()

    def _fell(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        error = context.get("exception")
        self.checks.broken("nothing falls over", f"{context.get('message')}: {error!r}")


def innermost(error: BaseException) -> str:
    """Where it began, in a line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    code = frame.tb_frame.f_code if frame else None
    return f"{type(error).__name__}: {error} in {code.co_qualname if code else 'nowhere'}"


async def _never_changes(folder: Path, wake) -> None:
    await asyncio.get_running_loop().create_future()


_GRAVEYARD: list[House] = []
