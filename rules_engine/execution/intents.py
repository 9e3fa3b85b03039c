"""The intents in the journal: rows to values and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from functools import lru_cache

from rules_engine.execution.database import Database, Row
from rules_engine.execution.plain import from_text, to_text
from rules_engine.execution.rule_profit import RuleProfit
from rules_engine.execution.schema import OPEN
from rules_engine.execution.working_set import WorkingSet
from rules_engine.model.action import Side
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft
from rules_engine.model.slices import Slices

UnitName = tuple[str, int]
"""A rule and the number of its firing."""

_UNSENT = f"{OPEN} AND state = 'intent'"
"""With the first part in the words of its index: without, each look would go through all that ever was."""
_SENT_SINCE = "SELECT * FROM intent WHERE sent_s >= ? AND mode = ? AND account = ?"
_READ_AT_ONCE = 20


class Intents:
    """Reads and changes intents of one mode and account. Changes belong inside a transaction of the journal."""

    def __init__(self, database: Database, mode: str, account: str) -> None:
        self._database = database
        self._scope = (mode, account)
        self._aside_name = f"fills set aside of {mode} {account}"
        self._profits: dict[str, RuleProfit] = {}
        self.unwanted: dict[str, set[int]] = {}
        """By rule: those of its firings of which nothing is sent any more, although that is not recorded yet."""
        self._working_set = WorkingSet(database, self.read_open, self.read_sent_since)

    def insert(self, firing_id: int, intent: Intent) -> None:
        """Adds a new intent, unsent or SENDING; a key or leg that exists already is an error of ours."""
        draft = intent.draft
        self._database.execute(
            "INSERT INTO intent (key, firing_id, rule, seq, leg, mode, account, instrument, side, quantity, draft_json,"
            " held, created_s, expires_s, state, reason, order_id, gateway_mark, sent_s, updated_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(intent.key, firing_id, intent.rule, intent.seq, intent.leg, *self._scope, draft.instrument.name),
            *(draft.side, str(draft.quantity), to_text(draft), int(intent.held), intent.created_s, intent.expires_s),
            *(intent.state, intent.reason, intent.order_id, intent.gateway_mark, intent.sent_s, intent.created_s),
        )
        self._working_set.added(intent)

    def update(self, intent: Intent, now_s: float) -> None:
        """Writes what may change of an intent over its life."""
        self._profits.pop(intent.rule, None)
        average = None if intent.average_price is None else str(intent.average_price)
        self._database.execute(
            "UPDATE intent SET state = ?, reason = ?, cancel_wanted = ?, order_id = ?, perm_id = ?, gateway_mark = ?,"
            " sent_s = ?, quantity = ?, filled = ?, average_price = ?, updated_s = ? WHERE key = ?",
            *(intent.state, intent.reason, int(intent.cancel_wanted), intent.order_id, intent.perm_id),
            *(intent.gateway_mark, intent.sent_s, str(intent.quantity), str(intent.filled), average, now_s, intent.key),
        )
        self._working_set.wrote(intent)

    def redraft(self, intent: Intent, now_s: float) -> None:
        """Writes another draft of an intent that is still to be sent."""
        assert intent.state is IntentState.INTENT
        self._database.execute(
            "UPDATE intent SET quantity = ?, draft_json = ?, updated_s = ? WHERE key = ?",
            *(str(intent.draft.quantity), to_text(intent.draft), now_s, intent.key),
        )
        self._working_set.wrote(intent)

    def shift_expiry(self, by_s: float) -> None:
        """The clock was set by so many seconds: what is still to be sent has as much time left as before."""
        self._database.execute(
            f"UPDATE intent SET expires_s = expires_s + ? WHERE {_UNSENT} AND mode = ? AND account = ?",
            *(by_s, *self._scope),
        )
        self._working_set.forget()

    def get(self, key: str) -> Intent | None:
        """The intent with this key, of any mode."""
        if (found := self._working_set.get(key)) is not None:
            return found
        row = self._database.row("SELECT * FROM intent WHERE key = ?", key)
        return intent_of(row) if row else None

    def with_perm_id(self, perm_id: int) -> Intent | None:
        """The intent that IB knows under this number."""
        row = self._database.row("SELECT * FROM intent WHERE perm_id = ? AND perm_id > 0", perm_id)
        return intent_of(row) if row else None

    def with_order_id(self, order_id: int) -> Intent | None:
        """The intent that went out under this number. The high-water mark keeps numbers from being given twice."""
        row = self._database.row("SELECT * FROM intent WHERE order_id = ? ORDER BY sent_s DESC LIMIT 1", order_id)
        return intent_of(row) if row else None

    def find(self, order_ref: str, perm_id: int) -> Intent | None:
        """The intent that IB names by reference or, where it leaves that out, by its permanent number."""
        return self.get(order_ref) or self.with_perm_id(perm_id)

    def is_unchanged_since(self, key: str, moment_s: float) -> bool:
        """Whether the intent was last written before that moment."""
        return self._database.row("SELECT 1 FROM intent WHERE key = ? AND updated_s < ?", key, moment_s) is not None

    def beside_filled(self, until_s: float) -> Sequence[Intent]:
        """Everything not over of firings of which a leg has filled, and was last written until that moment."""
        filled = "SELECT 1 FROM intent AS leg WHERE leg.rule = intent.rule AND leg.seq = intent.seq"
        filled += " AND leg.state = 'filled' AND leg.updated_s <= ?"
        rows = self._database.rows(
            f"SELECT * FROM intent WHERE {OPEN} AND mode = ? AND account = ? AND EXISTS ({filled})",
            *(*self._scope, until_s),
        )
        return intents_of(rows)

    def unit(self, rule: str, seq: int) -> Sequence[Intent]:
        """Every leg of one firing, in order."""
        return intents_of(
            self._database.rows("SELECT * FROM intent WHERE rule = ? AND seq = ? ORDER BY leg", rule, seq)
        )

    def open(self) -> Sequence[Intent]:
        """Everything not over, oldest firing first."""
        return self._working_set.open()

    def open_of(self, rule: str) -> Sequence[Intent]:
        """The same of one rule."""
        return self._working_set.open_of(rule)

    def read_open(self) -> Sequence[Intent]:
        """The same as `open`, from the disk."""
        return intents_of(
            self._database.rows(
                f"SELECT * FROM intent WHERE {OPEN} AND mode = ? AND account = ? ORDER BY firing_id, leg", *self._scope
            )
        )

    def is_unwanted(self, leg: Intent) -> bool:
        """Whether it is to be cancelled, on disk or as of just now."""
        return leg.cancel_wanted or leg.seq in self.unwanted.get(leg.rule, ())

    def digests(self) -> Mapping[UnitName, str]:
        """Of every unit that is not over: the digest of its rule as it was when the unit was recorded."""
        rows = self._database.rows(
            "SELECT DISTINCT firing.rule, firing.seq, firing.digest FROM intent JOIN firing ON firing.id = firing_id"
            f" WHERE {OPEN} AND intent.mode = ? AND intent.account = ?",
            *self._scope,
        )
        return {(row["rule"], row["seq"]): row["digest"] for row in rows}

    def at_broker(self) -> Sequence[Intent]:
        """Everything that may be at IB, oldest firing first."""
        return [one for one in self._working_set.open() if one.state is not IntentState.INTENT]

    def waiting(self, count_max: int = -1) -> Sequence[UnitName]:
        """The units still to be sent, oldest firing first; -1: all of them."""
        rows = self._database.rows(
            f"SELECT rule, seq FROM intent WHERE {_UNSENT} AND mode = ? AND account = ?"
            " GROUP BY firing_id ORDER BY firing_id LIMIT ?",
            *(*self._scope, count_max),
        )
        return [(row["rule"], row["seq"]) for row in rows]

    def unsent(self) -> Sequence[Intent]:
        """Everything still to be sent, oldest firing first, from memory."""
        return [one for one in self._working_set.open() if one.state is IntentState.INTENT]

    def next_unit(self) -> Sequence[Intent]:
        """The legs of the oldest firing that is still to be sent; empty when there is none."""
        names = self.waiting(1)
        return self.unit(*names[0]) if names else ()

    def sent_since(self, since_s: float) -> Sequence[Intent]:
        """Everything sent in [since_s, now], whatever became of it, in any order."""
        return self._working_set.sent_since(since_s)

    def read_sent_since(self, since_s: float) -> Sequence[Intent]:
        """The same from the disk."""
        return intents_of(self._database.rows(_SENT_SINCE, since_s, *self._scope))

    def reading_sent(self, since_s: float) -> Slices[None]:
        """Takes in, in slices, what was sent since then, which whoever asks first would else do in one go. Nothing else
        may write intents meanwhile."""
        rows, found = self._database.execute(_SENT_SINCE, since_s, *self._scope), list[Intent]()
        while some := rows.fetchmany(_READ_AT_ONCE):
            found += intents_of(some)
            yield
        self._working_set.remember_sent(found, since_s)

    def times_sent(self, since_s: float, rule: str = "") -> Sequence[float]:
        """When each order was sent in [since_s, now], of one rule or of all, sorted."""
        return self._working_set.times_sent(since_s, rule)

    def profit_of(self, rule: str) -> RuleProfit:
        """What the rule's own fills came to. Fills of one order count as one, at its average price and newest time."""
        if rule not in self._profits:
            self._profits[rule] = profit = RuleProfit()
            aside = self._set_aside().get(rule, {})
            for row in self._database.rows(
                "SELECT instrument, side, filled, average_price, coalesce((SELECT max(at_s) FROM execution"
                " WHERE execution.key = intent.key), updated_s) AS at_s FROM intent"
                " WHERE rule = ? AND filled != '0' AND mode = ? AND account = ? ORDER BY at_s, firing_id, leg",
                *(rule, *self._scope),
            ):
                price = None if row["average_price"] is None else Decimal(row["average_price"])
                if row["at_s"] > aside.get(row["instrument"], float("inf")):
                    profit.set_aside(row["instrument"])
                    del aside[row["instrument"]]
                profit.fill(row["at_s"], row["instrument"], Side(row["side"]), Decimal(row["filled"]), price)
            for instrument in aside:
                profit.set_aside(instrument)
        return self._profits[rule]

    def set_aside(self, rule: str, instrument: str, now_s: float) -> None:
        """What the rule's fills in this instrument came to until now counts no more."""
        aside = self._set_aside()
        aside.setdefault(rule, {})[instrument] = now_s
        self._database.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", self._aside_name, json.dumps(aside))
        self._profits.pop(rule, None)

    def _set_aside(self) -> dict[str, dict[str, float]]:
        """By rule and instrument: when its user last wished that."""
        row = self._database.row("SELECT v FROM kv WHERE k = ?", self._aside_name)
        found: dict[str, dict[str, float]] = json.loads(row["v"]) if row else {}
        return found

    def newest_firing_id(self) -> int:
        """The number, in the journal, of the newest firing that has intents."""
        row = self._database.row("SELECT max(firing_id) AS newest FROM intent")
        return row["newest"] or 0 if row else 0

    def keys_until(self, firing_id: int) -> AbstractSet[str]:
        """Of everything not over: what firings up to that number have."""
        rows = self._database.rows(f"SELECT key FROM intent WHERE {OPEN} AND firing_id <= ?", firing_id)
        return {row["key"] for row in rows}

    def want_cancelled(self, keys: Sequence[str]) -> Sequence[Intent]:
        """Marks these, which are open, to be cancelled; returns those newly marked."""
        rows = self._database.rows(
            f"UPDATE intent SET cancel_wanted = 1 WHERE key IN ({', '.join('?' * len(keys))}) AND cancel_wanted = 0"
            " RETURNING *",
            *keys,
        )
        return self._wrote(rows)

    def _wrote(self, rows: Iterable[Row]) -> Sequence[Intent]:
        written = intents_of(rows)
        for one in written:
            self._working_set.wrote(one)
        return written


