"""The engine's log: standard error and a file for its owner alone, both without secrets."""

import contextlib
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rules_engine.notifying.redaction import install_redaction, secrets_in

_log = logging.getLogger(__name__)

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
_BYTES_MAX = 5_000_000
_FILES_MAX = 3
_QUIET = ("ib_insync", "ib_async", "eventkit", "watchfiles", "asyncio")
_TOLD_BY_US = ("ib_insync.client", "ib_async.client")
"""They repeat at every attempt to connect what the engine says once."""

_APPRISE = "apprise"


class _PrivateFileHandler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        os.fchmod(handle, 0o600)
        os.close(handle)
        return super()._open()


@contextlib.contextmanager
def thread_errors_logged() -> Iterator[None]:
    """What nobody catches in a thread goes to the log, where secrets are masked, and not to standard error as it is."""

    def log(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            _log.error("a thread failed", exc_info=failed.exc_value)

    before, threading.excepthook = threading.excepthook, log
    try:
        yield
    finally:
        threading.excepthook = before


def start_logging(path: Path, addresses: Iterable[str]) -> None:
    """Replaces the root handlers. ``addresses`` are URLs that must never be seen in a log.

    Where the file cannot be opened there is only standard error: what else fails on such a disk must be told there.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for old in list(root.handlers):
        root.removeHandler(old)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    fault = ""
    try:
        handlers.append(_PrivateFileHandler(path, maxBytes=_BYTES_MAX, backupCount=_FILES_MAX))
    except OSError as error:
        fault = error.strerror or "it cannot be opened"
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        handler.addFilter(_is_no_echo)
        root.addHandler(handler)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    install_redaction(secret for url in addresses for secret in secrets_in(url))
    # Its warnings carry Telegram's "retry after", which the courier reads.
    logging.getLogger(_APPRISE).setLevel(logging.WARNING)
    if fault:
        _log.warning("there is no log file: %s: %s", path, fault)


def _is_no_echo(record: logging.LogRecord) -> bool:
    """What Apprise warns of at a delivery is logged once: by the sender, with the channel and the next try."""
    return record.name != _APPRISE or record.levelno > logging.WARNING
