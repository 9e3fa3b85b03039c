"""Mistakes that an order path could make, each planted into the real one: what the simulation must find."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from inspect import signature
from unittest.mock import patch

from rules_engine.broker import ticks
from rules_engine.broker.connection import Connection
from rules_engine.broker.inquiry import Inquiry, OrderAnswers
from rules_engine.broker.session import Session
from rules_engine.daemon import daemon
from rules_engine.execution import database, journal, order_states
from rules_engine.execution.desk import Desk
from rules_engine.execution.dispatcher import Dispatcher
from rules_engine.execution.journal import Journal
from rules_engine.execution.outbox import Outbox
from rules_engine.execution.reconciler import Reconciler
from rules_engine.execution.restart_window import RestartWindow
from rules_engine.model.errors import EvidenceIncomplete
from rules_engine.model.intent import Intent, IntentState

Mutation = Callable[[], AbstractContextManager[object]]


def _planted(owner: object, name: str, mistaken: Callable[..., object]) -> AbstractContextManager[object]:
    """In place of what the owner has under that name. It must take what that takes: otherwise the mistake would only
    make the engine fall."""
    signature(mistaken).bind(*signature(getattr(owner, name)).parameters)
    return patch.object(owner, name, mistaken)


@contextmanager
def journal_after_send() -> Iterator[None]:
    """The bytes first, SENDING on disk a moment later."""
    late: list[tuple[object, ...]] = []
    commit, place, join, depart = Journal.send_committed, Dispatcher._place, Dispatcher.join, Dispatcher.depart

    def remember(self, legs, order_ids, mark):
        late.append((self, legs, order_ids, mark))
        return [
            replace(leg, state=IntentState.SENDING, order_id=number)
            for leg, number in zip(legs, order_ids, strict=True)
        ]

    def send_then_commit(self, session, unit):
        sent = place(self, session, unit)
        while late:
            commit(*late.pop())
        return sent

    def send_then_record(self, unit, checked):
        joined = join(self, unit, checked=checked)
        depart(self, joined)
        return joined

    with (
        _planted(Journal, "send_committed", remember),
        _planted(Dispatcher, "_place", send_then_commit),
        _planted(Dispatcher, "join", send_then_record),
        _planted(Dispatcher, "depart", lambda self, unit: None),
    ):
        yield


def _send_again(self: Reconciler | Dispatcher, intent: Intent) -> None:
    for leg in self._journal.intents.unit(intent.rule, intent.seq):
        self._journal.change(replace(leg, state=IntentState.INTENT, order_id=None), "again")
    with self._journal.transaction():
        self._journal._database.execute("UPDATE intent SET expires_s = NULL WHERE key = ?", intent.key)


def new_id_on_resend() -> AbstractContextManager[object]:
    """What evidence does not show goes out again, under a new number."""
    return _planted(Reconciler, "_lose", lambda self, intent, missing: _send_again(self, intent))


@contextmanager
def resend_on_timeout() -> Iterator[None]:
    """No answer within the deadline means that it never arrived."""
    acknowledged = Dispatcher._acknowledged

    async def impatient(self, session, unit):
        await acknowledged(self, session, unit)
        for leg in self._journal.intents.unit(unit[0].rule, unit[0].seq):
            if leg.state is IntentState.SENDING:
                _send_again(self, leg)

    with _planted(Dispatcher, "_acknowledged", impatient):
        yield


@contextmanager
def trust_an_empty_answer() -> Iterator[None]:
    """A question that is not answered counts as answered with nothing."""
    ask = Inquiry.orders

    async def credulous(self, quiet_s, until_s):
        try:
            return await ask(self, quiet_s, until_s)
        except EvidenceIncomplete:
            return OrderAnswers((), (), (), (), 0)

    with _planted(Inquiry, "orders", credulous):
        yield


@contextmanager
def trust_an_empty_answer_at_once() -> Iterator[None]:
    """The same, and what is absent was never sent, so it is sent."""
    with trust_an_empty_answer(), new_id_on_resend():
        yield


@contextmanager
def no_settling() -> Iterator[None]:
    """What is absent right after a reconnect is called unsent."""

    def settling(self, session, news, absent):
        for intent in absent:
            yield
            newest = self._journal.intents.get(intent.key)
            if newest is not None and not newest.state.is_over:
                _send_again(self, newest)

    with _planted(Reconciler, "_settling_absent", settling):
        yield


@contextmanager
def trust_cancelled() -> Iterator[None]:
    """Any error about an order ends it, as the library believes."""
    on_error = Desk._on_error

    def credulous(self, report):
        on_error(self, report)
        intent = self._journal.intents.with_order_id(report.order_id)
        if intent is not None and not intent.state.is_over and intent.state is not IntentState.INTENT:
            self._intake.conclude(intent, order_states.OrderEvent.CANCELLED, report.text)

    with _planted(Desk, "_on_error", credulous):
        yield


def no_fsync() -> AbstractContextManager[object]:
    """A commit returns before it is on the platter."""
    opened = database._opened

    def careless(path):
        connection = opened(path)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    return _planted(database, "_opened", careless)


def no_dedup_of_fills() -> AbstractContextManager[object]:
    """Every report of a fill is a fill of its own."""
    numbers = iter(range(10**9))
    return _planted(journal, "exec_parts", lambda exec_id: (f"{exec_id}/{next(numbers)}", "01"))


@contextmanager
def believe_1102() -> Iterator[None]:
    """IB's link is back, so nothing can have changed."""
    attach, on_link = Desk.attach, Desk._on_link

    def credulous(self, link):
        session = self._session
        if session is None or session.link is not link:
            attach(self, link)
        else:
            session.usable = session.reconciled = True

    def unmoved(self, change):
        session, due_s = self._session, self._session.due_s if self._session else 0.0
        on_link(self, change)
        if session is not None:
            session.reconciled, session.due_s = True, due_s

    with _planted(Desk, "attach", credulous), _planted(Desk, "_on_link", unmoved):
        yield