def intents_of(rows: Iterable[Row]) -> Sequence[Intent]:
    """The intents that these rows hold."""
    return [intent_of(row) for row in rows]


@lru_cache(maxsize=32_768)
def intent_of(row: Row) -> Intent:
    """The intent that this row holds. The same rows are read again at every check of a limit."""
    draft, quantity = _draft(row["draft_json"]), Decimal(row["quantity"])
    return Intent(
        key=row["key"],
        rule=row["rule"],
        seq=row["seq"],
        leg=row["leg"],
        draft=draft,
        created_s=row["created_s"],
        state=IntentState(row["state"]),
        order_id=row["order_id"],
        perm_id=row["perm_id"],
        filled=Decimal(row["filled"]),
        average_price=None if row["average_price"] is None else Decimal(row["average_price"]),
        reason=row["reason"],
        held=bool(row["held"]),
        expires_s=row["expires_s"],
        sent_s=row["sent_s"],
        gateway_mark=row["gateway_mark"],
        cancel_wanted=bool(row["cancel_wanted"]),
        enlarged_to=quantity if quantity > draft.quantity else None,
    )


@lru_cache(maxsize=32_768)
def _draft(text: str) -> OrderDraft:
    """A draft never changes, and the same rows are read again at every report."""
    return from_text(OrderDraft, text)
