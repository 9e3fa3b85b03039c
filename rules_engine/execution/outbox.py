"""The messages still to be told: rows that live in the journal, so that a firing and its message are one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules_engine.execution.database import Database, Reader, Row
from rules_engine.execution.schema import OUTBOX_OPEN
from rules_engine.model.notice import TO_ACT_ON, Notice, NoticeKind

_TO_ACT_ON = ", ".join(f"'{kind}'" for kind in sorted(TO_ACT_ON))
_COLUMNS = "id, dedup, channel, kind, rule, key, title, text, at_s, state, attempts, next_s, error"


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way to one channel. ``state`` is `waiting`, `sending`, `sent` or `dead`."""

    id: int
    channel: str
    kind: NoticeKind
    rule: str
    key: str
    title: str
    text: str
    at_s: float
    state: str
    attempts: int
    next_s: float
    error: str


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel does. ``waiting`` are on their way, the oldest since ``oldest_s``; ``dead`` were given up."""

    channel: str
    waiting: int
    oldest_s: float | None
    dead: int
    error: str
    """What went wrong last; empty when nothing did with what waits or is dead."""


def channels_health(reader: Reader) -> Sequence[ChannelHealth]:
    """Each channel that a message was ever meant for, by its name."""
    rows = reader.rows(
        f"SELECT channel, sum({OUTBOX_OPEN}) AS waiting, min(CASE WHEN {OUTBOX_OPEN} THEN at_s END) AS oldest_s,"
        " sum(state = 'dead') AS dead, max(CASE WHEN error != '' THEN printf('%020d', id) || error END) AS error"
        " FROM outbox GROUP BY channel ORDER BY channel"
    )
    return [
        ChannelHealth(row["channel"], row["waiting"], row["oldest_s"], row["dead"], (row["error"] or "")[20:])
        for row in rows
    ]


class Outbox:
    """Messages in the order in which things happened, each until it is sent or given up."""

    def __init__(self, database: Database) -> None:
        self.added = 0
        """How many messages this engine has queued."""
        self._database = database

    def add(self, notice: Notice) -> bool:
        """Queues the notice for each of its channels; False when this very event was told before."""
        added = 0
        with self._database.transaction():
            for channel in dict.fromkeys(notice.channels):
                added += self._database.execute(
                    "INSERT OR IGNORE INTO outbox (dedup, channel, kind, rule, key, title, text, at_s, next_s)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    *(notice.dedup, channel, notice.kind, notice.rule, notice.key),
                    *(notice.title, notice.text, notice.at_s, notice.at_s),
                ).rowcount
        self.added += added
        return added > 0

    def channels(self) -> frozenset[str]:
        """The channels for which something waits."""
        rows = self._database.rows(f"SELECT DISTINCT channel FROM outbox WHERE {OUTBOX_OPEN}")
        return frozenset(row["channel"] for row in rows)

    def waiting(self, channel: str, count_max: int) -> Sequence[Message]:
        """The oldest open messages of a channel, also those not due yet or interrupted while they were being sent.
        Behind them those that are to be acted on, unless an earlier one of their rule waits behind them too."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM outbox WHERE channel = ? AND {OUTBOX_OPEN} ORDER BY id LIMIT ?", channel, count_max
        )
        if len(rows) == count_max:
            rows += self._urgent(channel, rows[-1]["id"])
        return [_message(row) for row in rows]

    def _urgent(self, channel: str, after_id: int) -> list[Row]:
        firsts = f"SELECT min(id) FROM outbox WHERE channel = ? AND id > ? AND {OUTBOX_OPEN} GROUP BY rule"
        return self._database.rows(
            f"SELECT {_COLUMNS} FROM outbox WHERE id IN ({firsts}) AND kind IN ({_TO_ACT_ON}) ORDER BY id",
            *(channel, after_id),
        )

    def sending(self, message_id: int) -> None:
        """Committed before the message leaves: a crash now means at most one copy too many."""
        self._set(message_id, "state = 'sending', attempts = attempts + 1")

    def sent(self, message_id: int) -> None:
        """It arrived at the service."""
        self._set(message_id, "state = 'sent', error = ''")

    def retry(self, message_id: int, at_s: float, error: str) -> None:
        """It failed; try again no sooner than ``at_s``. ``error`` must carry no secret."""
        self._set(message_id, "state = 'waiting', next_s = ?, error = ?", at_s, error)

    def shift(self, by_s: float) -> None:
        """The clock was set by so many seconds: every next try comes when it would have come."""
        with self._database.transaction():
            self._database.execute(f"UPDATE outbox SET next_s = next_s + ? WHERE {OUTBOX_OPEN}", by_s)

    def give_up(self, message_id: int, error: str) -> None:
        """It will not be tried again; it stays visible as dead."""
        self._set(message_id, "state = 'dead', error = ?", error)

    def hand_on(self, message_id: int, channels: Sequence[str], error: str) -> None:
        """Goes to these channels instead, unless they were told of the event anyway. Here it stays visible as dead."""
        with self._database.transaction():
            for channel in channels:
                self.added += self._database.execute(
                    "INSERT OR IGNORE INTO outbox (dedup, channel, kind, rule, key, title, text, at_s, next_s)"
                    " SELECT dedup, ?, kind, rule, key, title, text, at_s, at_s FROM outbox WHERE id = ?",
                    *(channel, message_id),
                ).rowcount
            self.give_up(message_id, f"{error}; told to {', '.join(channels)}" if channels else error)

    def _set(self, message_id: int, assignment: str, *values: str | float) -> None:
        with self._database.transaction():
            self._database.execute(f"UPDATE outbox SET {assignment} WHERE id = ?", *values, message_id)


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        channel=row["channel"],
        kind=NoticeKind(row["kind"]),
        rule=row["rule"],
        key=row["key"],
        title=row["title"],
        text=row["text"],
        at_s=row["at_s"],
        state=row["state"],
        attempts=row["attempts"],
        next_s=row["next_s"],
        error=row["error"],
    )
