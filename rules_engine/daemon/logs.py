"""The engine's log: standard error and a file for its owner alone, both without secrets."""

import logging
import os
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rules_engine.notifying.redaction import install_redaction, secrets_in

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
_BYTES_MAX = 5_000_000
_FILES_MAX = 3
_QUIET = ("ib_insync", "ib_async", "eventkit", "watchfiles", "asyncio")
_TOLD_BY_US = ("ib_insync.client", "ib_async.client")
"""They repeat at every attempt to connect what the engine says once."""


class _PrivateFileHandler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        return super()._open()


def start_logging(path: Path, addresses: Iterable[str]) -> None:
    """Replaces the root handlers. ``addresses`` are URLs that must never be seen in a log."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for old in list(root.handlers):
        root.removeHandler(old)
    file = _PrivateFileHandler(path, maxBytes=_BYTES_MAX, backupCount=_FILES_MAX)
    for handler in (logging.StreamHandler(), file):
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    install_redaction(secret for url in addresses for secret in secrets_in(url))
    # Its warnings carry Telegram's "retry after", which the sender reads.
    logging.getLogger("apprise").setLevel(logging.WARNING)
