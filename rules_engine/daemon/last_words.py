"""What an engine that fails still says: straight to its channels, since the journal may be what failed."""

import asyncio
from collections.abc import Mapping

from rules_engine.model.errors import WorldError
from rules_engine.notifying.courier import Courier

DEADLINE_S = 10.0


async def last_words(channels: Mapping[str, str], failed: BaseExceptionGroup[BaseException]) -> None:
    """That the engine failed, and why."""
    text = f"{_why(failed)}. Nothing more is sent. Orders at the broker stay there. The log says more."
    await tell_directly(channels, "Rules engine failed", text)


async def tell_directly(channels: Mapping[str, str], title: str, text: str) -> None:
    """Tries each channel once, past the outbox; a channel that fails too is left alone."""
    async with asyncio.TaskGroup() as tasks:
        for url in channels.values():
            tasks.create_task(Courier(url, DEADLINE_S).deliver(title, text))


def _why(failed: BaseExceptionGroup[BaseException]) -> str:
    """The world's failures in their own words; of ours only the kind, since their text may hold anything."""
    first: BaseException = failed
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) if isinstance(first, WorldError) else f"A part of it failed: {type(first).__name__}"
