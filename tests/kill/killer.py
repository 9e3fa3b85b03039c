"""Kills engine and gateway at random moments, and as soon as the journal shows that something is under way."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.kill.town import Town

UNDER_WAY = {
    "an intent is committed": "SELECT 1 FROM intent WHERE state = 'intent' AND held = 0",
    "an order is being sent": "SELECT 1 FROM intent WHERE state = 'sending'",
    "an order works": "SELECT 1 FROM intent WHERE state IN ('working', 'partial')",
    "an order fills": "SELECT 1 FROM execution WHERE at_s > unixepoch('now', 'subsec') - 0.3",
    "a letter is on its way": "SELECT 1 FROM outbox WHERE state = 'sending'",
}
DELAYS_S = (0.0, 0.0, 0.3, 2.0, 5.0, 10.0)
"""How long the gateway holds orders: the longest is longer than an engine's restart."""
WAITS_S = ((0.0, 1.0), (1.0, 4.0), (2.0, 8.0))
AWAY_S = ((0.0, 0.1), (0.1, 2.0), (2.0, 6.0))
PATIENCE_S = 8.0


@dataclass(slots=True)
class Tally:
    """What was done, and what it hit."""

    kills: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    """How many intents stood in which state as the engine was killed."""

    @property
    def total(self) -> int:
        return sum(self.kills.values())


class Killer:
    """The same seed makes the same choices; what they hit depends on the machine."""

    def __init__(self, town: Town, seed: int) -> None:
        self._town = town
        self._random = Random(seed)
        self.tally = Tally()

    async def go(self, kills: int) -> None:
        """Kills so many processes, each of which is started again."""
        while self.tally.total < kills:
            await self._town.control.do("delay_orders", delay_s=self._random.choice(DELAYS_S))
            victim = self._random.choices(("engine", "gateway", "both", "stopped"), (80, 10, 4, 6))[0]
            await self._moment()
            match victim:
                case "engine":
                    await self._kill_engine()
                    await self._away()
                    await self._town.engine.start()
                case "gateway":
                    await self._kill_gateway()
                    await self._away()
                    await self._start_gateway()
                case "both":
                    await self._kill_gateway()
                    await self._kill_engine()
                    await self._town.engine.start()
                    await self._away()
                    await self._start_gateway()
                case "stopped":
                    await self._stop_for_a_while()

    async def _moment(self) -> None:
        """A random one, or one at which something is under way."""
        if self._random.random() < 0.4:
            await asyncio.sleep(self._random.uniform(*self._random.choice(WAITS_S)))
            return
        name = self._random.choice(list(UNDER_WAY))
        await self._town.until(UNDER_WAY[name], PATIENCE_S)

    async def _away(self) -> None:
        await asyncio.sleep(self._random.uniform(*self._random.choice(AWAY_S)))

    async def _kill_engine(self) -> None:
        await self._town.engine.kill()
        self.tally.kills["engine"] += 1
        rows = self._town.rows("SELECT DISTINCT state FROM intent WHERE state IN ('intent', 'sending', 'unknown')")
        self.tally.hit.update(state for (state,) in rows)
        if self._town.rows("SELECT 1 FROM outbox WHERE state = 'sending'"):
            self.tally.hit["letter"] += 1

    async def _kill_gateway(self) -> None:
        await self._town.gateway.kill()
        self._town.control.hang_up()
        self.tally.kills["gateway"] += 1

    async def _start_gateway(self) -> None:
        await self._town.gateway.start()
        await self._town.control.ready()

    async def _stop_for_a_while(self) -> None:
        """A process hangs with its sockets open; in half of the cases the engine does not survive that."""
        process = self._random.choice((self._town.engine, self._town.gateway))
        process.stop()
        await self._away()
        if self._random.random() < 0.5:
            await self._kill_engine()
            await self._town.engine.start()
            await self._away()
        process.go_on()
        await self._town.control.ready()
