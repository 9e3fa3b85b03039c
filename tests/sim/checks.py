"""What must hold at every moment and at the end, whatever went wrong in between."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rules_engine.execution.ledger import open_ledger
from rules_engine.gateway import Gateway, Order
from tests.sim.node import Node
from tests.sim.wire import OUR_PREFIX, Sent

# State -> what may follow it. Written from the protocol, not from the product's table.
_AT_IB = {"acked", "working", "partial", "filled", "cancelled", "rejected"}
FOLLOWS = {
    "intent": {"sending", "blocked", "cancelled", "expired"},
    "sending": _AT_IB | {"unknown"},
    "acked": _AT_IB | {"unknown"},
    "working": {"partial", "filled", "cancelled", "rejected", "unknown"},
    "partial": {"filled", "cancelled", "unknown"},
    "unknown": _AT_IB | {"adopted", "abandoned"},
    "adopted": _AT_IB | {"abandoned"},
    "abandoned": _AT_IB,
    "cancelled": {"filled"},
    "rejected": {"filled"},
    "expired": {"filled"},
    "filled": {"partial"},  # Somebody had made it larger in TWS, and it works on.
    "blocked": set(),
    "dry": set(),
}
NEVER_SENT = {"intent", "dry", "blocked", "expired"}
OVER = {"filled", "cancelled", "rejected", "expired"}
LIVE_STATES = {"acked", "working", "partial"}
RETRY_MAX_S = 301.0
"""Longer than any pause between two tries to deliver a message."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and when: seconds from the start."""

    at_s: float
    promise: str
    detail: str

    def __str__(self) -> str:
        return f"{self.at_s:12.6f}  {self.promise}: {self.detail}"


