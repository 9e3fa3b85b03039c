"""Committed intents into orders at IB: pre-flight, SENDING on disk, then the wire, one unit at a time."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.cancelling import Cancelling
from rules_engine.execution.changes import Listener, Silence
from rules_engine.execution.codes import Meaning
from rules_engine.execution.guard import refusal, trading_account
from rules_engine.execution.halts import Halts
from rules_engine.execution.intake import Intake
from rules_engine.execution.journal import Journal
from rules_engine.execution.keys import group_name
from rules_engine.execution.pace import Pace
from rules_engine.execution.ports import OrderLink
from rules_engine.execution.price_wait import PriceWait
from rules_engine.execution.reconciler import Reconciler
from rules_engine.execution.risk import DUPLICATE_WINDOW_S, RiskGate
from rules_engine.execution.session import Session
from rules_engine.execution.timing import Timing
from rules_engine.model.action import CancelOrders
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Instrument
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import transmits
from rules_engine.model.reports import BrokerStatus, Evidence, ExecutionReport, LinkChange, OrderError, OrderReport
from rules_engine.model.settings import Mode, Settings

State = IntentState
Report = OrderReport | ExecutionReport | OrderError | LinkChange


class Desk:
    """Sends what the journal holds as INTENT and follows it to its end.

    ``live_flag`` is `--live`. ``stopped`` is the kill switch. The listener hears of changes after their commit.
    """

    def __init__(
        self,
        journal: Journal,
        gate: RiskGate,
        clock: Clock,
        settings: Settings,
        *,
        live_flag: bool = False,
        listener: Listener | None = None,
        stopped: Callable[[], bool] = lambda: False,
        timing: Timing | None = None,
    ) -> None:
        self._journal = journal
        self._gate = gate
        self._clock = clock
        self._settings = settings
        self._live_flag = live_flag
        self._listener = listener or Silence()
        self._stopped = stopped
        self._timing = timing or Timing()
        self._intake = Intake(journal, clock, self._listener)
        self._pace = Pace(journal, settings.limits.max_orders_per_second)
        self._paced_until_s = 0.0
        self._price_wait = PriceWait(settings.limits.price_wait_s)
        self._halts = Halts(journal, clock, tuple(settings.channels))
        self._reconciler = Reconciler(journal, clock, self._intake, self._halts, self._timing, settings)
        self._cancelling = Cancelling(journal, clock, self._timing.backoff_s)
        self._session: Session | None = None
        self._flight = asyncio.Lock()
        self._wake = asyncio.Event()
        self._news = asyncio.Event()

    def attach(self, link: OrderLink) -> None:
        """A new connection. Nothing is sent on it before a complete reconciliation."""
        self._session = Session(link, due_s=self._clock.now_s())
        self.wake()

    def detach(self) -> None:
        """The connection is gone."""
        self._session = None
        self.wake()

    def wake(self) -> None:
        """Something changed that `serve` should look at: new intents, cancellations, a report."""
        self._wake.set()
        self._news.set()

    @property
    def waiting_for(self) -> str:
        """Why nothing can be sent now; empty when orders may leave."""
        if self._settings.mode is Mode.DRY:
            return "the mode is dry"
        if self._stopped():
            return Reason.STOPPED
        if halted := self._halts.engine:
            return halted
        if self._session is None:
            return Reason.LINK_DOWN
        return "" if self._session.reconciled else self._session.why

    def on_report(self, report: Report) -> None:
        """Takes in what IB says. Synchronous; call it for every report, in the order in which they came."""
        session = self._session
        away = session is None or not session.reconciled
        match report:
            case OrderReport():
                intent = self._intake.order(report, away=away)
                self._ask_about(intent, report)
                self._suspect(intent, report.perm_id)
            case ExecutionReport():
                self._suspect(self._intake.execution(report, away=away), report.perm_id)
            case OrderError():
                self._on_error(report)
            case LinkChange():
                self._on_link(report)
        self.wake()

    def cancel_ours(self, *, rule: str = "", instrument: Instrument | None = None) -> Sequence[Intent]:
        """Asks for the cancellation of our open orders of a rule or in an instrument; durable. Returns those newly
        asked for. Foreign orders are never touched."""
        marked = self._journal.want_cancelled(CancelOrders(rule, instrument))
        self.wake()
        return marked

    def stop_trading(self) -> Sequence[Intent]:
        """Asks for the cancellation of everything of ours that may be at IB, and sends those requests at once, whatever
        else is under way. Returns those newly asked for. That nothing new leaves is the kill switch's own part."""
        marked = self._journal.want_all_cancelled()
        self._cancelling.send_wanted(self._session)
        self.wake()
        return marked

    def resolve(self, key: str, *, placed: bool) -> bool:
        """The user looked in TWS for an UNKNOWN intent: seen there it stays open, otherwise it is over. Either way what
        IB shows later counts. One that was seen may later be called over."""
        intent = self._journal.intents.get(key)
        if intent is None or intent.state not in ((State.UNKNOWN,) if placed else (State.UNKNOWN, State.ADOPTED)):
            return False
        if placed:
            self._intake.adopt(intent)
        else:
            self._intake.abandon(intent)
        return True

    @property
    def halted_rules(self) -> Mapping[str, str]:
        """Rules for which nothing is sent until the user has looked, each with the reason."""
        return self._halts.rules

    def resume(self, rule: str) -> str:
        """The user looked into what halted the rule, and wants it to go on. Returns what it was, or nothing."""
        return self._halts.resume(rule)

    def adopt(self) -> str:
        """The user looked into what halted all sending: what IB has is right. Returns what it was, or nothing.

        Nothing is sent before another reconciliation has taken in what there is.
        """
        halted = self._halts.engine
        if halted and self._session is not None:
            self._session.distrust("what IB has is being adopted", self._clock.now_s())
        self._halts.adopt()
        self.wake()
        return halted

    async def serve(self) -> None:
        """Sends, reconciles and reminds until cancelled."""
        while True:
            self._wake.clear()
            await self.step()
            pause_s = max(self.due_s() - self._clock.now_s(), 0.0)
            with contextlib.suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the event.
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def step(self) -> None:
        """One round: reconcile when that is due, send what can be sent, remind of what is unknown."""
        session = self._session
        if session and session.usable and session.due_s <= self._clock.now_s():
            await self.reconcile()
        await self.dispatch()
        self._reconciler.remind()

    def due_s(self) -> float:
        """When `step` should be called next without anything new: POSIX seconds."""
        now_s = self._clock.now_s()
        moments = [now_s + self._timing.recheck_s]
        if self._session and self._session.usable:
            moments.append(self._session.due_s)
        unit = self._journal.intents.next_unit()
        if unit and unit[0].expires_s is not None:
            moments.append(unit[0].expires_s)
        if unit and self._paced_until_s > now_s:
            moments.append(self._paced_until_s)
        if self._price_wait.is_on:
            moments.append(now_s + self._timing.poll_s)
        if unit and self._session and self._session.reconciled and not self._session.link.is_clear():
            moments.append(now_s + self._timing.poll_s)
        return min(moments)

    async def reconcile(self) -> Evidence | None:
        """Asks IB what it has and settles every intent that this decides; None when an answer was missing."""
        async with self._flight:
            return await self._reconcile()

    async def dispatch(self) -> None:
        """Sends every unit that may leave now, one at a time, and every cancellation."""
        async with self._flight:
            self._cancelling.send_wanted(self._session)
            waiting = set[tuple[str, int]]()
            while unit := self._journal.intents.next_unit(waiting):
                if self._waits_for_price(unit):
                    waiting.add((unit[0].rule, unit[0].seq))
                elif not await self._send(unit):
                    break
                self._cancelling.send_wanted(self._session)
            self._price_wait.only(waiting)

    async def _send(self, unit: Sequence[Intent]) -> bool:
        """Takes one unit as far as it goes; False when nothing can be sent now."""
        if self._close_stale(unit):
            return True
        session = self._session
        if session is None or not session.is_clear or self._halts.engine:
            return False
        if why := self._halts.rules.get(unit[0].rule):
            self._block(unit, Reason.HALTED, why)
            return True
        if why := self._guard(session.link):
            self._block(unit, Reason.WRONG_ACCOUNT, why)
            return True
        if (pause_s := self._pace.pause_s(len(unit), self._clock.now_s())) > 0:
            self._paced_until_s = self._clock.now_s() + pause_s
            return False
        await self._cancels_over(unit)
        try:
            await session.link.probe(self._timing.probe_s)
        except LinkDown as error:
            session.distrust(str(error) or Reason.LINK_DOWN, self._clock.now_s() + self._timing.backoff_s)
            return False
        # Nothing is awaited from here until the unit is on the wire.
        if self._session is not session or not session.is_clear:
            return False
        unit = self._journal.intents.unit(unit[0].rule, unit[0].seq)
        if unit[0].state is not State.INTENT or self._close_stale(unit):
            return True
        if self._waits_for_price(unit):
            return True
        if found := self._check(unit):
            self._block(unit, found.reason, found.detail)
            return True
        if not self._place(session, unit):
            return False
        await self._acknowledged(session, unit)
        return True

    def _check(self, unit: Sequence[Intent]) -> Refusal | None:
        return self._gate.check(tuple(leg.draft for leg in unit), self._book_at_sending(), unit[0].rule)

    def _waits_for_price(self, unit: Sequence[Intent]) -> bool:
        """Whether only a price, or something like it, is missing that IB may tell in a moment. Others may go first."""
        if self._session is None or not self._session.reconciled or self._is_stale(unit):
            return False
        return self._price_wait.holds((unit[0].rule, unit[0].seq), self._check(unit), self._clock.now_s())

    def book(self) -> Book:
        """Our own orders as the gate needs them for a new firing."""
        now_s, day_start_s = self._clock.now_s(), self._gate.day_start_s()
        sent = self._journal.intents.sent_since(min(day_start_s, now_s - DUPLICATE_WINDOW_S))
        return Book(
            open=self._journal.intents.open(),
            recent=[one for one in sent if one.sent_s is not None and now_s - one.sent_s < DUPLICATE_WINDOW_S],
            today=[one for one in sent if one.sent_s is not None and one.sent_s >= day_start_s],
        )

    def _book_at_sending(self) -> Book:
        """Without what is still to be sent, which is checked in its turn."""
        book = self.book()
        return replace(book, open=[intent for intent in book.open if intent.state.may_be_at_broker])

    def _is_stale(self, unit: Sequence[Intent]) -> bool:
        """Whether the unit must not leave any more."""
        expires_s = unit[0].expires_s
        is_late = expires_s is not None and self._clock.now_s() >= expires_s
        return is_late or any(leg.cancel_wanted for leg in unit) or self._stopped()

    def _close_stale(self, unit: Sequence[Intent]) -> bool:
        """Ends a unit that must not leave any more."""
        if not self._is_stale(unit):
            return False
        if any(leg.cancel_wanted for leg in unit):
            self._intake.close_unsent(unit, State.CANCELLED, "Cancelled before it was sent.", NoticeKind.CANCELLED)
        elif self._stopped():
            self._block(unit, Reason.STOPPED, "")
        else:
            why = self.waiting_for or "it waited too long"
            self._intake.close_unsent(unit, State.EXPIRED, f"Its time to be sent ran out: {why}.", NoticeKind.EXPIRED)
        return True

    def _block(self, unit: Sequence[Intent], reason: Reason, detail: str) -> None:
        words = f"Held back: {reason}" + (f" ({detail})" if detail else "")
        self._intake.close_unsent(unit, State.BLOCKED, words, NoticeKind.HELD_BACK)

    def _guard(self, link: OrderLink) -> str | None:
        return refusal(
            mode=self._settings.mode,
            account=self._settings.account,
            accounts=link.accounts,
            port=link.port,
            live_flag=self._live_flag,
        )

    def _place(self, session: Session, unit: Sequence[Intent]) -> bool:
        """SENDING on disk, then the bytes. False when the link broke in between: then only evidence can tell."""
        link, order_ids = session.link, list[int]()
        floor = self._journal.order_id_high_water
        for _ in unit:
            floor = link.next_order_id(floor)
            order_ids.append(floor)
        unit = self._journal.send_committed(unit, order_ids, link.mark)
        account = trading_account(self._settings.account, link.accounts)
        drafts = tuple(leg.draft for leg in unit)
        try:
            for leg, order_id in zip(unit, order_ids, strict=True):
                link.place(
                    order_id,
                    leg.draft,
                    key=leg.key,
                    account=account,
                    group=group_name(leg.key, leg.draft.group),
                    parent_id=0 if leg.draft.parent is None else order_ids[leg.draft.parent],
                    transmit=transmits(drafts, leg.leg),
                )
        except LinkDown as error:
            session.distrust(str(error), self._clock.now_s() + self._timing.backoff_s)
            return False
        return True

    async def _acknowledged(self, session: Session, unit: Sequence[Intent]) -> None:
        """Waits until IB has answered for every leg; without an answer, asks."""

        def is_answered() -> bool:
            legs = self._journal.intents.unit(unit[0].rule, unit[0].seq)
            unanswered = [leg for leg in legs if leg.state is State.SENDING]
            return (
                not unanswered or self._session is not session or any(leg.key in session.refusals for leg in unanswered)
            )

        if not await self._until(is_answered, self._timing.ack_s) or session.refusals:
            await self._reconcile()

    async def _cancels_over(self, unit: Sequence[Intent]) -> None:
        """Before a closing order, waits for the cancellations in its instrument: what still works counts against it."""
        closing = {leg.draft.instrument.name for leg in unit if leg.draft.closes}
        if closing:
            await self._until(lambda: not self._cancels_open(closing), self._timing.ack_s)

    def _cancels_open(self, instruments: set[str]) -> bool:
        wanted = (intent for intent in self._journal.intents.open() if intent.cancel_wanted)
        return any(intent.draft.instrument.name in instruments for intent in wanted)

    async def _until(self, is_so: Callable[[], bool], deadline_s: float) -> bool:
        """Waits for a report to make it so; False after the deadline."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        return is_so()

    async def _reconcile(self) -> Evidence | None:
        session = self._session
        if session is None or not session.usable:
            return None
        return await self._reconciler.run(session, lambda: self._session is session and session.usable)

    def _on_error(self, report: OrderError) -> None:
        intent, meaning = self._intake.error(report)
        session = self._session
        if intent is None or session is None or intent.state.is_over or meaning is Meaning.LEAVE:
            return
        if meaning in (Meaning.ENDS_UNSEEN, Meaning.CANCELS_UNSEEN):
            session.refusals[intent.key] = (meaning, f"{report.text} ({report.code})")
        session.due_s = self._clock.now_s()

    def _ask_about(self, intent: Intent | None, report: OrderReport) -> None:
        """Inactive may mean rejected, not filled at once, or waiting: once a connection, we ask which it is."""
        session = self._session
        if intent is None or intent.state.is_over or session is None or report.status is not BrokerStatus.INACTIVE:
            return
        if intent.key not in session.inactive:
            session.inactive.add(intent.key)
            session.due_s = self._clock.now_s()

    def _suspect(self, intent: Intent | None, perm_id: int) -> None:
        """Another number of IB for one intent is another order: nothing leaves before the evidence has shown it."""
        if intent is not None and self._session is not None and perm_id > 0 and intent.perm_id != perm_id:
            self._session.distrust("IB shows a second order for one intent", self._clock.now_s())

    def _on_link(self, change: LinkChange) -> None:
        if self._session is None:
            return
        self._session.usable = change.state == "up"
        self._session.distrust(change.text or Reason.LINK_DOWN, self._clock.now_s())
