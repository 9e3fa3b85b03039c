"""The journal read back: firings, orders, and the sum that must balance."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rules_engine.execution.chain import GENESIS, event_hash
from rules_engine.execution.database import Reader, ReadOnlyDatabase, Row
from rules_engine.execution.intents import intent_of, intents_of
from rules_engine.execution.outbox import ChannelHealth, channels_health
from rules_engine.execution.schema import OPEN
from rules_engine.model.intent import Intent, IntentState

State = IntentState


@dataclass(frozen=True, slots=True)
class Fire:
    """One firing or held-back edge. ``fate`` is a word of `FATES`, ``keys`` name its orders.

    For a unit that was held at the broker ``at_s`` is when IB's trigger was seen.
    """

    rule: str
    seq: int
    case: int
    at_s: float
    fate: str
    reason: str
    detail: str
    mode: str
    account: str
    at_broker: bool
    values: Mapping[str, float]
    actions: Sequence[str]
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An intent with the mode and account that it was made in."""

    intent: Intent
    mode: str
    account: str


FATES = ("placed", "held back", "refused", "expired", "unknown", "waiting", "dry", "told")
"""What a firing came to. `waiting` is not sent yet, `told` had no orders to send."""


class Ledger:
    """Questions to the journal, beside a running engine or without one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def fires(self, *, rule: str = "", count_max: int = 100) -> Sequence[Fire]:
        """The newest firings and held-back edges, newest first. Armings count once IB has triggered them."""
        chosen = "AND rule = ?" if rule else ""
        rows = self._reader.rows(
            f"SELECT *, {_STATES} FROM firing WHERE (kind != 'armed' OR triggered_s IS NOT NULL) {chosen}"
            " ORDER BY coalesce(triggered_s, at_s) DESC, id DESC LIMIT ?",
            *_given(rule, count_max),
        )
        return [self._fire(row) for row in rows]

    def orders(self, *, rule: str = "", open_only: bool = False, count_max: int = 100) -> Sequence[OrderRow]:
        """The newest intents, newest first; ``open_only``: those not over."""
        chosen = "AND rule = ?" if rule else ""
        if open_only:
            chosen += f" AND {OPEN}"
        rows = self._reader.rows(
            f"SELECT * FROM intent WHERE 1 {chosen} ORDER BY firing_id DESC, leg LIMIT ?", *_given(rule, count_max)
        )
        return [OrderRow(intent_of(row), row["mode"], row["account"]) for row in rows]

    def fates(self) -> Mapping[str, int]:
        """How many firings came to what. Their sum is the number of firings."""
        counts = Counter(dict.fromkeys(FATES, 0))
        for row in self._reader.rows(
            f"SELECT kind, {_STATES} FROM firing WHERE kind != 'armed' OR triggered_s IS NOT NULL"
        ):
            counts[_fate(row)] += 1
        return counts

    def channels(self) -> Sequence[ChannelHealth]:
        """How each channel does: what waits, and what was given up."""
        return channels_health(self._reader)

    def remembered(self, name: str) -> str | None:
        """A named value that the engine put into the journal."""
        row = self._reader.row("SELECT v FROM kv WHERE k = ?", name)
        return row["v"] if row else None

    def first_broken_event(self) -> int | None:
        """The number of the first event whose hash does not follow from the one before; None when all do."""
        before = GENESIS
        rows = self._reader.rows("SELECT seq, key, at_s, kind, data_json, hash FROM event ORDER BY seq")
        for seq, key, at_s, kind, text, digest in rows:
            if digest != event_hash(before, key, at_s, kind, text):
                return int(seq)
            before = digest
        return None

    def misfilled(self) -> Sequence[str]:
        """Keys of intents that say less is filled than their fills add up to. More is possible: a status may come
        before its executions."""
        rows = self._reader.rows(
            "SELECT intent.key, filled, group_concat(execution.quantity, ' ') AS fills"
            " FROM execution JOIN intent ON intent.key = execution.key GROUP BY intent.key"
        )
        return [row["key"] for row in rows if sum(map(Decimal, row["fills"].split())) > Decimal(row["filled"])]

    def _fire(self, row: Row) -> Fire:
        legs = intents_of(self._reader.rows("SELECT * FROM intent WHERE firing_id = ? ORDER BY leg", row["id"]))
        telling = next((leg.reason for leg in legs if leg.reason), "")
        return Fire(
            rule=row["rule"],
            seq=row["seq"],
            case=row["case_index"],
            at_s=row["at_s"] if row["triggered_s"] is None else row["triggered_s"],
            fate=_fate(row),
            reason=row["reason"] or telling,
            detail=row["detail"],
            mode=row["mode"],
            account=row["account"],
            at_broker=row["kind"] == "armed",
            values=json.loads(row["values_json"]),
            actions=json.loads(row["actions_json"]),
            keys=[leg.key for leg in legs],
        )


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """The journal at this path, read only, without a lock. Raises JournalFailed when it cannot be read."""
    database = ReadOnlyDatabase(path)
    try:
        yield Ledger(database)
    finally:
        database.close()


def _given(rule: str, count_max: int) -> tuple[str | int, ...]:
    return (rule, count_max) if rule else (count_max,)


def _fate(row: Row) -> str:
    states = {IntentState(word) for word in (row["states"] or "").split(",") if word}
    if row["kind"] == "held back":
        return "held back"
    if not states:
        return "told"
    for fate, telling in _TELLING:
        if states & telling:
            return fate
    return next(fate for fate, state in _ALONE if states == {state})


_STATES = (
    "(SELECT group_concat(DISTINCT CASE WHEN state = 'cancelled' AND sent_s IS NULL THEN 'expired' ELSE state END)"
    " FROM intent WHERE firing_id = firing.id) AS states"
)
"""The states of a firing's legs; what was cancelled before it left counts with what was never sent."""

_TELLING = (
    ("unknown", frozenset({State.UNKNOWN, State.SENDING})),
    ("placed", frozenset({State.ACKED, State.WORKING, State.PARTIAL, State.FILLED, State.CANCELLED, State.ADOPTED})),
    ("refused", frozenset({State.REJECTED, State.ABANDONED})),
)
"""The first whose states are among those of the legs names the fate."""

_ALONE = (
    ("waiting", State.INTENT),
    ("dry", State.DRY),
    ("held back", State.BLOCKED),
    ("expired", State.EXPIRED),
)
"""Units that never left do so whole."""
