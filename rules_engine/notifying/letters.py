"""Rows of the outbox -> title and text as they are sent: short enough for every service, late ones with their age."""

from collections.abc import Sequence

from rules_engine.model.duration import spell_duration
from rules_engine.notifying.outbox import Waiting

LATE_S = 60.0
"""A letter that is sent so long after its event says how long ago that was."""
TITLE_LENGTH_MAX = 100
TEXT_LENGTH_MAX = 1900
"""Telegram allows 4096 UTF-16 units after its own mark-up; every character may take two."""
PLAIN_LENGTH_MAX = 1000
_HEADING_LENGTH_MAX = 40


def letter(rows: Sequence[Waiting], now_s: float) -> tuple[str, str]:
    """Title and text of one row, or of several as a digest.

    The short key lets the reader tell a copy from a second event.
    """
    return _single(rows[0], now_s) if len(rows) == 1 else _digest(rows, now_s)


def plain(title: str, text: str) -> str:
    """The same news with nothing in it that a service could take for mark-up."""
    words = f"{title}\n{text}" if title else text
    kept = "".join(sign for sign in words if sign == "\n" or (sign.isprintable() and sign not in "<>&*_`[]\\"))
    return _cut(kept, PLAIN_LENGTH_MAX)


def short_key(key: str) -> str:
    """The end of an intent's or a firing's key, enough for people: rule and number."""
    return "#" + ".".join(key.split(".")[3:]) if key.count(".") >= 4 else f"#{key}"


def _single(row: Waiting, now_s: float) -> tuple[str, str]:
    """A title is one line; the text begins with its age when it is late and ends with its key."""
    title = _one_line(row.title)
    text = _cut(_age(row, now_s) + (row.text.strip() or title or "(no text)"), TEXT_LENGTH_MAX)
    return _cut(title, TITLE_LENGTH_MAX), f"{text}\n{short_key(row.key)}" if row.key else text


def _digest(rows: Sequence[Waiting], now_s: float) -> tuple[str, str]:
    """Every row in the order of events, each cut to its share; none goes without its age and key."""
    share = TEXT_LENGTH_MAX // len(rows)
    return f"{len(rows)} messages that were held up", "\n".join(_entry(row, now_s, share) for row in rows)


def _entry(row: Waiting, now_s: float, length_max: int) -> str:
    heading = _cut(_one_line(row.title), _HEADING_LENGTH_MAX)
    head = _age(row, now_s) + (f"{heading}: " if heading else "")
    tail = f" {short_key(row.key)}" if row.key else ""
    return head + _cut(row.text.strip(), max(length_max - len(head) - len(tail) - 1, 1)) + tail


def _age(row: Waiting, now_s: float) -> str:
    """How long ago it was, to the minute; nothing when that is no news."""
    age_s = now_s - row.at_s
    return f"{spell_duration(round(age_s / 60) * 60)} ago: " if age_s >= LATE_S else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
