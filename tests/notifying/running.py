"""A sender at work for the length of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from rules_engine.model.clock import SteppedClock
from rules_engine.notifying.sender import Sender
from tests.notifying.memory_outbox import MemoryOutbox


@asynccontextmanager
async def running(outbox: MemoryOutbox, channels: Mapping[str, str], clock: SteppedClock) -> AsyncIterator[Sender]:
    sender = Sender(outbox, channels, clock)
    task = asyncio.get_running_loop().create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def step(clock: SteppedClock, sender: Sender, to_s: float) -> None:
    """Time passes."""
    clock.time_s = to_s
    sender.wake()
