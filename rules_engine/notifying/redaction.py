"""Log records -> the same records without secrets."""

import logging
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

MASK = "***"
SECRET_LENGTH_MIN = 4
"""Shorter pieces of a URL stand in ordinary words too; masking them would make logs unreadable."""

_SHAPES = (
    re.compile(r"(?<=/bot)\d+:[\w-]+"),
    re.compile(r"\b(?:bot)?\d{6,}:[\w-]{20,}"),
    re.compile(r"(?<=://)[^/\s@]+:[^/\s]+(?=@)"),
)
_BETWEEN = re.compile(r"[:/@?&=\[\]]+")
_SECRET_WORDS = re.compile(r"pass|pwd|token|key|secret", re.IGNORECASE)
_TOKEN_AS_HOST = frozenset({"tgram", "pover", "pbul", "discord", "slack", "msteams", "ntfy", "ntfys", "twilio"})
"""Services whose URLs have a token, or the half of one, where others have a host."""
_TALKATIVE = ("apprise", "urllib3", "requests")
_SPEAKERS = ("apprise", "urllib3.connectionpool")


def install_redaction(secrets: Iterable[str]) -> None:
    """Masks the secrets, and whatever is shaped like a token, in all that reaches the root handlers from now on.

    Call it again after adding handlers or when the secrets change: the newest call counts.
    """
    cap_loggers()
    redaction = Redaction(secrets)
    for place in (*logging.getLogger().handlers, *(logging.getLogger(name) for name in _SPEAKERS)):
        for old in [present for present in place.filters if isinstance(present, Redaction)]:
            place.removeFilter(old)
        place.addFilter(redaction)


def cap_loggers() -> None:
    """Silences the debug level of Apprise and of what it sends with: there they print whole URLs and payloads."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))


def secrets_in(url: str) -> frozenset[str]:
    """What must not be seen of a channel's URL: all of it, and its passwords, tokens and paths by themselves."""
    try:
        parts = urlsplit(url)
    except ValueError:  # Nobody can say what is what in it: each piece may be the secret.
        return frozenset(piece for piece in (url, *_BETWEEN.split(url)) if len(piece) >= SECRET_LENGTH_MIN)
    user, _, host = parts.netloc.rpartition("@")
    pieces = {url, user.partition(":")[2], *parts.path.split("/")}
    if parts.scheme in _TOKEN_AS_HOST:
        pieces |= {user, host, host.partition(":")[2]}
    pieces |= {value for name, value in parse_qsl(parts.query) if _SECRET_WORDS.search(name)}
    pieces |= {unquote(piece) for piece in pieces}
    return frozenset(piece for piece in pieces if len(piece) >= SECRET_LENGTH_MIN)


class Redaction(logging.Filter):
    """Rewrites records: message, traceback and stack lose their secrets, whoever formats them afterwards."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        # Longest first: a secret may contain another.
        self._secrets = sorted({secret for secret in secrets if secret}, key=lambda secret: (-len(secret), secret))

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.redact(_message(record)), None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        return True

    def redact(self, text: str) -> str:
        """The text with every secret replaced by a mask."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text


def _message(record: logging.LogRecord) -> str:
    """What the record says; a record whose arguments do not fit its text must not lose us the filter."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"
