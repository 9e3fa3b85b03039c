"""IB's lists of very many open orders: how soon the engine knows what IB has, and how long reading them holds it up.

An engine whose journal has as many orders as IB reads them at its start, after a reconnection, and at such a look as it
takes every quarter of an hour. The gateway is a process of its own, which reads the references of its orders.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from benchmarks.callbacks import callbacks_timed
from benchmarks.measure import table
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.execution.decision import Decision
from rules_engine.execution.journal import Journal
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders.book import PERM_ID_FIRST
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.clock import SystemClock
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import us_stock
from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.settings import GatewaySettings, Mode, Settings

ACCOUNT, CLIENT = "DU1", 17
RULE = "version: 1\ntimezone: UTC\nrules:\n  - {name: many, when: V crosses above 900, do: buy 1 MA, run: here}\n"
_DRAFT = OrderDraft(
    us_stock("MA"), Side.BUY, Decimal(1), OrderKind.LIMIT, TimeInForce(Duration.GOOD_TILL_CANCELLED), limit=Decimal(200)
)
_DEADLINE_S = 300.0
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class Size:
    """Orders at IB."""

    orders: Sequence[int] = (3_000, 10_000)


SHORT = Size(orders=(300,))


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds by the clock, and of CPU, until all was compared; CPU seconds of all callbacks, and of the longest."""

    what: str
    known_s: float
    cpu_s: float
    work_s: float
    longest_s: float


def report(size: Size) -> str:
    """A row for each of the three occasions, for each number of orders."""
    rows = []
    for count in size.orders:
        with tempfile.TemporaryDirectory() as folder:
            for one in asyncio.run(measured(count, Path(folder))):
                longest = f"{one.longest_s * 1e3:.0f} ms"
                rows.append([f"{count:,}", one.what, f"{one.known_s:.2f} s", f"{one.cpu_s:.2f} s", longest])
    return table("IB's lists of open orders", ["orders", "", "known after", "CPU", "longest callback"], rows)


async def measured(count: int, home: Path) -> Sequence[Taken]:
    """An engine and a gateway with as many orders."""
    engine = Engine(home)
    async with _gateway(engine.record(count)) as port:
        return await occasions(engine.daemon(port))


async def occasions(daemon: Daemon) -> Sequence[Taken]:
    """Start, from when its rules are armed and it connects; reconnection; look. Then the engine is stopped."""
    found, desk, stopping = list[Taken](), daemon._desk, asyncio.Event()

    async def timed(what: str) -> None:
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        with callbacks_timed() as taken:
            async with asyncio.timeout(_DEADLINE_S):
                while desk.waiting_for or desk.due_s() <= daemon.clock.now_s():  # noqa: ASYNC110  # It tells nobody when.
                    await asyncio.sleep(_LOOK_S)
        taken_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
        found.append(Taken(what, taken_s, cpu_s, sum(taken), max(taken)))

    running = asyncio.create_task(daemon.run(stopping))
    while not daemon.is_running:  # noqa: ASYNC110  # It tells nobody when it is.
        await asyncio.sleep(0)
    await timed("start")
    assert daemon.link.connection is not None and desk._session is not None
    daemon.link.connection.close("closed by the benchmark")
    desk.detach()
    await timed("reconnection")
    desk._session.due_s = 0.0
    desk.wake()
    await timed("look")
    stopping.set()
    await running
    states = {intent.state for intent in daemon._journal.intents.read_open()}
    assert states == {IntentState.WORKING}, states
    daemon.close()
    return found


class Engine:
    """An engine's folder, whose journal has orders that work at IB."""

    def __init__(self, home: Path) -> None:
        self._rules, self._state, self._clock = home / "rules", StateFolder(home / "var"), SystemClock()
        self._rules.mkdir()
        (self._rules / "rules.yaml").write_text(RULE)
        self._state.prepare()

    def record(self, count: int) -> Sequence[str]:
        """Their references; they were sent under the numbers from 1 on."""
        journal = Journal(self._state.journal, self._clock, mode=Mode.PAPER, account=ACCOUNT)
        references, at_s = list[str](), self._clock.now_s()
        with journal.transaction():
            for number in range(count):
                [recorded] = journal.record([Decision(Firing("many", 0, at_s + number, {}, ()), (_DRAFT,))], {})
                unit = journal.intents.unit("many", recorded.seq)
                [sent] = journal.send_committed(unit, [number + 1], "mark")
                works = replace(sent, state=IntentState.WORKING, perm_id=PERM_ID_FIRST + number)
                journal.change(works, "report")
                references += recorded.keys
        journal.close()
        return references

    def daemon(self, port: int) -> Daemon:
        """An engine that connects there."""
        gateway = GatewaySettings(port=port, client_id=CLIENT)
        settings = replace(
            Settings(), rules=self._rules, state=self._state.path, gateway=gateway, mode=Mode.PAPER, account=ACCOUNT
        )
        book = RuleBook(self._rules, frozenset())
        edition = book.read(self._clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        return Daemon(settings, self._state, book, edition, self._clock, live=False)


@asynccontextmanager
async def _gateway(references: Sequence[str]) -> AsyncIterator[int]:
    """A gateway in a process of its own that holds orders of these references; yields its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.lists", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(references).encode() + b"\n")
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def stocked(references: Sequence[str]) -> Gateway:
    """A gateway with a market that stands still, and these orders."""
    gateway = Gateway(Market(Catalogue()), accounts=(ACCOUNT,), active_orders_max=len(references))
    await gateway.start()
    gateway.push("V", 199.0)
    gateway.push("MA", 300.0)
    contract = Contract(symbol="MA", secType="STK", exchange="SMART", currency="USD")
    form = OrderForm(action="BUY", totalQuantity=1.0, orderType="LMT", lmtPrice=200.0, tif="GTC", account=ACCOUNT)
    for number, reference in enumerate(references, 1):
        gateway._desk.place(CLIENT, PlaceOrder(number, contract, "", "", replace(form, orderRef=reference)))
    return gateway


async def _serve(references: Sequence[str]) -> None:
    gateway = await stocked(references)
    print(gateway.port, flush=True)
    await gateway.run()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.stdin.readline())))
