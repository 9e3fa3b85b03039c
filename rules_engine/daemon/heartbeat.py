"""A sign of life to an outside watchdog, which notices when the signs stop."""

import asyncio
import logging
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from rules_engine.model.settings import Heartbeat
from rules_engine.notifying.apart import begin_apart

_DEADLINE_S = 10.0
_log = logging.getLogger(__name__)


async def beat(heartbeat: Heartbeat) -> None:
    """Fetches the watchdog's URL at even distances until cancelled. A failed beat is only logged: the next may pass."""
    while True:
        answer, _ = begin_apart(lambda: _fetched(heartbeat.url), "heartbeat")
        if failure := await answer:
            _log.warning("the heartbeat did not reach its watchdog: %s", failure)
        await asyncio.sleep(heartbeat.every_s)


def heartbeat_fault(heartbeat: Heartbeat | None) -> str:
    """What is wrong with the address, in words that do not quote it; empty when all is well."""
    if heartbeat is None:
        return ""
    try:
        parts = urlsplit(heartbeat.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    return "" if usable else "heartbeat: this is not an address; write one that begins with https://"


def _fetched(url: str) -> str:
    """What kind of failure it was; empty when the watchdog answered."""
    try:
        with urllib.request.urlopen(url, timeout=_DEADLINE_S) as answer:
            answer.read(1)
    except (OSError, ValueError, HTTPException) as error:  # Its text may quote the URL.
        return type(error).__name__
    return ""
