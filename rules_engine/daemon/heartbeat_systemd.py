"""Signs of life to systemd, which starts the engine anew when they stop: sd_notify(3), without its library."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Mapping

_BEATS_A_PERIOD = 3
_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def watched_by_systemd(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Says READY, then WATCHDOG as often as the unit's `WatchdogSec` wants it, and STOPPING at the end.

    The beats come from the event loop that everything runs in: they stop when it hangs. Outside of systemd it does
    nothing.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    period = environment.get("WATCHDOG_USEC", "")
    period_s = int(period) / 1_000_000 if period.isascii() and period.isdigit() else 0.0
    _say(address, "READY=1")
    beating = asyncio.create_task(_beat(address, period_s / _BEATS_A_PERIOD)) if period_s else None
    try:
        yield
    finally:
        if beating is not None:
            beating.cancel()
        _say(address, "STOPPING=1")


async def _beat(address: str, every_s: float) -> None:
    while True:
        _say(address, "WATCHDOG=1")
        await asyncio.sleep(every_s)


def _say(address: str, word: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        try:
            out.sendto(word.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
        except OSError as error:
            _log.warning("systemd was not told %s: %s", word, error.strerror)
