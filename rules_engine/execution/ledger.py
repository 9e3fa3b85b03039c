"""The journal read back: firings, orders, and the sum that must balance."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rules_engine.execution.chain import first_broken
from rules_engine.execution.database import Reader, ReadOnlyDatabase, Row
from rules_engine.execution.intents import intent_of, intents_of
from rules_engine.execution.outbox import ChannelHealth, channels_health
from rules_engine.execution.schema import OPEN
from rules_engine.model.firing import Reason
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


@dataclass(frozen=True, slots=True)
class Refused:
    """How often a guard or a limit held orders back; ``limit`` names it where it was one."""

    reason: str
    limit: str
    count: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What the account held of an instrument besides our fills when IB was first asked, what our fills came to since
    then and before, and what IB said last. ``others`` is what somebody else bought (or sold) in between."""

    mode: str
    account: str
    instrument: str
    first: Decimal
    ours: Decimal
    newest: Decimal

    @property
    def others(self) -> Decimal:
        return self.newest - self.first - self.ours


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
            f"SELECT *, {_FATE} AS fate FROM firing WHERE (kind != 'armed' OR triggered_s IS NOT NULL) {chosen}"
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
        rows = self._reader.rows(
            f"SELECT {_FATE} AS fate, count(*) AS count FROM firing"
            " WHERE kind != 'armed' OR triggered_s IS NOT NULL GROUP BY fate"
        )
        return {**dict.fromkeys(FATES, 0), **{row["fate"]: row["count"] for row in rows}}

    def refusals(self) -> Sequence[Refused]:
        """Why orders were held back, the most frequent reason first."""
        rows = self._reader.rows(
            "SELECT reason, count(*) AS count,"
            " CASE WHEN reason = ? THEN substr(detail, 1, instr(detail || ' ', ' ') - 1) ELSE '' END AS cap"
            " FROM firing WHERE reason != '' GROUP BY reason, cap ORDER BY count DESC, reason, cap",
            Reason.OVER_LIMIT,
        )
        return [Refused(row["reason"], row["cap"], row["count"]) for row in rows]

    def channels(self) -> Sequence[ChannelHealth]:
        """How each channel does: what waits, and what was given up."""
        return channels_health(self._reader)

    def remembered(self, name: str) -> str | None:
        """A named value that the engine put into the journal."""
        row = self._reader.row("SELECT v FROM kv WHERE k = ?", name)
        return row["v"] if row else None

    def remembered_of_all(self, name: str) -> Sequence[str]:
        """A named value of each mode and account for which the engine put one."""
        return [row["v"] for row in self._reader.rows("SELECT v FROM kv WHERE k GLOB ?", f"{name} *")]

    def first_broken_event(self) -> int | None:
        """The number of the first event that was changed or removed; None when the record is whole."""
        return first_broken(self._reader)

    def misfilled(self) -> Sequence[str]:
        """Keys of intents that say less is filled than their fills add up to. More is possible: a status may come
        before its executions."""
        rows = self._reader.rows(
            "SELECT key FROM intent"
            " JOIN (SELECT key, sum(CAST(quantity AS REAL)) AS fills FROM execution GROUP BY key) USING (key)"
            " WHERE fills > CAST(filled AS REAL) + 1e-7 ORDER BY key"
        )
        return [row["key"] for row in rows]

    def holdings(self) -> Sequence[Holding]:
        """Instruments that we ordered in, in every mode and account that sent orders."""
        rows = self._reader.rows("SELECT * FROM holding WHERE newest IS NOT NULL ORDER BY mode, account, instrument")
        return [
            Holding(
                *(row["mode"], row["account"], row["instrument"]),
                *(Decimal(row[name]) for name in ("first", "ours", "newest")),
            )
            for row in rows
        ]

    def unbalanced(self) -> Sequence[str]:
        """Instruments whose orders say that something else is filled than was counted as it came."""
        rows = self._reader.rows(
            "SELECT instrument FROM holding JOIN (SELECT mode, account, instrument,"
            " sum(CASE side WHEN 'buy' THEN CAST(filled AS REAL) ELSE -CAST(filled AS REAL) END) AS filled"
            " FROM intent GROUP BY mode, account, instrument) USING (mode, account, instrument)"
            " WHERE abs(filled - CAST(ours AS REAL)) > 1e-7 ORDER BY instrument"
        )
        return [row["instrument"] for row in rows]

    def _fire(self, row: Row) -> Fire:
        legs = intents_of(self._reader.rows("SELECT * FROM intent WHERE firing_id = ? ORDER BY leg", row["id"]))
        telling = next((leg.reason for leg in legs if leg.reason), "")
        return Fire(
            rule=row["rule"],
            seq=row["seq"],
            case=row["case_index"],
            at_s=row["at_s"] if row["triggered_s"] is None else row["triggered_s"],
            fate=row["fate"],
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


def _in(*states: IntentState) -> str:
    return f"state IN ({', '.join(repr(str(state)) for state in states)})"


_LEG_FATES = (
    ("unknown", _in(State.UNKNOWN, State.SENDING)),
    ("expired", "state = 'cancelled' AND sent_s IS NULL"),
    ("placed", _in(State.ACKED, State.WORKING, State.PARTIAL, State.FILLED, State.CANCELLED, State.ADOPTED)),
    ("refused", _in(State.REJECTED, State.ABANDONED)),
    ("waiting", _in(State.INTENT)),
    ("dry", _in(State.DRY)),
    ("held back", _in(State.BLOCKED)),
    ("expired", _in(State.EXPIRED)),
)
"""What a leg came to; the first that is so. What was cancelled before it left counts with what was never sent."""

_WEIGHT = ("unknown", "placed", "refused", "waiting", "dry", "held back", "expired")
"""The first of these among its legs is the fate of a firing. Units that never left do so whole."""

_LEG_RANK = " ".join(f"WHEN {condition} THEN {_WEIGHT.index(fate)}" for fate, condition in _LEG_FATES)
_FATE = (
    "CASE WHEN kind = 'held back' THEN 'held back' ELSE CASE"
    f" (SELECT min(CASE {_LEG_RANK} END) FROM intent WHERE firing_id = firing.id)"
    f" {' '.join(f'WHEN {rank} THEN {fate!r}' for rank, fate in enumerate(_WEIGHT))} ELSE 'told' END END"
)
