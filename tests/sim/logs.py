"""Everything that is logged while a simulation runs, as the engine would write it: secrets and failures are found."""

import io
import logging
from collections.abc import Callable, Iterable

from rules_engine.notifying.redaction import Redaction, secrets_in


class Listener:
    """In its context every record of the product is formatted with the product's own redaction."""

    def __init__(self, addresses: Iterable[str], canary: str, broken: Callable[[str, str], None]) -> None:
        self._stream = _Searched(canary, broken)
        self._handler = _Hearing(self._stream, broken)
        self._handler.addFilter(Redaction(secret for url in addresses for secret in secrets_in(url)))
        self._before = logging.WARNING

    @property
    def lines(self) -> int:
        """How many were written so far."""
        return self._stream.lines

    def __enter__(self) -> None:
        logger = logging.getLogger("rules_engine")
        self._before = logger.level
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(self._handler)

    def __exit__(self, *error: object) -> None:
        logger = logging.getLogger("rules_engine")
        logger.removeHandler(self._handler)
        logger.setLevel(self._before)
        logger.propagate = True


class _Hearing(logging.StreamHandler):
    """A part of the engine that is started again after it failed logs what it failed of."""

    def __init__(self, stream: io.TextIOBase, broken: Callable[[str, str], None]) -> None:
        super().__init__(stream)
        self._broken = broken

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if record.exc_info and record.exc_info[1] is not None:
            self._broken("no part of the engine fails", repr(record.exc_info[1]))


class _Searched(io.TextIOBase):
    def __init__(self, canary: str, broken: Callable[[str, str], None]) -> None:
        self._canary = canary
        self._broken = broken
        self.lines = 0

    def write(self, text: str) -> int:
        self.lines += 1
        if self._canary in text:
            self._broken("no secret in the log", text[:60])
        return len(text)
