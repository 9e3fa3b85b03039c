"""Everything that must outlive the process: firings, intents, fills, messages and each rule's memory."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from rules_engine.execution.chain import Chain
from rules_engine.execution.changes import UnitEnd
from rules_engine.execution.database import Database, JournalFailed, ReadOnlyDatabase
from rules_engine.execution.decision import Decision, Recorded
from rules_engine.execution.firings import Firings
from rules_engine.execution.holdings import Holdings
from rules_engine.execution.intents import Intents
from rules_engine.execution.keys import Naming, firing_of
from rules_engine.execution.ledger import Ledger
from rules_engine.execution.mass_cancels import MassCancels
from rules_engine.execution.order_states import FIRST_REVISION, Fill, exec_parts, supersedes
from rules_engine.execution.outbox import Outbox
from rules_engine.execution.plain import from_text, to_text
from rules_engine.execution.same_account import take_over
from rules_engine.execution.unarrived import SENT_AGAIN
from rules_engine.execution.values import Values
from rules_engine.execution.wishes import Wishes
from rules_engine.model.action import CancelOrders
from rules_engine.model.clock import Clock
from rules_engine.model.firing import HeldBack
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.life import Known, Life
from rules_engine.model.notice import Notice
from rules_engine.model.order import OrderDraft
from rules_engine.model.reports import ExecutionReport, Traded
from rules_engine.model.settings import Mode
from rules_engine.model.slices import Slices, at_once

_LIVES_A_SLICE = 10
CANCEL_SENT = "cancel sent"
"""The kind of the event of a cancellation that leaves."""
_HIGH_WATER, _OUTAGE, _KNOWN, _TRADED = "order_id_high_water", "outage", "memories known", "traded"
_LOOK_BACK_MAX = 5000
"""Events that are looked through for those of the last minute."""
Joined = Callable[[Sequence[Intent]], Sequence[Intent]]
"""A new unit, as it is to be recorded."""


def _stays(unit: Sequence[Intent]) -> Sequence[Intent]:
    return unit


class Journal:
    """The one writer of the journal file. Synchronous: when a method returns, it is on disk.

    Firings, intents and rule memories belong to one ``mode`` and ``account``; what happened in dry never counts in
    paper. Raises JournalLocked while another engine is open on the file, JournalFailed when the disk fails.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        mode: Mode = Mode.DRY,
        account: str = "",
        token: Callable[[int], str] = secrets.token_hex,
        database: Callable[[Path], Database] = Database,
    ) -> None:
        self._clock = clock
        self._database = database(path)
        self._chain = Chain(self._database)
        self.outbox = Outbox(self._database)
        self.ledger = Ledger(self._database)
        self._values = Values(self._database)
        self.naming = Naming(self._engine_name(token), token(2)[:3])
        self.undecided: set[str] = set()
        """Rules with a firing that is not recorded yet: their memories stay what they were before it."""
        self.remembered: set[str] = set()
        """Rules of which a memory was written since whoever compares them with what he saved looked last."""
        self.enter(mode, account)

    def enter(self, mode: Mode, account: str) -> None:
        """From now on firings and memories are those of this mode and account."""
        take_over(self._database, mode, account)
        self._values = Values(self._database)
        self.mode, self.account = mode, account
        self.intents = Intents(self._database, mode, account)
        self.firings = Firings(self._database, self._clock, self.intents, mode, account)
        self.holdings = Holdings(self._database, mode, account)
        self.wishes = Wishes(self._database, self._values, self.own(""))
        self.mass_cancels = MassCancels(
            self._database, self._values, self.intents, self.wishes, self.own(""), self.event
        )

    def close(self) -> None:
        """Releases the file."""
        self._database.close()

    def make_room(self) -> None:
        """For an engine that is about to run: its commits take less long then."""
        self._database.make_room()

    def move_commits(self) -> None:
        """For a moment in which nothing waits: no order's commit has to do it then."""
        self._database.move_commits()

    def transaction(self) -> AbstractContextManager[None]:
        """Several changes as one commit."""
        return self._database.transaction()

    @property
    def in_transaction(self) -> bool:
        """True while changes wait for their commit."""
        return self._database.in_transaction

    def record(
        self, decisions: Sequence[Decision], lives: Mapping[str, Life], joined: Joined = _stays
    ) -> Sequence[Recorded]:
        """Commits firings, intents, cancellations, messages and the rules' new memories as one transaction.

        ``joined`` is asked of the unit of a single decision, once what that cancels is marked: as `numbered` gives it
        where it is to leave with this very commit, else as it is."""
        assert joined is _stays or len(decisions) == 1, "one unit at a time"
        with self.transaction():
            recorded = [self._record(decision, joined) for decision in decisions]
            self.save_lives(lives)
        return recorded

    def want_cancelled(self, *cancels: CancelOrders, closing: str = "") -> Sequence[Intent]:
        """Marks our open intents of a rule, or in an instrument, to be cancelled; returns those newly marked, the first
        of very many. ``closing``: the firing that only makes room by that to close a position."""
        with self.transaction():
            return self.mass_cancels.want(cancels, closing)

    def want_all_cancelled(self, count_max: int | None = None) -> Sequence[Intent]:
        """Marks every intent of ours that may be at IB, or the oldest, to be cancelled; returns those newly marked."""
        waiting = self.wishes.waiting
        wanted = [one for one in self.intents.at_broker() if not one.cancel_wanted or one.key in waiting]
        return self._mark(wanted[:count_max])

    def want_unsent_cancelled(
        self, legs: Iterable[Intent] | None = None, count_max: int | None = None
    ) -> Sequence[Intent]:
        """The same with what is still to be sent, of these legs or all of it: it never leaves."""
        chosen = self.intents.open() if legs is None else map(self.intents.get, [leg.key for leg in legs])
        unsent = [one for one in chosen if one and one.state is IntentState.INTENT and not one.cancel_wanted]
        return self._mark(unsent[:count_max])

    def _mark(self, intents: Sequence[Intent]) -> Sequence[Intent]:
        with self.transaction():
            for intent in intents:
                self.want_leg_cancelled(intent)
        return intents

    def want_leg_cancelled(self, intent: Intent) -> None:
        """Marks one open intent to be cancelled, whatever else wants it."""
        with self.transaction():
            self.wishes.settle([intent.key])
            if not intent.cancel_wanted:
                self.change(replace(intent, cancel_wanted=True), "cancel wanted")

    def keep(self, intent: Intent) -> None:
        """The same intent is to be cancelled no more."""
        self.change(replace(intent, cancel_wanted=False), "cancel taken back")

    def save_lives(self, lives: Mapping[str, Life]) -> None:
        """Replaces the memories of these rules, by the rule's name; not of those undecided."""
        with self.transaction():
            for rule, life in lives.items():
                if rule in self.undecided:
                    continue
                self._database.execute(
                    "INSERT INTO rule_state VALUES (?, ?, ?, ?, ?) ON CONFLICT (mode, account, rule)"
                    " DO UPDATE SET life_json = excluded.life_json, updated_s = excluded.updated_s",
                    *(self.mode, self.account, rule, to_text(life), self._clock.now_s()),
                )
                self.remembered.add(rule)

    def lives(self) -> Mapping[str, Life]:
        """Each rule's memory in this mode and account."""
        return at_once(self.reading_lives())

    @property
    def known(self) -> Known:
        """Until when the memories on disk are those of the rules in force."""
        at_s, but_for = json.loads(self.get(self.own(_KNOWN)) or "[0.0, []]")
        return Known(at_s, frozenset(but_for))

    def put_known(self, known: Known) -> None:
        """One time for all rules that did not change."""
        self.put(self.own(_KNOWN), json.dumps([known.at_s, sorted(known.but_for)]))

    def reading_lives(self) -> Slices[Mapping[str, Life]]:
        """The same in slices."""
        rows = self._database.rows(
            "SELECT rule, life_json FROM rule_state WHERE mode = ? AND account = ?", self.mode, self.account
        )
        found: dict[str, Life] = {}
        for row in rows:
            found[row["rule"]] = from_text(Life, row["life_json"])
            if len(found) % _LIVES_A_SLICE == 0:
                yield
        return found

    def tell(self, notice: Notice) -> bool:
        """Queues a message; False when this event was told before."""
        return self.outbox.add(notice)

    def event(self, key: str, kind: str, data: object) -> None:
        """Appends to the record of what happened."""
        with self.transaction():
            self._chain.append(key, self._clock.now_s(), kind, to_text(data))

    def cancels_since(self, since_s: float) -> Sequence[tuple[float, str]]:
        """When each cancellation was sent since then, and of which rule, oldest first."""
        rows = self._database.rows(
            "SELECT at_s, rule FROM event JOIN intent USING (key)"
            " WHERE event.seq > (SELECT max(seq) FROM event) - ? AND kind = ? AND at_s >= ? ORDER BY event.seq",
            *(_LOOK_BACK_MAX, CANCEL_SENT, since_s),
        )
        return [(row["at_s"], row["rule"]) for row in rows]

    def change(self, intent: Intent, kind: str, data: object = None) -> None:
        """Writes an intent's new state and why, as one."""
        with self.transaction():
            self.intents.update(intent, self._clock.now_s())
            self.event(intent.key, kind, data)

    def refit(self, legs: Sequence[Intent], drafts: Sequence[OrderDraft]) -> Sequence[Intent]:
        """What is still to be sent, as ``drafts`` have it by now. Returns the legs so."""
        fitted = [replace(leg, draft=draft) for leg, draft in zip(legs, drafts, strict=True)]
        changed = [(before, leg) for before, leg in zip(legs, fitted, strict=True) if leg != before]
        if changed:
            with self.transaction():
                for before, leg in changed:
                    self.intents.redraft(leg, self._clock.now_s())
                    self.event(leg.key, "fitted", {"quantity": leg.draft.quantity, "before": before.draft.quantity})
        return fitted

    def numbered(self, legs: Sequence[Intent], order_ids: Sequence[int], mark: str) -> Sequence[Intent]:
        """SENDING, with the numbers that will be on the wire. Belongs inside the transaction that writes the legs so;
        no byte leaves before that is committed."""
        assert all(leg.state is IntentState.INTENT for leg in legs)
        now_s = self._clock.now_s()
        self.put(_HIGH_WATER, str(max(*order_ids, self.order_id_high_water)))
        self.wishes.fulfil(firing_of(legs[0].key))
        return [
            replace(leg, state=IntentState.SENDING, order_id=order_id, gateway_mark=mark, sent_s=now_s)
            for leg, order_id in zip(legs, order_ids, strict=True)
        ]

    def send_committed(self, legs: Sequence[Intent], order_ids: Sequence[int], mark: str) -> Sequence[Intent]:
        """The same of legs that are on disk already, and on disk so when it returns."""
        with self.transaction():
            sending = self.numbered(legs, order_ids, mark)
            for leg in sending:
                self.intents.update(leg, self._clock.now_s())
                self._tell_sending(leg)
        return sending

    def _tell_sending(self, leg: Intent) -> None:
        self.event(leg.key, "sending", {"order_id": leg.order_id, "mark": leg.gateway_mark})

    def traded_at_sending(self, name: str) -> Traded | None:
        """What IB said of an instrument, but for its hours, when an order in it last left."""
        text = self.get(f"{_TRADED} {name}")
        return None if text is None else from_text(Traded, text)

    def put_traded(self, name: str, traded: Traded) -> None:
        """An order in this instrument leaves."""
        text = _traded_text(traded)
        if text != self.get(f"{_TRADED} {name}"):
            self.put(f"{_TRADED} {name}", text)

    def send_again_committed(self, legs: Sequence[Intent], mark: str) -> Sequence[Intent]:
        """SENDING once more, with the numbers of the first time: on disk before any byte leaves."""
        sending = [replace(leg, reason=SENT_AGAIN) for leg in legs]
        with self.transaction():
            for leg in sending:
                self.change(leg, "sending again", {"order_id": leg.order_id, "mark": mark})
        return sending

    def outage(self) -> None:
        """IB's own link is lost: what the gateway took in before may be lost with it."""
        self.put(_OUTAGE, repr(self._clock.now_s()))

    @property
    def outage_s(self) -> float:
        """When IB's own link was last seen lost."""
        return float(self.get(_OUTAGE) or "-inf")

    @property
    def order_id_high_water(self) -> int:
        """The highest order id ever used: ids below it may be IB's memory of something else."""
        return int(self.get(_HIGH_WATER) or 0)

    def own(self, name: str) -> str:
        """The name of a value that each mode and account has for itself."""
        return f"{name} {self.mode} {self.account}"

    def get(self, name: str) -> str | None:
        """A named value, None when it was never put."""
        return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        """Remembers a named value."""
        with self.transaction():
            self._values.put(name, value)

    def forget(self, name: str) -> None:
        """Remembers it no more."""
        with self.transaction():
            self._values.forget(name)

    def own_among(self, name: str) -> Mapping[str, str]:
        """What this mode and account have under ``name`` and one word more, by that word."""
        return self._values.between(f"{name} ", self.own(""))

    def fill(self, key: str, report: ExecutionReport) -> bool:
        """Stores a fill, or its correction; False when it was known. Returns with the revision that counts stored."""
        base, revision = exec_parts(report.exec_id)
        with self.transaction():
            row = self._database.row("SELECT revision FROM execution WHERE exec_base = ?", base)
            if row and not supersedes(revision, row["revision"]):
                return False
            self._database.execute(
                "INSERT OR REPLACE INTO execution VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(base, revision, key, report.perm_id, str(report.quantity), str(report.price), report.time_s),
            )
        return True

    @property
    def filled_s(self) -> float | None:
        """IB's time of the fill that was stored last; None where none ever was."""
        row = self._database.row("SELECT at_s FROM execution ORDER BY rowid DESC LIMIT 1")
        return row["at_s"] if row else None

    def fills(self, key: str) -> Sequence[Fill]:
        """All fills of an intent, as last corrected."""
        rows = self._database.rows("SELECT quantity, price FROM execution WHERE key = ?", key)
        return [Fill(Decimal(row["quantity"]), Decimal(row["price"])) for row in rows]

    def is_corrected(self, key: str) -> bool:
        """Whether a fill of an intent was told otherwise before."""
        rows = self._database.rows("SELECT revision FROM execution WHERE key = ?", key)
        return any(supersedes(row["revision"], FIRST_REVISION) for row in rows)

    def settle(self, end: UnitEnd, lives: Mapping[str, Life]) -> None:
        """The rule's memory has taken the end in: both are one commit, so that a crash repeats neither."""
        with self.transaction():
            self.save_lives(lives)
            self.firings.settle(end.rule, end.seq)

    def _record(self, decision: Decision, joined: Joined) -> Recorded:
        firing, seq = decision.firing, self.firings.next_seq(decision.firing.rule)
        firing_key = self.naming.firing_key(firing.rule, seq)
        held_back = decision.outcome if isinstance(decision.outcome, HeldBack) else None
        assert not (held_back and decision.unit), "a firing that was held back sends nothing"
        kind = "held back" if held_back else "armed" if decision.held else "fired"
        firing_id = self.firings.insert(decision, seq, kind)
        closing = firing_key if any(leg.closes for leg in decision.unit) else ""
        if decision.cancels:
            self.want_cancelled(*decision.cancels, closing=closing)
        made = [self._intent(decision, seq, leg) for leg in range(len(decision.unit))]
        unit = joined(made) if made else made
        for leg in unit:
            self.intents.insert(firing_id, leg)
        for notice in decision.notices:
            self.tell(replace(notice, dedup=f"{firing_key}.{notice.dedup}", key=firing_key))
        self.event(firing_key, kind, {"reason": held_back.reason if held_back else "", "legs": len(unit)})
        for leg in unit:
            if leg.state is IntentState.SENDING:
                self._tell_sending(leg)
        return Recorded(decision, seq, firing_key, unit)

    def _intent(self, decision: Decision, seq: int, leg: int) -> Intent:
        dry = self.mode is Mode.DRY
        return Intent(
            key=self.naming.key(decision.firing.rule, seq, leg),
            rule=decision.firing.rule,
            seq=seq,
            leg=leg,
            draft=decision.unit[leg],
            created_s=self._clock.now_s(),
            state=IntentState.DRY if dry else IntentState.INTENT,
            held=decision.held,
            expires_s=decision.expires_s,
        )

    def _engine_name(self, token: Callable[[int], str]) -> str:
        with self.transaction():
            name = self.get("engine") or token(2)
            self.put("engine", name)
        return name


@lru_cache(maxsize=256)
def _traded_text(traded: Traded) -> str:
    """Without the hours. The same is asked about at every order."""
    return to_text(replace(traded, sessions=()))


def engine_name(path: Path) -> str:
    """What the keys of the journal at this path begin with, also on a disk that takes nothing. Raises JournalFailed."""
    failed: JournalFailed | None = None
    for immutable in (False, True):
        try:
            with closing(ReadOnlyDatabase(path, immutable=immutable)) as database:
                if (row := database.row("SELECT v FROM kv WHERE k = 'engine'")) is not None:
                    return str(row["v"])
        except JournalFailed as error:
            failed = error
    raise failed or JournalFailed(f"the journal {path} has no name")
