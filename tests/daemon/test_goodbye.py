"""What an engine that is asked to stop says last stays true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rules_engine.daemon import daemon
from tests.daemon.house import HERE_AT_200, House, Running


@asynccontextmanager
async def service_that_waits(for_this: asyncio.Event) -> AsyncIterator[str]:
    """The address of a service that takes messages and answers none before that."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await for_this.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(take, "127.0.0.1", 0)
    async with service:
        yield f"json://127.0.0.1:{service.sockets[0].getsockname()[1]}/"


async def test_nothing_fires_while_the_last_word_is_on_its_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "FAREWELL_S", 60.0)
    heard = asyncio.Event()

    async def price_after_the_goodbye(engine: Running) -> None:
        await house.until(lambda: house.told("engine stopped", "Nothing of ours is left"), "the goodbye")
        house.quote("V", 200.1)
        await house.until(lambda: engine.price("V") == 200.1, "the price")
        heard.set()

    async with service_that_waits(heard) as slow:
        channels = {"phone": house.settings.channels["phone"], "slow": slow}
        async with house.engine(HERE_AT_200, channels=channels) as engine:
            await engine.until_state("here-at-200", "armed")
            moving = asyncio.create_task(price_after_the_goodbye(engine))
        await moving
    assert (house.orders(), house.fires()) == ([], [])
