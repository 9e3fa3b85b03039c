"""The order protocol from outside: connections and reports in, orders out, and what users may ask of it."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping, Sequence

from rules_engine.execution.book import Book
from rules_engine.execution.changes import Listener, Silence
from rules_engine.execution.codes import Meaning
from rules_engine.execution.dispatcher import Dispatcher
from rules_engine.execution.evidence import is_another
from rules_engine.execution.halts import Halts
from rules_engine.execution.intake import Intake
from rules_engine.execution.journal import Journal
from rules_engine.execution.partial_fills import PartialFills
from rules_engine.execution.ports import OrderLink
from rules_engine.execution.positions import Positions
from rules_engine.execution.preflight import Preflight
from rules_engine.execution.protection import Protection
from rules_engine.execution.reconciler import Reconciler
from rules_engine.execution.rejections import Rejections
from rules_engine.execution.risk import OTHERS_AGE_MAX_S, RiskGate
from rules_engine.execution.session import Complaint, Session
from rules_engine.execution.slices import in_slices
from rules_engine.execution.standstill import Standstill
from rules_engine.execution.timing import Timing
from rules_engine.model.action import CancelOrders, Remaining
from rules_engine.model.clock import Clock
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Instrument
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import BrokerStatus, Evidence, ExecutionReport, LinkChange, OrderError, OrderReport
from rules_engine.model.settings import Settings
from rules_engine.model.slices import Slices, at_once

State = IntentState
Report = OrderReport | ExecutionReport | OrderError | LinkChange


class Desk:
    """Sends what the journal holds as INTENT and follows it to its end.

    ``live_flag`` is `--live`. ``stopped`` is the kill switch. The listener hears of changes after their commit.
    ``positions`` hears of our fills, and is asked for here when it is in doubt.
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
        positions: Positions | None = None,
    ) -> None:
        self._journal = journal
        self._gate = gate
        self._clock = clock
        self._timing = timing or Timing()
        self._positions = positions or Positions(clock)
        everyone = tuple(settings.channels)
        protection = Protection(journal, clock, everyone)
        self._intake = Intake(journal, clock, listener or Silence(), self._positions, protection)
        self._halts = Halts(journal, clock, everyone)
        self._rejections = Rejections(journal)
        self._reconciler = Reconciler(
            journal, clock, self._intake, self._halts, self._rejections, self._timing, settings
        )
        self._preflight = Preflight(
            journal,
            gate,
            clock,
            settings,
            self._halts,
            live_flag=live_flag,
            stopped=lambda: stopped() or self._standstill.is_beginning,
        )
        self._dispatcher = Dispatcher(
            journal,
            clock,
            settings,
            self._preflight,
            self._intake,
            self._timing,
            current=lambda: self._session,
            reconcile=self._reconcile,
        )
        self._standstill = Standstill(journal, clock, self._dispatcher.cancelling, stopped, everyone)
        self._partial_fills = PartialFills(clock, self._timing, self._intake.tell_partial)
        self._partial_fills.note(journal.intents.at_broker())
        self._session: Session | None = None
        self._cancels_on = False
        """Whether more is to be cancelled at once than was sent so far."""
        self._wake = asyncio.Event()

    def attach(self, link: OrderLink) -> None:
        """A new connection. Nothing is sent on it before a complete reconciliation."""
        self._session = Session(link, due_s=self._clock.now_s(), complaints=dict(self._rejections.open()))
        self.wake()

    def detach(self) -> None:
        """The connection is gone."""
        self._session = None
        self.wake()

    def wake(self) -> None:
        """Something changed that `serve` should look at: new intents, cancellations, a report."""
        self._wake.set()
        self._dispatcher.hear()

    @property
    def waiting_for(self) -> str:
        """Why nothing can be sent now; empty when orders may leave."""
        return self._preflight.why_nothing_leaves(self._session)

    @property
    def is_restart_near(self) -> bool:
        """Whether the gateway may be restarting about now."""
        return self._preflight.restart_end_s() is not None

    @property
    def is_stopped(self) -> bool:
        """Whether the kill switch is on."""
        return self._preflight.stopped()

    def on_report(self, report: Report) -> None:
        """Takes in what IB says. Synchronous; call it for every report, in the order in which they came."""
        session, intent = self._session, None
        away = session is None or not session.reconciled
        match report:
            case OrderReport():
                intent = self._intake.order(report, away=away)
                if session is not None and intent is None:
                    session.heard_of_other(report)
                elif session is not None and intent is not None:
                    session.heard_of_risen(intent.key, report)
                self._ask_about(intent, report)
                self._ask_about_ended(intent, report)
                self._suspect(intent, report)
            case ExecutionReport():
                intent = self._intake.execution(report, away=away)
                self._ask_about_larger(intent)
                self._suspect(intent, report)
            case OrderError():
                self._on_error(report)
            case LinkChange():
                self._on_link(report)
        if intent is not None:
            # What ends beside an order that has filled in part is told with that.
            ended = intent.state.is_over and intent.draft.group
            self._partial_fills.note(self._journal.intents.unit(intent.rule, intent.seq) if ended else [intent])
        if intent is not None and session is not None and isinstance(report, OrderReport | ExecutionReport):
            session.heard_of_ours(intent, report)
            self._ask_about_group(session, intent)
        self._standstill.hold(session, [intent] if intent else [])
        if self._cancels_on:
            self.cancel_at_once()
        self.wake()

    def cancel_ours(self, *, rule: str = "", instrument: Instrument | None = None) -> Sequence[Intent]:
        """Asks for the cancellation of our open orders of a rule or in an instrument; durable. Returns those newly
        asked for, the first of very many. Foreign orders are never touched."""
        marked = self._journal.want_cancelled(CancelOrders(rule, instrument))
        self.cancel_at_once()
        return marked

    def cancel_at_once(self) -> None:
        """Sends the cancellations that were asked for, whatever else is under way, also while IB is being asked what it
        has: of orders that are in its complete answers of before. What only makes room for a close goes with that.
        The rest of very many follows as IB answers."""
        assert not self._journal.in_transaction, "what is wanted is on disk before it is sent"
        is_left = self._journal.mass_cancels.go_on()
        absent = self._session.absent_since_s if self._session else ()
        besides = {*self._journal.wishes.waiting, *absent}
        is_sent = not self._dispatcher.cancelling.send_wanted(self._session, besides)
        self._cancels_on = is_left or not is_sent
        self.wake()

    def stop_trading(self, *, keep_orders: bool = False) -> Sequence[Intent]:
        """Asks for the cancellation of everything of ours that may be at IB, unless it is to be kept, and sends those
        requests at once, whatever else is under way. Returns those newly asked for. What works again while the switch
        is on is cancelled like that too, and told. What is still to be sent never leaves, also when the switch is
        lifted; that nothing new leaves is the kill switch's own part.

        Raises JournalFailed where the disk takes nothing more; the requests have left all the same."""
        return at_once(self.stopping_trading(keep_orders=keep_orders))

    def stopping_trading(self, *, keep_orders: bool = False) -> Slices[Sequence[Intent]]:
        """The same in slices; nothing that is still to be sent leaves from the first one on."""
        marked = yield from self._standstill.beginning(lambda: self._session, keep_orders=keep_orders)
        self.wake()
        return marked

    def trade_again(self) -> None:
        """The kill switch was released."""
        self._standstill.end()
        self.wake()

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

    def set_aside_unpriced(self, rule: str) -> Sequence[str]:
        """The user wants the rule's fills no longer counted against its daily loss where they have no price. Returns
        their instruments; none before IB has told all there is, since prices may only be late then."""
        if self._session is None or not self._session.is_clear:
            return []
        names = self._gate.unpriced(self._journal.intents.profit_of(rule))
        with self._journal.transaction():
            for name in names:
                self._journal.intents.set_aside(rule, name, self._clock.now_s())
                self._journal.event("", "fills set aside", {"rule": rule, "instrument": name})
        return names

    def go_on(self) -> str:
        """The user knows why all positions of the account are gone. Returns what it was, or nothing."""
        halted = self._halts.go_on()
        self.wake()
        return halted

    def adopt(self) -> str:
        """The user looked into what halted all sending: what IB has is right. Returns what it was, or nothing.

        Nothing is sent before another reconciliation has taken in what there is.
        """
        halted = self._halts.adopt()
        if halted and self._session is not None:
            self._session.distrust("what IB has is being adopted", self._clock.now_s())
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
        """One round: reconcile when that is due, send what can be sent, tell what fills and what is unknown."""
        session = self._session
        if session and session.usable and self._round_s(session) <= self._clock.now_s():
            await self.reconcile()
        await self.dispatch()
        self._partial_fills.tell()
        await in_slices(self._reconciler.reminding())

    def due_s(self) -> float:
        """When `step` should be called next without anything new: POSIX seconds."""
        moments = [self._dispatcher.due_s(self._session)]
        if self._session and self._session.usable:
            moments.append(self._round_s(self._session))
        if (partial_s := self._partial_fills.due_s) is not None:
            moments.append(partial_s)
        return min(moments)

    async def reconcile(self) -> Evidence | None:
        """Asks IB what it has and settles every intent that this decides; None when an answer was missing."""
        async with self._dispatcher.flight:
            await self._dispatcher.arrived()
            return await self._reconcile()

    async def dispatch(self) -> None:
        """Sends every unit that may leave now, one at a time, and every cancellation."""
        await self._dispatcher.dispatch()

    def join(self, unit: Sequence[Intent], *, checked: bool) -> Sequence[Intent]:
        """Inside the transaction that records a new unit, as it is to be recorded: SENDING if it leaves with that one
        commit, since nothing has to be waited for. ``checked``: the gate was asked just now."""
        return self._dispatcher.join(unit, checked=checked)

    def depart(self, unit: Sequence[Intent], *, cancels: bool = False) -> None:
        """Right after that commit: the bytes of a unit that joined it, and of ``cancels`` that it asked for without a
        unit that is to follow them."""
        if cancels and not unit:
            self.cancel_at_once()
        self._dispatcher.depart(unit)

    def reading_sent(self) -> Slices[None]:
        """Takes in, in slices, what was sent today: at a start, so that the first firing need not wait for it."""
        return self._preflight.reading_sent()

    def book(self) -> Book:
        """Our own orders as the gate needs them for a new firing."""
        return self._preflight.book(self._session)

    def _round_s(self, session: Session) -> float:
        """When IB is to be asked what it has: about its orders, or also since a position is in doubt."""
        if not session.is_clear:
            return session.round_s
        return min(session.round_s, self._positions.due_s(), self._others_s(session))

    def _others_s(self, session: Session) -> float:
        """When IB is to be asked about orders that are not ours: what waits may wait because of one that is gone."""
        waits = self._dispatcher.waits_for_price or self._journal.undecided
        return session.others_s + OTHERS_AGE_MAX_S if waits and session.others else math.inf

    async def _reconcile(self) -> Evidence | None:
        session = self._session
        if session is None or not session.usable:
            return None
        self._positions.asking()
        evidence = await self._reconciler.run(session, lambda: self._session is session and session.usable)
        self._standstill.hold(self._session, self._journal.intents.at_broker())
        self._partial_fills.note(self._journal.intents.at_broker())
        return evidence

    def _on_error(self, report: OrderError) -> None:
        with self._journal.transaction():
            intent, meaning = self._intake.error(report)
            if intent is None or intent.state.is_over or meaning is Meaning.LEAVE:
                return
            complaint = Complaint(meaning, f"{report.text} ({report.code})", self._clock.now_s())
            self._rejections.heard(intent.key, complaint)
        if self._session is not None:
            self._session.complained(intent.key, complaint)

    def _ask_about(self, intent: Intent | None, report: OrderReport) -> None:
        """Inactive may mean rejected, not filled at once, or waiting: once a connection, we ask which it is."""
        session = self._session
        if intent is None or intent.state.is_over or session is None or report.status is not BrokerStatus.INACTIVE:
            return
        if intent.key not in session.inactive:
            session.inactive.add(intent.key)
            session.due_s = self._clock.now_s()

    def _ask_about_ended(self, intent: Intent | None, report: OrderReport) -> None:
        """What was over seems to work, and nothing may: we ask whether it does, for the report may only be late."""
        session = self._session
        if intent is None or session is None or not (intent.state.is_over and report.status.is_alive):
            return
        if self._standstill.is_on and intent.key not in session.risen:
            session.due_s = self._clock.now_s()

    def _ask_about_larger(self, intent: Intent | None) -> None:
        """More has filled than we took the order to be for: we ask whether it works on."""
        if intent is not None and self._session is not None and intent.filled > intent.quantity:
            self._session.due_s = self._clock.now_s()

    def _ask_about_group(self, session: Session, intent: Intent) -> None:
        """One order of a group has filled: we ask whether IB has cancelled the others, once it should have."""
        if intent.state is IntentState.FILLED and intent.draft.remaining is Remaining.CANCEL:
            session.due_s = min(session.due_s, self._clock.now_s() + self._timing.settle_s + self._timing.probe_s)

    def _suspect(self, intent: Intent | None, report: OrderReport | ExecutionReport) -> None:
        """Another number of IB for one intent is another order: nothing leaves before the evidence has shown it."""
        if intent is not None and self._session is not None and is_another(intent, report):
            self._session.distrust("IB shows a second order for one intent", self._clock.now_s())

    def _on_link(self, change: LinkChange) -> None:
        if change.state == "degraded":
            self._journal.outage()
            self._positions.unseen()
        if self._session is None:
            return
        self._session.usable = change.state == "up"
        self._session.distrust(change.text or Reason.LINK_DOWN, self._clock.now_s())
