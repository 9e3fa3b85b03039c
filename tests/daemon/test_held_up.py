"""An engine that was held up, or that cannot read as fast as prices come, finds in what piled up what it would have
found in time: its own lateness is no silence of the market."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rules_engine.daemon.daemon import Daemon
from rules_engine.execution.ledger import open_ledger
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.settings import GatewaySettings
from tests.daemon.alone import Alone

START_S = 1_900_000_000.0
DEADLINE_S = 30.0
HELD_UP_S = 20
RULES = """\
version: 1
timezone: UTC
rules:
  - {name: moves, when: V moves up 3% in 5s, do: notify desk}
  - {name: crosses, when: V crosses above 205, do: notify desk, stale_after: 4s}
  - {name: lasts, when: V > 190 for 10s, do: notify desk}
"""
PHASES = 6
"""A turn of the engine that hears nothing takes less turns of the loop."""


class Held:
    """An engine and its gateway on one clock that only the test sets."""

    def __init__(self, daemon: Daemon, gateway: Gateway, clock: SteppedClock) -> None:
        self.daemon = daemon
        self._gateway = gateway
        self._clock = clock

    def push(self, price: float, after_s: float = 1.0) -> None:
        """A price that comes so much later."""
        self._clock.time_s += after_s
        self._gateway.push("V", price)

    async def heard(self, price: float) -> None:
        """Returns when the rules have heard a price, and nothing is left to be heard."""
        reading = next(iter(self.daemon._in_force.instruments()))
        async with asyncio.timeout(DEADLINE_S):
            while self.daemon.link.silent or len(self.daemon.inbox) or self._last(reading.name) != price:
                await asyncio.sleep(0)

    def _last(self, name: str) -> float | None:
        return self.daemon._evaluator._market.feed(name).quote(Field.LAST).value


@asynccontextmanager
async def held(folder: Path) -> AsyncIterator[Held]:
    clock = SteppedClock(START_S)
    gateway = Gateway(Market(Catalogue()), clock=clock)
    await gateway.start()
    gateway.push("V", 200.0)
    alone = Alone(folder, clock, known=("desk",), gateway=GatewaySettings(port=gateway.port))
    alone.write(RULES)
    try:
        async with alone.running() as daemon:
            one = Held(daemon, gateway, clock)
            await one.heard(200.0)
            yield one
    finally:
        await gateway.stop()


def _fired(folder: Path) -> list[str]:
    with open_ledger(folder / "var" / "journal.db") as ledger:
        return sorted(fire.rule for fire in ledger.fires(count_max=100))


@pytest.mark.parametrize("phase", range(PHASES))
async def test_what_came_while_the_engine_was_held_up_is_heard_as_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: int
) -> None:
    """Whatever the engine was about to do then: its timers are due before it has read anything."""
    async with held(tmp_path) as engine:
        engine.push(200.0)
        await engine.heard(200.0)
        monkeypatch.setattr(engine.daemon, "_pause_s", lambda: 0.0)
        for _ in range(10 + phase):
            await asyncio.sleep(0)
        for price in (200.0, 200.0, 207.0, 185.0, *[200.0] * 7, 199.0):
            engine.push(price)
        await engine.heard(199.0)
    assert _fired(tmp_path) == ["crosses", "moves", "moves"]


async def test_more_than_one_read_takes_is_heard_as_it_came(tmp_path: Path) -> None:
    async with held(tmp_path) as engine:
        for _ in range(3_000):
            engine.push(200.0, after_s=0.001)
        for price in (200.0, 200.0, 207.0, 185.0, *[200.0] * 7, 199.0):
            engine.push(price)
        await engine.heard(199.0)
    assert _fired(tmp_path) == ["crosses", "moves", "moves"]
