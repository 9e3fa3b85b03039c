"""One engine and one gateway, a market that makes rules fire, and a phone: what kills are tried on."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rules_engine.notifying.receiver import Received, Receiver
from tests.kill.processes import ACCOUNT, Control, Process, free_port

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
STEP_S = 0.1
STEPS = 30
"""Prices rise in so many steps, and fall in as many."""
_RANGES = (("V", 196.0, 204.0), ("MA", 398.0, 402.0))


def rules() -> str:
    """Two dozen rules, each with a quantity of its own: the same order is held back for a minute."""
    here = [
        f"  - {{name: here-up-{at}, when: V crosses above {197 + at / 2}, do: buy {10 + at} MA, run: here}}"
        for at in range(8)
    ]
    down = [
        f"  - {{name: here-down-{at}, when: V crosses below {203 - at / 2}, do: sell {30 + at} MA, run: here}}"
        for at in range(6)
    ]
    held = [f"  - {{name: held-{at}, when: V crosses above {198 + at / 2}, do: buy {50 + at} V}}" for at in range(6)]
    pairs = [
        f"  - {{name: pair-{at}, when: MA crosses above {399 + at}, run: here,"
        f" do: [buy {70 + at} V, sell {80 + at} MA]}}"
        for at in range(3)
    ]
    tells = ["  - {name: tells, when: V crosses above 200, do: notify phone}"]
    return "\n".join(["version: 1", "defaults: {notify: phone}", "rules:", *here, *down, *held, *pairs, *tells, ""])


class Town:
    """The processes, and what reached the phone."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        port, control = free_port(), free_port()
        (folder / "market.yaml").write_text(MARKET)
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(rules())
        config = folder / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(
            f"gateway: {{host: 127.0.0.1, port: {port}, client_id: 17}}\n"
            f"mode: paper\naccount: {ACCOUNT}\nchannels: {{phone: '{receiver.url}'}}\nlimits: {{allow_short: true}}\n"
        )
        self.journal = folder / "var" / "journal.db"
        self.received: list[Received] = []
        self.market_open = True
        self.control = Control(control)
        self.engine = Process(folder / "engine.out", "run", "--config", str(config))
        self.gateway = Process(
            folder / "gateway.out",
            *("gateway", "--port", str(port), "--control", str(control), "--account", ACCOUNT),
            *("--market", str(folder / "market.yaml"), "--state", str(folder / "gateway.db")),
        )
        self.audit = Process(folder / "audit.out", "audit", "--config", str(config))
        self._receiver = receiver

    async def trade(self) -> None:
        """V goes up and down across every level, MA with it, while the market is open and the gateway there."""
        up = [at / STEPS for at in range(STEPS)]
        for share in itertools.cycle([*up, *reversed(up)]):
            for symbol, low, high in _RANGES if self.market_open else ():
                price = round(low + (high - low) * share, 2)
                with contextlib.suppress(OSError):
                    await self.control.do("push_quote", instrument=symbol, bid=price - 0.02, ask=price + 0.02)
                    await self.control.do("push", instrument=symbol, price=price)
            await asyncio.sleep(STEP_S)

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
async def town_in(folder: Path) -> AsyncIterator[Town]:
    """A town at work. The engine is started before its gateway, as after a power cut."""
    receiver = Receiver()
    async with receiver.listening():
        town = Town(folder, receiver)
        collecting = asyncio.create_task(town.collect())
        trading = None
        try:
            await town.engine.start()
            await town.gateway.start()
            await town.control.ready()
            trading = asyncio.create_task(town.trade())
            yield town
        finally:
            for task in filter(None, (collecting, trading)):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            town.control.hang_up()
            await town.engine.close()
            await town.gateway.close()
