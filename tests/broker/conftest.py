"""A gateway on a free port, connections to it, and an ear for what arrives in the inbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.broker.inbox import Inbox, Item
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SystemClock
from rules_engine.model.instrument import Field, Instrument, us_stock
from rules_engine.model.reports import FeedDown
from rules_engine.model.settings import GatewaySettings
from rules_engine.model.tick import Tick

DEADLINE_S = 30.0
"""For what must come: a machine that others share may be slow for a moment."""
NEVER_S = 600.0
"""A deadline of the connection's own, beyond that of every test."""
V, MA = us_stock("V"), us_stock("MA")

Kind = TypeVar("Kind")
Connect = Callable[..., Awaitable[Connection]]


class Heard:
    """Everything that the engine would have taken from the inbox."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.items: list[Item] = []

    async def until(self, holds: Callable[[], object]) -> None:
        """Takes what arrives until something holds."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                self.items += self.inbox.take()
                if holds():
                    return
                await self.inbox.wait()

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The items of one kind, in order."""
        return [item for item in self.items if isinstance(item, kind)]

    def ticks(self, name: str, field: Field = Field.LAST) -> list[Tick]:
        """The ticks of one series."""
        return [tick for tick in self.of(Tick) if tick.instrument == name and tick.field is field]

    def prices(self, name: str, field: Field = Field.LAST) -> list[float | None]:
        """The values of one series without its snapshot."""
        return [tick.value for tick in self.ticks(name, field) if not tick.snapshot]

    def silenced(self) -> list[tuple[str, int]]:
        """Instruments that IB gave a reason for not trusting, each with the code."""
        return [(report.instrument, report.code) for report in self.of(FeedDown) if report.code]

    async def subscribed(self, *names: str) -> None:
        """Waits until the first prices of these instruments have come."""
        await self.until(lambda: set(names) <= {tick.instrument for tick in self.of(Tick)})


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A market that moves only when a test pushes it; V stands at 199, MA at 300."""
    running = Gateway(Market(Catalogue()), accounts=("DU1",))
    await running.start()
    running.push("V", 199.0)
    running.push("MA", 300.0)
    yield running
    await running.stop()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def connect(gateway: Gateway, heard: Heard) -> AsyncIterator[Connect]:
    """Opens connections that are closed at the end of the test."""
    opened: list[Connection] = []

    async def open_one(
        instruments: Iterable[Instrument] = (V, MA), client_id: int = 1, **options: object
    ) -> Connection:
        settings = GatewaySettings(port=gateway.port, client_id=client_id)
        connection = await Connection.open(settings, instruments, heard.inbox, SystemClock(), **options)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.close()
