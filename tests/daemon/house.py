"""A gateway and an engine in one event loop, joined by a real socket: what the daemon's tests live in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rules_engine.daemon.control import CommandRefused, NotRunning, ask
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.execution.ledger import Fire, OrderRow, open_ledger
from rules_engine.gateway import Gateway, Order, parse_market
from rules_engine.model.clock import SystemClock, elapsed_s
from rules_engine.model.json_value import Json
from rules_engine.model.settings import GatewaySettings, Limits, Mode, Settings
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from rules_engine.notifying.receiver import Received, Receiver

DEADLINE_S = 30.0
ACCOUNT = "DU1234567"

MARKET = """\
version: 1
symbols:
  V:
    close: 196.50
    history: [{from: 196.80, to: 197.20, over: 10m, every: 1s}]
  MA:
    close: 401.00
    history: [{from: 401.00, to: 400.00, over: 10m, every: 1s}]
"""

RULES_HEAD = "version: 1\ndefaults: {notify: phone}\nrules:\n"
BUY_AT_200 = """\
  - name: ma-when-v-hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true
"""
ON_FALL = """\
  - name: buys-the-fall
    when: V moves down 5% in 5m
    do: buy 30 MA
    once: true
"""
HERE_AT_200 = """\
  - name: here-at-200
    when: V crosses above 200
    do: buy 100 MA
    run: here
