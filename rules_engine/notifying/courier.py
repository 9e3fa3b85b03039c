"""One channel's Apprise service, called in a thread of its own and never waited for too long."""

import asyncio
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from rules_engine.notifying.apart import begin_apart
from rules_engine.notifying.redaction import Redaction, cap_loggers, secrets_in

if TYPE_CHECKING:
    from apprise import Apprise

DEADLINE_S = 300.0
"""Only what hangs for good takes so long: whoever is left alone earlier may have taken the message all the same."""
CONNECT_S, ANSWER_S = 8.0, 20.0
"""Within these a service takes a connection, and answers. Apprise's own 4 s are too few: a service that takes the
message and is slow to say so would be given it again and again."""
MAIL_ANSWER_S = 60.0
"""For every answer of a mail server, which may look through a whole mail before it says that it took it. Apprise has
one time for all of them (RFC 5321, 4.5.3.2, asks for minutes, for just that reason)."""
ERROR_LENGTH_MAX = 200

# Apprise hides the response. Its result carries what the plugin logged, and Telegram's own words are among it:
# "Too Many Requests: retry after 35, error=429." (the description field of core.telegram.org/bots/api#making-requests).
_STATUS = re.compile(r"\berror=(\d{3})\b")
_RETRY_AFTER = re.compile(r"\bretry after (\d{1,6})\b", re.IGNORECASE)
_MESSAGE_AT_FAULT = {400, 413}
# A Warning is raised where the interpreter was told to turn warnings into errors.
_PLUGIN_ERRORS = (AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError, Warning)


class Fate(Enum):
    """What became of one attempt to hand a message to its service."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The service will not take this message, now or later."""
    FAILED = "failed"
    """It may work another time."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one attempt. ``retry_after_s`` is the service's own wish, ``error`` carries no secrets."""

    fate: Fate
    error: str = ""
    retry_after_s: float = 0.0


class Courier:
    """Takes messages to one channel, one at a time."""

    def __init__(self, url: str, deadline_s: float = DEADLINE_S) -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._redaction = Redaction(secrets_in(url))
        self._service: Apprise | None = None
        self._hanging: threading.Thread | None = None

    async def deliver(self, title: str, text: str) -> Delivery:
        """Tries once. After the deadline the attempt is left alone; none begins while that one still hangs."""
        if self._hanging is not None and self._hanging.is_alive():
            return Delivery(Fate.FAILED, "the attempt before still hangs")
        answer, thread = begin_apart(lambda: self._attempted(title, text), "courier")
        try:
            async with asyncio.timeout(self._deadline_s):
                return await answer
        except TimeoutError:
            self._hanging = thread
            return Delivery(Fate.FAILED, f"no answer within {self._deadline_s:g} seconds")

    def _attempted(self, title: str, text: str) -> Delivery:
        try:
            return self._attempt(title, text)
        except _PLUGIN_ERRORS as error:  # Its text may quote the URL.
            return Delivery(Fate.FAILED, f"Apprise stumbled: {type(error).__name__}")

    def _attempt(self, title: str, text: str) -> Delivery:
        from apprise import NotifyFormat

        self._service = self._service or load_service(self._url)
        if not len(self._service):
            return Delivery(Fate.FAILED, "Apprise does not understand this channel's URL")
        if not title and is_mail(self._url):
            title = text.partition("\n")[0]  # A mail without a subject would be given Apprise's own.
        with self._service.notify(body=text, title=title, body_format=NotifyFormat.TEXT) as result:
            if result:
                return Delivery(Fate.DELIVERED)
            return self._failure(entry.message for entry in result.logs())

    def _failure(self, said: Iterable[str]) -> Delivery:
        words = " ".join(said)
        status, retry_after = _STATUS.search(words), _RETRY_AFTER.search(words)
        refused = status is not None and int(status[1]) in _MESSAGE_AT_FAULT
        return Delivery(
            fate=Fate.REFUSED if refused else Fate.FAILED,
            error=self._redaction.redact(words)[:ERROR_LENGTH_MAX] or "not delivered, no reason given",
            retry_after_s=float(retry_after[1]) if retry_after else 0.0,
        )


def load_service(url: str) -> "Apprise":
    """Apprise with this one service; empty when it does not understand the URL. Nothing is sent and nothing stored."""
    from apprise import Apprise, AppriseAsset
    from apprise.common import PersistentStoreMode

    cap_loggers()
    asset = AppriseAsset(
        app_id="rules-engine",
        app_desc="rules-engine",
        async_mode=False,  # We are in a thread already.
        service_timeout=0,
        storage_mode=PersistentStoreMode.MEMORY,
        secure_logging=True,
    )
    service = Apprise(asset=asset)
    service.add(url)
    connect_s = MAIL_ANSWER_S if is_mail(url) else CONNECT_S
    for plugin in service:
        plugin.socket_connect_timeout = max(connect_s, plugin.socket_connect_timeout)
        plugin.socket_read_timeout = max(ANSWER_S, plugin.socket_read_timeout)
    return service


def is_mail(url: str) -> bool:
    """Whether a channel sends mail."""
    return url.lower().startswith("mailto")