class Checks:
    """Reads the journal beside the engine, and the gateway's own books."""

    def __init__(self, journal: Path, gateway: Gateway, time_s: Callable[[], float], clock_s: Callable[[], float]):
        self.violations: list[Violation] = []
        self.on_violation: Callable[[], None] = lambda: None
        self._journal = journal
        self._gateway = gateway
        self._time_s = time_s
        self._clock_s = clock_s
        self._states: dict[str, tuple[str, Decimal]] = {}
        self._seqs: Counter[str] = Counter()
        self._firing_id = 0
        self._our_ids: set[int] = set()
        self._letters: set[int] = set()
        self._letters_over: set[int] = set()
        self._reader: sqlite3.Connection | None = None
        self.set_back_s = 0.0
        """By how much somebody has set the engine's clock back: what waits for a time of day waits so much longer."""
        self.doubled: set[str] = set()
        """Keys of which the gateway has made a second order by itself."""

    def broken(self, promise: str, detail: str) -> None:
        self.violations.append(Violation(self._time_s(), promise, detail))
        self.on_violation()

    # At every step.

    def order_sent(self, sent: Sent) -> None:
        """An order is being written to the socket."""
        self._our_ids.add(sent.order_id)
        if not sent.key:
            self.broken("every order carries its key", f"order {sent.order_id}")
        if sent.objection:
            self.broken("nothing is sent on a link that is not up and reconciled", f"{sent.key}: {sent.objection}")
        row = self.row("SELECT state, order_id FROM intent WHERE key = ?", sent.key)
        said = row and tuple(row)
        if said != ("sending", sent.order_id):
            self.broken("SENDING is on disk before a byte leaves", f"{sent.key}: the journal says {said}")

    def cancel_sent(self, order_id: int) -> None:
        """A cancellation is being written to the socket."""
        if self.row("SELECT 1 FROM intent WHERE order_id = ?", order_id) is None:
            self.broken("orders of others are never touched", f"cancel of {order_id}")

    def committed(self, node: Node, tables: frozenset[str]) -> None:
        """A transaction of the engine is on disk."""
        if "intent" in tables:
            self._intents_moved()
        if "firing" in tables:
            self._firings_counted()
        if "outbox" in tables:
            self._letters_moved()

    def _letters_moved(self) -> None:
        """Each message waits for its next try, is on its way, is sent, or was given up with a reason."""
        now_s, waiting = self._clock_s(), set[int]()
        for number, state, next_s in self.rows(
            "SELECT id, state, next_s FROM outbox WHERE state IN ('waiting', 'sending')"
        ):
            waiting.add(number)
            if state == "waiting" and next_s > now_s + RETRY_MAX_S + self.set_back_s:
                self.broken("a message that waits is tried again", f"{number} in {next_s - now_s:.0f} s")
        if again := waiting & self._letters_over:
            self.broken("what was sent or given up is not sent again", f"{sorted(again)}")
        for number in self._letters - waiting:
            row = self.row("SELECT state, error FROM outbox WHERE id = ?", number)
            if row is None:
                self.broken("no message disappears", f"{number}")
            elif row["state"] == "dead" and not row["error"]:
                self.broken("what was given up says why", f"{number}")
        self._letters_over |= self._letters - waiting
        self._letters = waiting

    def _intents_moved(self) -> None:
        changed = "SELECT key, state, filled, quantity, created_s = sent_s FROM intent WHERE updated_s > ?"
        for key, state, filled_text, quantity, is_joined in self.rows(changed, self._clock_s() - 0.01):
            filled = Decimal(filled_text)
            before = self._states.get(key)
            if before is None:
                # An order that leaves with the commit of its firing is SENDING in that very commit.
                if state not in ("intent", "dry") and not (state == "sending" and is_joined):
                    self.broken("an intent begins as INTENT", f"{key} began as {state}")
            else:
                if state != before[0] and state not in FOLLOWS[before[0]]:
                    self.broken("states follow the table", f"{key}: {before[0]} -> {state}")
                if state != before[0] and state in OVER:
                    self._over_at_ib(key, state)
                if (
                    state == before[0]
                    and filled < before[1]
                    and key not in self.doubled
                    and not self._is_corrected(key)
                ):
                    self.broken("fills only grow", f"{key}: {before[1]} -> {filled}")
            if filled > Decimal(quantity) and key not in self.doubled:
                self.broken("never more filled than ordered", f"{key}: {filled} of {quantity}")
            self._states[key] = (state, filled)

    def _is_corrected(self, key: str) -> bool:
        """The exchange has taken back some of it, by IB's own books."""
        fills = (one.execId for one in self._gateway.executions if one.orderRef == key)
        return any(not exec_id.endswith(".01") for exec_id in fills)

    def _over_at_ib(self, key: str, state: str) -> None:
        for order in self._gateway.orders:
            if order.orderRef == key and order.live:
                self.broken("what the journal calls over is over at IB", f"{key} is {state}, IB: {fate_of(order)}")

    def _firings_counted(self) -> None:
        for number, rule, seq in self.rows(
            "SELECT id, rule, seq FROM firing WHERE id > ? ORDER BY id", self._firing_id
        ):
            self._firing_id = number
            if seq != self._seqs[rule] + 1:
                self.broken("firings of a rule are numbered without a gap", f"{rule}: {self._seqs[rule]} -> {seq}")
            self._seqs[rule] = seq

    # At the end, after a time without faults.

    def settled(
        self, delivered: Iterable[tuple[float, str, str]], foreign: dict[int, str], complained_of: Set[int]
    ) -> None:
        """Journal and gateway agree on everything, and everybody was told."""
        orders: dict[str, list[Order]] = {}
        for order in self._gateway.orders:
            if order.orderRef.startswith(OUR_PREFIX):
                orders.setdefault(order.orderRef, []).append(order)
        intents = {
            key: (state, Decimal(filled), sent_s, order_id)
            for key, state, filled, sent_s, order_id in self.rows(
                "SELECT key, state, filled, sent_s, order_id FROM intent"
            )
        }
        for key in sorted(self.doubled & intents.keys()):
            if not self.rows("SELECT 1 FROM event WHERE key = ? AND kind = 'rule halted'", key):
                self.broken("two orders for one intent halt its rule", key)
            orders.pop(key, None)
            del intents[key]
        for key, found in orders.items():
            if len(found) > 1:
                self.broken("one key, at most one order at IB", f"{key}: {[order.permId for order in found]}")
            if key not in intents:
                self.broken("every order in our name is in the journal", key)
        for key, (state, filled, sent_s, order_id) in intents.items():
            self._agrees(key, state, filled, sent_s, orders.get(key, []))
            if state == "rejected" and key not in orders and order_id not in complained_of:
                self.broken("only IB's word makes an order rejected", f"{key} as {order_id}")
        self._ledger_balances()
        self._told(list(delivered))
        for perm_id, before in foreign.items():
            now = next((fate_of(order) for order in self._gateway.orders if order.permId == perm_id), "gone")
            if now != before:
                self.broken("orders of others are never touched", f"{perm_id}: {before} -> {now}")

    def _agrees(self, key: str, state: str, filled: Decimal, sent_s: float | None, orders: list[Order]) -> None:
        if state in NEVER_SENT or (state == "cancelled" and sent_s is None):
            if state == "intent":
                self.broken("every intent comes to an end", f"{key} still waits")
            if orders:
                self.broken("what the journal calls unsent is not at IB", f"{key} is {state}, IB: {fate_of(orders[0])}")
        elif state == "sending":
            self.broken("every intent comes to an end", f"{key} is still being sent")
        elif not orders:
            if state not in ("unknown", "rejected", "abandoned"):
                self.broken("the journal tells what IB has", f"{key} is {state}, IB has no such order")
        elif not (
            orders[0].staged and state == "unknown"
        ):  # Half a bracket: TWS keeps it to itself, and it does nothing.
            self._same(key, state, filled, orders[0])

    def _same(self, key: str, state: str, filled: Decimal, order: Order) -> None:
        if filled != Decimal(str(order.filled)):
            self.broken("fills reconcile", f"{key}: {filled} in the journal, {order.filled:g} at IB")
        if state in ("adopted", "abandoned"):
            return  # The user's word, where evidence has ended.
        told = {
            "Filled": {"filled"},
            "Cancelled": {"cancelled", "rejected"},
            "Inactive": {"rejected", "acked", "cancelled"},
        }.get(str(order.status), LIVE_STATES)
        if state not in told:
            self.broken("the journal tells what IB has", f"{key} is {state}, IB: {fate_of(order)}")

    def _ledger_balances(self) -> None:
        with open_ledger(self._journal) as ledger:
            fates = ledger.fates()
            broken = ledger.first_broken_event()
        count = self.row("SELECT count(*) FROM firing WHERE kind != 'armed' OR triggered_s IS NOT NULL")
        if count is None or sum(fates.values()) != count[0]:
            self.broken("the ledger balances", f"{count} firings, fates {dict(fates)}")
        if broken is not None:
            self.broken("the record of events is whole", f"event {broken}")

    def _told(self, delivered: list[tuple[float, str, str]]) -> None:
        texts = _bare("\n".join(text for _, _, text in delivered))
        for number, state, text in self.rows("SELECT id, state, text FROM outbox"):
            if state not in ("sent", "dead"):
                self.broken("every message is sent or given up", f"{number} is {state}: {text[:80]}")
            elif state == "sent" and _bare(text.strip())[:60] not in texts:
                self.broken("what counts as sent has arrived", f"{number}: {text[:80]}")
        unknown = {key for (key,) in self.rows("SELECT key FROM intent WHERE state = 'unknown'")}
        told = {key for (key,) in self.rows("SELECT key FROM outbox WHERE kind = 'unknown order'")}
        for key in sorted(unknown - told):
            self.broken("an order of unknown fate is told", key)

    def newest_letter(self) -> int:
        """The number of the newest message; 0 before there is any."""
        if not self._journal.exists():
            return 0
        [[newest]] = self.rows("SELECT coalesce(max(id), 0) FROM outbox")
        return int(newest)

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        """The first row of an answer of the journal."""
        return next(iter(self.rows(statement, *values)), None)

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """What the journal answers."""
        if self._reader is None:
            self._reader = sqlite3.connect(f"{self._journal.resolve().as_uri()}?mode=ro", uri=True)
            self._reader.row_factory = sqlite3.Row
        return self._reader.execute(statement, values).fetchall()

    def reopen(self) -> None:
        """The file is another one from now on."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _bare(text: str) -> str:
    """Without what a message loses when its service takes it only without any mark-up."""
    return re.sub(r"[<>&*_`\[\]\\]", "", text)


def fate_of(order: Order) -> str:
    """An order in a word or two."""
    return f"{order.status} {order.filled:g}/{order.form.totalQuantity:g}"