"""


class LeapingClock(SystemClock):
    """The machine's time from a start of one's choice on, which leaps ahead when told to; for engine and gateway."""

    def __init__(self, start_s: float | None = None) -> None:
        self._ahead_s = 0.0 if start_s is None else start_s - super().now_s()
        self._leapt_s = 0.0

    def now_s(self) -> float:
        return super().now_s() + self._ahead_s + self._leapt_s

    def elapsed_s(self) -> float:
        return elapsed_s() + self._leapt_s

    def leap(self, by_s: float) -> None:
        """So much time has passed."""
        self._leapt_s += by_s


class House:
    """One engine at a time on one gateway; the journal and the gateway outlive the engine."""

    def __init__(self, folder: Path, gateway: Gateway, receiver: Receiver, clock: LeapingClock | None = None) -> None:
        self.clock = clock or LeapingClock()
        self.folder = StateFolder(folder / "var")
        self.gateway = gateway
        self.received: list[Received] = []
        self.rules = folder / "rules"
        self.settings = Settings(
            rules=self.rules,
            state=self.folder.path,
            gateway=GatewaySettings(port=gateway.port),
            mode=Mode.PAPER,
            account=ACCOUNT,
            channels={"phone": receiver.url},
            limits=Limits(),
            local_webhooks=True,
        )
        self.receiver = receiver

    def write(self, *rules: str) -> None:
        """Replaces the rule file."""
        self.rules.mkdir(exist_ok=True)
        (self.rules / "rules.yaml").write_text(RULES_HEAD + "".join(rules))

    @asynccontextmanager
    async def engine(self, *rules: str, **changes: object) -> AsyncIterator["Running"]:
        """A running engine; ``changes`` replace settings."""
        if rules:
            self.write(*rules)
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]  # Fields by name.
        self.folder.prepare()
        book = RuleBook(settings.rules, frozenset(settings.channels))
        edition = book.read(self.clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        around = Surroundings(elapsed_s=self.clock.elapsed_s)
        daemon = Daemon(settings, self.folder, book, edition, self.clock, live=False, surroundings=around)
        stopping = asyncio.Event()
        task = asyncio.create_task(daemon.run(stopping))
        try:
            yield Running(self, task, daemon)
        finally:
            stopping.set()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await task
            finally:
                daemon.close()

    def quote(self, symbol: str, price: float) -> None:
        """A print and a quote around it."""
        self.gateway.push(symbol, price)
        self.gateway.push_quote(symbol, round(price - 0.02, 2), round(price + 0.02, 2))

    def orders(self, action: str = "") -> list[Order]:
        """Orders at the gateway, oldest first."""
        return [order for order in self.gateway.orders if action in ("", order.form.action)]

    def fires(self) -> list[Fire]:
        """What the journal says, newest first."""
        with open_ledger(self.folder.journal) as ledger:
            return list(ledger.fires())

    def intents(self) -> list[OrderRow]:
        """The journal's orders, newest first."""
        with open_ledger(self.folder.journal) as ledger:
            return list(ledger.orders())

    def told(self, *words: str) -> list[str]:
        """The messages that arrived and hold all of the words."""
        texts = [f"{message.title}\n{message.text}" for message in self.received]
        return [text for text in texts if all(word in text for word in words)]

    async def until(self, happened: Callable[[], object], what: str) -> None:
        """Waits for something to be so; fails naming it after the deadline."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not happened():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what} did not happen; told: {self.told()}") from None

    async def collect(self) -> None:
        async for message in self.receiver:
            self.received.append(message)


class Running:
    """An engine at work, reached as a user reaches it: over its control socket."""

    def __init__(self, house: House, task: asyncio.Task[bool], daemon: Daemon) -> None:
        self._house = house
        self._task = task
        self._daemon = daemon

    def break_journal(self) -> None:
        """From now on the disk takes nothing more."""
        self._daemon._journal._database._connection.execute("PRAGMA query_only = ON")

    def waits_for_price(self, rule: str, behind: int = 0) -> bool:
        """Whether the rule has fired, nothing is decided about it yet, and so much waits behind it."""
        waiting = self._daemon._reactor._undecided.get(rule)
        return rule in self._daemon._journal.undecided and waiting is not None and len(waiting.behind) >= behind

    def price(self, name: str) -> float | None:
        """What the engine knows of an instrument's last price."""
        connection = self._daemon.link.connection
        stream = None if connection is None else connection.prices(name)
        return None if stream is None else stream.last

    @property
    def silent(self) -> frozenset[str]:
        """The instruments without trusted prices."""
        return frozenset(self._daemon.link.silent)

    @property
    def asks_ib(self) -> bool:
        """Whether IB is being asked what it has, by an engine that knew it before."""
        session = self._daemon._desk._session
        return session is not None and session.reconciled and self._daemon._desk._dispatcher.flight.locked()

    def ask_ib(self) -> None:
        """It is time to compare."""
        assert self._daemon._desk._session is not None
        self._daemon._desk._session.due_s = 0.0
        self._daemon._desk.wake()

    @property
    def has_heard_all(self) -> bool:
        """Whether nothing waits to be heard."""
        return not len(self._daemon.inbox)

    def hear(self, tick: Tick) -> None:
        """One more price that waits to be heard."""
        self._daemon.inbox.tick(tick)

    def save(self) -> None:
        """What the engine does every few seconds."""
        at_once(self._daemon._reactor.saving())

    def remembers_done(self, rule: str) -> bool:
        """Whether an engine that started now would find the rule done."""
        life = self._daemon._journal.lives().get(rule)
        return life is not None and life.done

    async def ended(self) -> None:
        """Returns when the engine has ended by itself."""
        await asyncio.wait({self._task})

    async def ask(self, command: str, **arguments: Json) -> Json:
        """The answer to a command."""
        return await asyncio.to_thread(ask, self._house.folder.socket, command, **arguments)

    async def status(self) -> dict[str, Json]:
        answer = await self.ask("status")
        assert isinstance(answer, dict)
        return answer

    async def until_state(self, rule: str, state: str) -> dict[str, Json]:
        """Waits until the rule is in this state; returns its entry."""
        entry: dict[str, Json] = {}
        try:
            async with asyncio.timeout(DEADLINE_S):
                while entry.get("state") != state:
                    self._check()
                    with contextlib.suppress(NotRunning, CommandRefused):
                        entry = await self.entry(rule)
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{rule} is {entry}, not {state}") from None
        return entry

    async def entry(self, rule: str) -> dict[str, Json]:
        """What the status says of the rule."""
        rules = (await self.status())["rules"]
        assert isinstance(rules, list)
        return next(entry for entry in rules if isinstance(entry, dict) and entry["name"] == rule)

    def _check(self) -> None:
        if self._task.done():
            self._task.result()
            raise AssertionError("the engine ended")


def held(house: House) -> bool:
    """Whether an order waits at the gateway for its trigger."""
    return any(order.form.conditions and order.status == "PreSubmitted" for order in house.orders())


@asynccontextmanager
async def house_in(folder: Path, start_s: float | None = None) -> AsyncIterator[House]:
    """A house with V near 197 and MA at 400, at some other time if that is wanted."""
    (folder / "market.yaml").write_text(MARKET)
    clock = LeapingClock(start_s)
    gateway = Gateway(parse_market([str(folder / "market.yaml")], clock=clock), accounts=(ACCOUNT,), clock=clock)
    receiver = Receiver()
    async with receiver.listening():
        await gateway.start()
        house = House(folder, gateway, receiver, clock)
        collecting = asyncio.create_task(house.collect())
        house.quote("V", 197.2)
        house.quote("MA", 400.0)
        try:
            yield house
        finally:
            collecting.cancel()
            await gateway.stop()
