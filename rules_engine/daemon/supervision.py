"""Parts that may fail without taking the order path with them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

RESTART_S = 5.0
CANCEL_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


async def kept_going(part: Callable[[], Awaitable[None]]) -> None:
    """Runs the part until cancelled, and again some seconds after it failed."""
    task = asyncio.current_task()
    assert task is not None
    while True:
        try:
            await part()
        except Exception as failed:
            if task.cancelling():
                # It failed on its way out: the engine must not wait for it for ever.
                raise asyncio.CancelledError from failed
            _log.exception("a part of the engine failed; it is started again in %g s", RESTART_S)
        await asyncio.sleep(RESTART_S)


async def all_cancelled(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Returns when each of the tasks has ended. A library may swallow a cancellation, so one is not all they get."""
    running = list(tasks)
    while running := [task for task in running if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
