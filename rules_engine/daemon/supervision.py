"""Parts that may fail without taking the order path with them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

RESTART_S = 5.0

_log = logging.getLogger(__name__)


async def kept_going(part: Callable[[], Awaitable[None]]) -> None:
    """Runs the part until cancelled, and again some seconds after it failed."""
    while True:
        try:
            await part()
        except Exception:
            _log.exception("a part of the engine failed; it is started again in %g s", RESTART_S)
        await asyncio.sleep(RESTART_S)
