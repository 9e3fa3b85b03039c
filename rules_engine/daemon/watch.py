"""Changes of the rule folder into wake-ups; what changed is found by reading, never believed from the event."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

RESCAN_S = 10.0
_QUIET_MS = 50
_WATCH_RETRY_S = 1.0


async def watch(folder: Path, wake: Callable[[], None]) -> None:
    """Calls ``wake`` soon after anything in the folder changed, until cancelled."""
    while True:
        # A folder that is missing or was replaced cannot be watched for a moment; the rescan covers that time.
        with contextlib.suppress(OSError):
            async for _ in awatch(folder, step=_QUIET_MS, recursive=True):
                wake()
        await asyncio.sleep(_WATCH_RETRY_S)


async def rescan(wake: Callable[[], None]) -> None:
    """Calls ``wake`` every RESCAN_S, in case an event was lost, until cancelled."""
    while True:
        await asyncio.sleep(RESCAN_S)
        wake()
