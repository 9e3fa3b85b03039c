"""One engine and one gateway, a market that makes rules fire, and a phone: what kills are tried on."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rules_engine.notifying.receiver import Received, Receiver
from tests.daemon.house import ACCOUNT, MARKET
from tests.kill.points import Knife
from tests.kill.processes import START_S, Control, Nursery, Process, free_port

STEP_S = 0.1
STEPS = 30
"""Prices rise in so many steps, and fall in as many."""
WATCHING_S = 0.3
"""From its control socket to its watch on the rules; an edit before that is found by the next rescan."""
_RANGES = (("V", 196.0, 204.0), ("MA", 398.0, 402.0))


def rules(edit: int = 0) -> str:
    """Five dozen rules, each with a quantity of its own: the same order is held back for a minute.

    Each edit changes a rule that runs here and one that is held at IB, and takes a rule out or puts it back.
    """
    up, down, held, pair, limit = range(20), range(18), range(10), range(6), range(6)
    lines = [
        f"  - {{name: here-up-{at}, when: V crosses above {197 + at / 3:.2f}, do: buy {10 + at} MA, run: here}}"
        for at in up
    ]
    lines += [
        f"  - {{name: here-down-{at}, when: V crosses below {203 - at / 3:.2f}, do: sell {40 + at} MA, run: here}}"
        for at in down
    ]
    lines += [f"  - {{name: held-{at}, when: V crosses above {198 + at / 2}, do: buy {70 + at} V}}" for at in held]
    lines += [
        f"  - {{name: pair-{at}, when: MA crosses above {398.5 + at / 2}, run: here,"
        f" do: [buy {90 + at} V, sell {100 + at} MA]}}"
        for at in pair
    ]
    lines += [
        f"  - {{name: limit-{at}, when: MA crosses below {401.5 - at / 2}, run: here,"
        f" do: buy {110 + at} V at limit {194 + at / 4}, cooldown: 15s}}"
        for at in limit
    ]
    lines += [
        "  - {name: tidy, when: V crosses below 199, do: cancel orders of limit-0, run: here}",
        "  - {name: tells, when: V crosses above 200, do: notify phone}",
        f"  - {{name: edited-here, when: V crosses above {199 + edit % 5}, do: buy {120 + edit % 9} MA, run: here}}",
        f"  - {{name: edited-held, when: V crosses above {203.5 + edit % 7}, do: buy {130 + edit % 9} V}}",
    ]
    if edit % 2:
        lines.append("  - {name: now-and-then, when: V crosses below 201, do: sell 140 V, run: here}")
    return "\n".join(["version: 1", "defaults: {notify: phone}", "rules:", *lines, ""])


class Town:
    """The processes, and what reached the phone."""

    def __init__(self, folder: Path, receiver: Receiver, nursery: Nursery) -> None:
        port, control = free_port(), free_port()
        (folder / "market.yaml").write_text(MARKET)
        (folder / "rules").mkdir()
        self._rules = folder / "rules" / "rules.yaml"
        self._rules.write_text(rules())
        self._edits = 0
        config = folder / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(
            f"gateway: {{host: 127.0.0.1, port: {port}, client_id: 17}}\n"
            "restart_window: none\n"
            f"mode: paper\naccount: {ACCOUNT}\nchannels: {{phone: '{receiver.url}'}}\n"
            "local_webhooks: true\nlimits: {allow_short: true}\n"
        )
        self.journal = folder / "var" / "journal.db"
        self._socket = folder / "var" / "control.sock"
        self.received: list[Received] = []
        self._market_open = True
        self._prices_stand = asyncio.Event()
        self.control = Control(control)
        self.engine = Process(nursery, folder / "engine.out", "run", "--config", str(config))
        self.gateway = Process(
            nursery,
            folder / "gateway.out",
            *("gateway", "--port", str(port), "--control", str(control), "--account", ACCOUNT),
            *("--market", str(folder / "market.yaml"), "--state", str(folder / "gateway.db")),
        )
        self.audit = Process(nursery, folder / "audit.out", "audit", "--config", str(config))
        self._receiver = receiver

    async def edit(self, *, torn: bool = False) -> None:
        """Saves other rules as soon as the engine runs; torn, as an editor that has written half of the file."""
        async with asyncio.timeout(START_S):
            while self.engine.at_work and not self._socket.exists():
                await asyncio.sleep(0.01)
        await asyncio.sleep(WATCHING_S)
        self._edits += 1
        text = rules(self._edits)
        self._rules.write_text(text[: len(text) // 2] if torn else text)

    async def start_engine(self, knife: Knife | None = None) -> None:
        """By now the editor has written all of the rules: an engine does not start with half of them."""
        self._rules.write_text(rules(self._edits))
        self._socket.unlink(missing_ok=True)
        await self.engine.start(knife)

    async def trade(self) -> None:
        """V goes up and down across every level, MA with it, while the market is open and the gateway there."""
        up = [at / STEPS for at in range(STEPS)]
        for share in itertools.cycle([*up, *reversed(up)]):
            if not self._market_open:
                self._prices_stand.set()
            for symbol, low, high in _RANGES if self._market_open else ():
                price = round(low + (high - low) * share, 2)
                with contextlib.suppress(OSError):
                    await self.control.do("push_quote", instrument=symbol, bid=price - 0.02, ask=price + 0.02)
                    await self.control.do("push", instrument=symbol, price=price)
            await asyncio.sleep(STEP_S)

    async def close_market(self) -> None:
        """Returns when the last price has been shown."""
        self._market_open = False
        await asyncio.wait_for(self._prices_stand.wait(), START_S)

    async def collect(self) -> None:
        async for message in self._receiver:
            self.received.append(message)

    def rows(self, statement: str) -> list[tuple]:
        """The journal's answer, none while there is no journal."""
        try:
            connection = sqlite3.connect(f"{self.journal.resolve().as_uri()}?mode=ro", uri=True)
        except sqlite3.OperationalError:
            return []
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    async def until(self, statement: str, deadline_s: float, pause_s: float = 0.002) -> bool:
        """Waits until the journal has a row that answers; False when it has none by the deadline."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + deadline_s
        while not self.rows(statement):
            if loop.time() > ends_s:
                return False
            await asyncio.sleep(pause_s)
        return True


@asynccontextmanager
async def town_in(folder: Path, nursery: Nursery) -> AsyncIterator[Town]:
    """A town at work. The engine is started before its gateway, as after a power cut."""
    receiver = Receiver()
    async with receiver.listening():
        town = Town(folder, receiver, nursery)
        working: list[asyncio.Task[None]] = []
        try:
            await town.start_engine()
            await town.gateway.start()
            await town.control.ready(town.gateway)
            working += [asyncio.create_task(town.collect()), asyncio.create_task(town.trade())]
            yield town
        finally:
            for task in working:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            town.control.hang_up()
            await town.engine.close()
            await town.gateway.close()
