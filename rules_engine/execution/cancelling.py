"""Cancellations that were asked for onto the wire, of orders that IB has shown us; again where IB did not heed them."""

import contextlib
from collections.abc import Container, Iterable, Mapping, Sequence

from rules_engine.execution.journal import CANCEL_SENT, Journal
from rules_engine.execution.keys import firing_of, leg_key
from rules_engine.execution.pace import MessageBudget
from rules_engine.execution.session import AskedCancel, Session
from rules_engine.execution.timing import Timing
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.intent import Intent, IntentState

_SENT_AT_ONCE = 50
CANCELLABLE = frozenset({IntentState.ACKED, IntentState.WORKING, IntentState.PARTIAL})
"""Orders that IB has shown us under the number that we know."""


class Cancelling:
    """An order whose number IB has not confirmed waits for the evidence: after a gateway lost count, another order may
    bear that number. Never awaits, so that it may be called in the middle of a sending."""

    def __init__(self, journal: Journal, clock: Clock, budget: MessageBudget, timing: Timing) -> None:
        self._journal = journal
        self._clock = clock
        self._budget = budget
        self._timing = timing

    def send_wanted(self, session: Session | None, besides: Container[str] = ()) -> bool:
        """Sends what can be sent now but for those with the keys ``besides``, the oldest of very many. Whether there is
        more."""
        if session is None or not session.usable or not session.reconciled:
            return False
        asked = (one for one in self._journal.intents.open() if one.cancel_wanted)
        wanted = self._within_reach(session, [one for one in asked if one.key not in besides])
        due = [one for one in wanted if self._is_due(session, one.key)]
        if due:
            keys = {one.key for one in wanted}
            # IB cancels the children with their parent.
            due = [one for one in due if self._parent_key(one) not in keys]
        risen, is_all, due = self._risen(session), len(due) <= _SENT_AT_ONCE, due[:_SENT_AT_ONCE]
        order_ids = {one.key: one.order_id for one in due if one.order_id is not None}
        order_ids |= {one.key: session.risen[one.key].order_id for one in risen}
        if order_ids:
            self._send(session, order_ids)
            self._budget.cancelled([one.rule for one in (*due, *risen)], self._clock.now_s())
        return bool(order_ids) and not is_all

    def is_due(self, session: Session | None, intent: Intent) -> bool:
        """Whether its cancellation could leave now."""
        if session is None or not intent.cancel_wanted:
            return False
        return bool(self._within_reach(session, [intent])) and self._is_due(session, intent.key)

    def send_unrecorded(self, session: Session | None) -> None:
        """Sends the cancellation of everything that IB has shown us, where the journal cannot be written any more."""
        if session is None or not session.usable or not session.reconciled:
            return
        orders = [one.order_id for one in self._within_reach(session, self._journal.intents.open())]
        with contextlib.suppress(LinkDown):
            for order_id in filter(None, orders):
                session.link.cancel(order_id)

    def _within_reach(self, session: Session, intents: Iterable[Intent]) -> Sequence[Intent]:
        """Of an order under another client id the number may mean anything under ours."""
        return [one for one in intents if one.state in CANCELLABLE and one.key not in session.elsewhere]

    def _risen(self, session: Session) -> Sequence[Intent]:
        """What was to be cancelled, was over, and is alive at IB all the same."""
        found = [self._journal.intents.get(key) for key in session.risen if self._is_due(session, key)]
        return [intent for intent in found if intent is not None and intent.cancel_wanted]

    def _send(self, session: Session, order_ids: Mapping[str, int]) -> None:
        """After one commit: each commit before a cancellation would hold up those behind it."""
        wished = self._wished(order_ids)
        with self._journal.transaction():
            for key, order_id in order_ids.items():
                self._journal.event(key, CANCEL_SENT, {"order_id": order_id})
                session.cancelling[key] = self._asked(session.cancelling.get(key))
            left = self._journal.wishes.sent(wished)
        unsent = set(order_ids)
        try:
            for key, order_id in order_ids.items():
                session.link.cancel(order_id)
                unsent.discard(key)
        except LinkDown as error:
            session.distrust(str(error), self._clock.now_s() + self._timing.backoff_s)
            with self._journal.transaction():
                self._journal.wishes.stayed([(firing, key) for firing, key in left if wished[key] in unsent])

    def _wished(self, keys: Container[str]) -> Mapping[str, str]:
        """Of those that may still stay: which go with these cancellations, and with which. IB cancels children with
        their parents."""
        waiting = filter(None, map(self._journal.intents.get, self._journal.wishes.waiting))
        sent_with = {one.key: one.key if one.key in keys else self._parent_key(one) for one in waiting}
        return {key: with_ for key, with_ in sent_with.items() if with_ in keys}

    def _is_due(self, session: Session, key: str) -> bool:
        asked = session.cancelling.get(key)
        return asked is None or asked.look_s is None

    def _asked(self, before: AskedCancel | None) -> AskedCancel:
        """Once more now. What did not help twice is repeated more slowly."""
        unheeded = before.unheeded if before else 0
        pause_s = self._timing.recheck_s if before and before.is_stuck else self._timing.ack_s
        return AskedCancel(self._clock.now_s() + pause_s, unheeded)

    def _parent_key(self, intent: Intent) -> str:
        parent = intent.draft.parent
        return "" if parent is None else leg_key(firing_of(intent.key), parent)