def no_probe() -> AbstractContextManager[object]:
    """An open socket is taken for a living gateway."""

    async def probe(self, deadline_s=1.0):
        return None

    return _planted(Connection, "probe", probe)


@contextmanager
def no_reconciliation() -> Iterator[None]:
    """A new connection is ready to send at once."""
    attach = Desk.attach

    def hasty(self, link):
        attach(self, link)
        self._session.reconciled = True
        self._session.due_s += self._timing.audit_s

    with _planted(Desk, "attach", hasty):
        yield


@contextmanager
def forget_what_is_being_told() -> Iterator[None]:
    """A message counts as sent before it was."""
    sending = Outbox.sending

    def hasty(self, message_id):
        sending(self, message_id)
        self.sent(message_id)

    with _planted(Outbox, "sending", hasty), _planted(Outbox, "retry", lambda self, *rest: None):
        yield


def unknown_means_rejected() -> AbstractContextManager[object]:
    """What IB does not show is told as refused, and is over."""

    def lose(self, intent, missing):
        self._intake.conclude(intent, order_states.OrderEvent.REJECTED, "not there")

    return _planted(Reconciler, "_lose", lose)


def resend_at_once() -> AbstractContextManager[object]:
    """Absence right after the answers counts as absence."""
    return _planted(Reconciler, "_is_settled", lambda self, session, intent: True)


def no_restart_window() -> AbstractContextManager[object]:
    """Orders leave while the gateway restarts."""
    return _planted(RestartWindow, "end_s", lambda self, now_s: None)


def keep_what_waits() -> AbstractContextManager[object]:
    """What fired and is still to be sent outlives a pause, an edit and a stop."""
    return _planted(Journal, "want_unsent_cancelled", lambda self, legs=None, count_max=None: [])


def cancel_everything() -> AbstractContextManager[object]:
    """A cancellation goes to whatever number stands beside ours."""
    cancel = Connection.cancel
    return _planted(Connection, "cancel", lambda self, order_id: cancel(self, order_id + 1000))


def believe_every_print() -> AbstractContextManager[object]:
    """A trade far away from both quotes counts as any other."""
    return _planted(ticks, "_is_absurd", lambda price, bid, ask: False)


def swallow_a_stop() -> AbstractContextManager[object]:
    """Who waits for IB's price steps overhears a cancellation that comes together with them, as the wait_for of Python
    3.11 does."""

    async def price_increments(self, rule, deadline_s=1.0):
        answer = self.wrapper.startReq(f"marketRule-{rule}")
        self.client.reqMarketRule(rule)
        try:
            await asyncio.wait({answer})
        except asyncio.CancelledError:
            if not answer.done():
                raise
        return tuple(answer.result())

    return _planted(Session, "price_increments", price_increments)


@contextmanager
def cancel_once() -> Iterator[None]:
    """The same in an engine that cancels its parts once, and waits for them."""

    async def all_cancelled(tasks):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    with swallow_a_stop(), _planted(daemon, "all_cancelled", all_cancelled):
        yield


MUTATIONS: Mapping[str, Mutation] = {
    one.__name__.replace("_", " "): one
    for one in (
        journal_after_send,
        new_id_on_resend,
        resend_on_timeout,
        trust_an_empty_answer,
        trust_an_empty_answer_at_once,
        no_settling,
        trust_cancelled,
        no_fsync,
        no_dedup_of_fills,
        believe_1102,
        no_probe,
        no_reconciliation,
        forget_what_is_being_told,
        unknown_means_rejected,
        resend_at_once,
        no_restart_window,
        keep_what_waits,
        cancel_everything,
        believe_every_print,
        swallow_a_stop,
        cancel_once,
    )
}
