"""The firings in the journal: what a rule came to each time, whether IB triggered it, and how its orders ended."""

import json
from collections.abc import Sequence

from rules_engine.execution.changes import UnitEnd
from rules_engine.execution.database import Database, Row
from rules_engine.execution.decision import Decision
from rules_engine.execution.intents import Intents
from rules_engine.execution.order_states import unit_state
from rules_engine.execution.plain import to_text
from rules_engine.model.clock import Clock
from rules_engine.model.firing import HeldBack, Reason


class Firings:
    """Reads and changes firings. New ones, and ends that are told, are of one mode and account: that of ``intents``."""

    def __init__(self, database: Database, clock: Clock, intents: Intents, mode: str, account: str) -> None:
        self._database = database
        self._clock = clock
        self._intents = intents
        self._scope = (mode, account)
        self._newest: dict[str, int] = {}
        """The number of the newest firing of each rule that fired or was asked about, since transactions were last
        undone."""
        self._undone = database.undone

    def next_seq(self, rule: str) -> int:
        """The number of the rule's next firing."""
        if self._undone != self._database.undone:
            self._undone = self._database.undone
            self._newest.clear()
        if rule not in self._newest:
            row = self._database.row("SELECT max(seq) AS newest FROM firing WHERE rule = ?", rule)
            self._newest[rule] = row["newest"] or 0 if row else 0
        return self._newest[rule] + 1

    def insert(self, decision: Decision, seq: int, kind: str) -> int:
        """Adds a new firing, `fired`, `held back` or `armed`; returns its id. Belongs inside a transaction."""
        firing, outcome = decision.firing, decision.outcome
        why = (outcome.reason, outcome.detail) if isinstance(outcome, HeldBack) else ("", "")
        written = self._database.execute(
            "INSERT INTO firing (rule, seq, mode, account, kind, case_index, at_s, digest, reason, detail,"
            " values_json, actions_json, channels_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(firing.rule, seq, *self._scope, kind, firing.case, firing.at_s, decision.digest, *why),
            *(to_text(dict(firing.values)), to_text(firing.actions), to_text(decision.channels)),
        )
        assert written.lastrowid is not None
        self._newest[firing.rule] = seq
        return written.lastrowid

    def channels(self, rule: str, seq: int) -> Sequence[str]:
        """Who is told what becomes of this firing."""
        row = self._database.row("SELECT channels_json FROM firing WHERE rule = ? AND seq = ?", rule, seq)
        return json.loads(row["channels_json"]) if row else []

    def trigger(self, rule: str, seq: int) -> bool:
        """IB triggered a held unit; False when that was known."""
        with self._database.transaction():
            return bool(
                self._database.execute(
                    "UPDATE firing SET triggered_s = ? WHERE rule = ? AND seq = ? AND kind = 'armed'"
                    " AND triggered_s IS NULL",
                    *(self._clock.now_s(), rule, seq),
                ).rowcount
            )

    def refuse(self, rule: str, seq: int, reason: Reason, detail: str) -> None:
        """Says with a firing what stopped its orders at the moment of sending."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE firing SET reason = ?, detail = ? WHERE rule = ? AND seq = ?", reason, detail, rule, seq
            )

    def end(self, rule: str, seq: int, used: bool) -> Sequence[UnitEnd]:
        """The firing's entries are all over. A late fill may turn ``used`` true.

        Returns what the rules of this mode and account have to hear: nothing when it was known already.
        """
        with self._database.transaction():
            rows = self._database.rows(
                "UPDATE firing SET ended_s = ?, used = ?, settled = 0"
                " WHERE rule = ? AND seq = ? AND (ended_s IS NULL OR used < ?) RETURNING *",
                *(self._clock.now_s(), int(used), rule, seq, int(used)),
            )
        return [self._end(row) for row in rows if (row["mode"], row["account"]) == self._scope]

    def settle(self, rule: str, seq: int) -> None:
        """The rule's memory has taken the end in. Belongs inside the transaction that writes that memory."""
        self._database.execute("UPDATE firing SET settled = 1 WHERE rule = ? AND seq = ?", rule, seq)

    def unsettled(self) -> Sequence[UnitEnd]:
        """Firings that ended, and whose rules have not taken it in, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM firing WHERE ended_s IS NOT NULL AND settled = 0 AND mode = ? AND account = ? ORDER BY id",
            *self._scope,
        )
        return [self._end(row) for row in rows]

    def _end(self, row: Row) -> UnitEnd:
        entries = [leg for leg in self._intents.unit(row["rule"], row["seq"]) if not leg.is_child]
        state = unit_state(entries)
        return UnitEnd(
            rule=row["rule"],
            seq=row["seq"],
            case=row["case_index"],
            held=row["kind"] == "armed",
            state=state,
            used=bool(row["used"]),
            wanted=any(leg.cancel_wanted for leg in entries),
            digest=row["digest"],
            reason=next((leg.reason for leg in entries if leg.state is state), ""),
        )
