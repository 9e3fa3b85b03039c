"""The real engine and gateway through a week on a clock that jumps: nights, a Sunday of 25 hours, 200 rules."""

import asyncio
import contextvars
import gc
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from statistics import linear_regression
from types import BuiltinFunctionType, FunctionType, ModuleType
from zoneinfo import ZoneInfo

from rules_engine.daemon import daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.gateway import Gateway, Order, parse_market
from rules_engine.gateway.faults.plan import nightly_restart
from rules_engine.model.settings import GatewaySettings, Limits, Mode, NightlyRestart, Settings
from tests.sim.checks import Checks, Violation
from tests.sim.disk import Disk
from tests.sim.letters import PostOffice
from tests.sim.market import Walker
from tests.sim.network import Network
from tests.sim.node import NODE, Node
from tests.sim.virtual_loop import VirtualClock, VirtualLoop
from tests.sim.wire import EventLog, Watcher

NEW_YORK = ZoneInfo("America/New_York")
ACCOUNT = "DU1234567"
SYMBOLS = ("V", "MA", "AAPL", "MSFT", "AMZN", "NVDA", "META", "TSLA")
SYMBOLS += ("JPM", "KO", "PEP", "WMT", "DIS", "IBM", "ORCL", "AMD")
CENTRE = 100.0
PRINT_EVERY_S = 5.0
"""Over all symbols."""
SAVE_EVERY_S = 300.0
"""Writing two hundred memories each five seconds, as the engine does, would be most of the work of a week."""
RESTART_AT = time(23, 45)
ALARM_CLOCKS = (
    time(0, 30),
    time(1, 30),
    time(2, 30),
    time(3, 30),
    time(9, 30),
    time(12, 0),
    time(15, 59),
    time(23, 30),
)
"""01:30 comes twice on the Sunday that summer time ends."""
DRAIN_S = 1_300.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. ``memory`` is what engine and library hold, in bytes, once a day at the same time of day."""

    violations: tuple[Violation, ...]
    days: float
    ticks: int
    firings: int
    orders: int
    letters: int
    memory: tuple[int, ...]

    @property
    def slope(self) -> float:
        """Bytes a day, from the second day on: on the first one windows fill."""
        settled = self.memory[1:]
        return linear_regression(range(len(settled)), settled).slope


def rules() -> str:
    """Two hundred rules over every kind of memory: sides, windows, durations, cooldowns, orders here and at IB."""
    lines = ["version: 1", "timezone: America/New_York", "defaults: {notify: phone}", "rules:"]
    for number, symbol in enumerate(SYMBOLS):
        other, level = SYMBOLS[(number + 1) % len(SYMBOLS)], CENTRE + number % 4 / 4
        lines += [
            f"  - {{name: up-{symbol}, when: {symbol} crosses above {level}, cooldown: 6h, run: here,"
            f" do: buy 3 {other}}}",
            f"  - {{name: down-{symbol}, when: {symbol} crosses below {level}, cooldown: 6h, run: here,"
            f" do: sell 4 {other}}}",
            f"  - {{name: held-{symbol}, when: {symbol} crosses above {level + 1}, do: buy 5 {other}, cooldown: 6h}}",
            f"  - {{name: below-{symbol}, when: {symbol} crosses below {level - 1}, do: sell 6 {other}, cooldown: 6h}}",
            f"  - {{name: rise-{symbol}, when: {symbol} moves up 1% in 30m, do: notify phone, cooldown: 6h}}",
            f"  - {{name: fall-{symbol}, when: {symbol} moves down 2% in 4h, do: notify phone, cooldown: 6h}}",
            f"  - {{name: slump-{symbol}, when: {symbol} moves down 1.5% in 1h, do: buy 7 {symbol}, cooldown: 12h}}",
            f"  - {{name: stays-{symbol}, when: {symbol} > {level} for 10m, do: notify phone, cooldown: 12h}}",
            f"  - {{name: cheap-{symbol}, when: {symbol} crosses below {level - 0.5}, cooldown: 12h, run: here,"
            f" do: buy 8 {symbol} at limit {level - 3}}}",
            f"  - {{name: pair-{symbol}, when: {symbol} crosses above {level + 0.5}, cooldown: 12h, run: here,"
            f" do: [buy 9 {symbol}, sell 9 {other}]}}",
            f"  - {{name: quiet-{symbol}, when: {symbol} crosses above {CENTRE * 3}, do: buy 1 {symbol}}}",
            f"  - {{name: far-{symbol}, when: {symbol} crosses below {CENTRE / 3:.2f}, do: buy 1 {symbol}, run: here}}",
        ]
    for at in ALARM_CLOCKS:
        until = (datetime.combine(datetime.min, at) + timedelta(minutes=20)).time()
        name = f"alarm-{at:%H-%M}"
        lines.append(f"  - {{name: {name}, when: 'time is between {at:%H:%M} and {until:%H:%M}', do: notify phone}}")
    return "\n".join([*lines, ""])


class Archive:
    """Every order that the gateway ever had: at midnight it forgets what is over."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._orders: dict[int, Order] = {}

    def look(self) -> None:
        self._orders.update((order.permId, order) for order in self._gateway.orders)

    @property
    def orders(self) -> list[Order]:
        return list(self._orders.values())


class Week:
    """One engine that is never stopped, one gateway that restarts each night."""

    def __init__(
        self, folder: Path, start: datetime, days: float, seed: int, say: Callable[[str], None] = lambda text: None
    ) -> None:
        """``say`` is told once a day how things stand."""
        self._days = days
        self._say = say
        self._start = start
        self._random = Random(seed)
        self._loop = VirtualLoop()
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._fell)
        self._clock = VirtualClock(self._loop, start.timestamp())
        watcher = Watcher(self._loop.time, EventLog(self._loop.time, folder))
        self._loop.network = Network(self._loop, Random(f"{seed}:network"), watcher)
        (folder / "market.yaml").write_text(market())
        self._gateway = Gateway(
            parse_market([str(folder / "market.yaml")]),
            accounts=(ACCOUNT,),
            clock=self._clock,
            seed=seed,
            faults=(nightly_restart(RESTART_AT),),
        )
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(rules())
        self._rules = folder / "rules"
        self._state = StateFolder(folder / "var")
        self._state.prepare()
        self._disk = Disk(self._state.journal)
        self._office = PostOffice(Random(f"{seed}:letters"))
        self._archive = Archive(self._gateway)
        self._checks = Checks(self._state.journal, self._archive, self._loop.time, self._clock.now_s)
        watcher.on_order = self._checks.order_sent
        watcher.on_cancel = self._checks.cancel_sent
        self._disk.on_commit = self._checks.committed
        self._ticks = 0
        self._engine: daemon.Daemon | None = None
        daemon.SAVE_EVERY_S = SAVE_EVERY_S

    def play(self) -> Report:
        try:
            return self._loop.run_until_complete(self._live())
        finally:
            self._loop.close()
            asyncio.set_event_loop(None)

    async def _live(self) -> Report:
        await self._gateway.start()
        node = Node(1, lambda node, name: None)
        context = contextvars.copy_context()
        context.run(NODE.set, node)
        stopping = asyncio.Event()
        engine = self._loop.create_task(self._run_engine(node, stopping), context=context)
        memory = await self._trade(engine)
        await asyncio.sleep(DRAIN_S)
        self._archive.look()
        self._checks.settled(self._office.delivered, {}, Counter())
        self._alarm_clocks_rang()
        stopping.set()
        await engine
        await self._gateway.stop()
        ((firings,),) = self._checks.rows("SELECT count(*) FROM firing")
        return Report(
            violations=tuple(self._checks.violations),
            days=self._loop.time() / 86_400,
            ticks=self._ticks,
            firings=firings,
            orders=len(self._archive.orders),
            letters=len(self._office.delivered),
            memory=tuple(memory),
        )

    async def _run_engine(self, node: Node, stopping: asyncio.Event) -> None:
        settings = Settings(
            rules=self._rules,
            state=self._state.path,
            gateway=GatewaySettings(port=self._gateway.port),
            mode=Mode.PAPER,
            account=ACCOUNT,
            channels={"phone": "json://localhost/"},
            limits=Limits(allow_short=True),
            restart=NightlyRestart(RESTART_AT.hour, RESTART_AT.minute, timezone=str(NEW_YORK)),
        )
        book = RuleBook(settings.rules, frozenset(settings.channels))
        edition = book.read(self._clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        surroundings = Surroundings(
            token=lambda count: self._random.randbytes(count).hex(),
            database=self._disk.opener(node),
            courier=self._office.courier(node),
            watch=_never_changes,
            elapsed_s=self._loop.time,
        )
        engine = self._engine = daemon.Daemon(
            settings, self._state, book, edition, self._clock, live=False, surroundings=surroundings
        )
        try:
            await engine.run(stopping)
        finally:
            engine.close()

    async def _trade(self, engine: asyncio.Task[None]) -> list[int]:
        """Prices until the end; once a day what the engine holds is measured."""
        walkers = [Walker(symbol, CENTRE, CENTRE) for symbol in SYMBOLS]
        for walker in walkers:
            self._show(walker.symbol, walker.price)
        memory: list[int] = []
        ends_s = self._days * 86_400
        while self._loop.time() < ends_s:
            if engine.done():
                engine.result()
            if self._loop.time() >= len(memory) * 86_400 + 43_200:
                memory.append(held_bytes(self._engine))
                self._say(f"day {len(memory)}: {self._ticks} prints, {memory[-1] / 1000:.0f} kB held")
            await asyncio.sleep(self._random.expovariate(1 / PRINT_EVERY_S))
            walker = self._random.choice(walkers)
            self._show(walker.symbol, walker.step(self._random))
        return memory

    def _show(self, symbol: str, price: float) -> None:
        self._ticks += 1
        self._archive.look()
        self._gateway.push_quote(symbol, round(price - 0.02, 2), round(price + 0.02, 2))
        self._gateway.push(symbol, price)

    def _alarm_clocks_rang(self) -> None:
        """Each once a day, whatever the clocks on the wall did."""
        began, ended = self._clock.now_s() - self._loop.time(), self._clock.now_s() - DRAIN_S
        rang = Counter(
            (rule, datetime.fromtimestamp(at_s, NEW_YORK).date())
            for rule, at_s in self._checks.rows("SELECT rule, at_s FROM firing WHERE rule LIKE 'alarm-%'")
        )
        for at in ALARM_CLOCKS:
            for days in range(int(self._days) + 2):
                due = datetime.combine(self._start.date() + timedelta(days=days), at, NEW_YORK)
                if began + 60 < due.timestamp() < ended - 60:
                    count = rang[f"alarm-{at:%H-%M}", due.date()]
                    if count != 1:
                        self._checks.broken("a time comes once a day", f"{due:%A %d %B %H:%M}: {count} times")

    def _fell(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        self._checks.broken("nothing falls over", f"{context.get('message')}: {context.get('exception')!r}")


def market() -> str:
    """Every symbol with a past of ten minutes."""
    return "version: 1\nsymbols:\n" + "".join(
        f"  {symbol}: {{close: {CENTRE}, history: [{{from: {CENTRE - 1}, to: {CENTRE}, over: 10m, every: 1s}}]}}\n"
        for symbol in SYMBOLS
    )


def held_bytes(engine: object) -> int:
    """What can be reached from the engine: its own, the library's and Python's objects, not the simulated world's."""
    gc.collect()
    seen: set[int] = set()
    total, waiting = 0, [engine]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED) or type(one).__module__.startswith(_WORLD):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
    return total


_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, asyncio.AbstractEventLoop)
_WORLD = ("tests.", "rules_engine.gateway")


async def _never_changes(folder: Path, wake: object) -> None:
    await asyncio.get_running_loop().create_future()
