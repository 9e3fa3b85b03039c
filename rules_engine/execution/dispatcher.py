"""The write order: what a unit passes from committed intent to bytes on the wire, one unit at a time.

A. Firing, intents, messages and the rule's new memory are one commit (`Journal.record`).
B. Pre-flight: link up and reconciled, no halt, no kill switch, the right account, outside the gateway's restart, not
   too many a second, every limit, and a round trip to IB that was answered just now.
C. SENDING with its order ids is on disk.
D. The bytes leave.
E. IB's first report about each leg, or else its complete answers, says that it arrived.

Where nothing has to be waited for, A and C are one commit (`join`), and IB's answer is at most PROVEN_S old.

What certainly never arrived (`unarrived.py`) passes B to E once more, under the same numbers, where the settings want
that.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.cancelling import Cancelling
from rules_engine.execution.guard import refusal, trading_account
from rules_engine.execution.halts import Halts
from rules_engine.execution.intake import Intake
from rules_engine.execution.journal import Journal
from rules_engine.execution.keys import group_name
from rules_engine.execution.pace import Pace
from rules_engine.execution.ports import OrderLink
from rules_engine.execution.price_wait import PriceWait
from rules_engine.execution.restart_window import RestartWindow
from rules_engine.execution.risk import DUPLICATE_WINDOW_S, RiskGate
from rules_engine.execution.session import Session, UnitName
from rules_engine.execution.timing import Timing
from rules_engine.execution.unarrived import certainly_unarrived
from rules_engine.execution.words import describe
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.order import transmits
from rules_engine.model.settings import Mode, Settings

State = IntentState
PROVEN_S = 0.9
"""How long ago the last round trip to IB may have begun when an order leaves without one of its own."""


class Dispatcher:
    """The only one that sends orders. ``current`` is the connection, ``reconcile`` asks IB what it has."""

    def __init__(
        self,
        journal: Journal,
        gate: RiskGate,
        clock: Clock,
        settings: Settings,
        intake: Intake,
        halts: Halts,
        timing: Timing,
        *,
        live_flag: bool,
        stopped: Callable[[], bool],
        current: Callable[[], Session | None],
        reconcile: Callable[[], Awaitable[object]],
    ) -> None:
        self._journal = journal
        self._gate = gate
        self._clock = clock
        self._settings = settings
        self._intake = intake
        self._halts = halts
        self._timing = timing
        self._live_flag = live_flag
        self._stopped = stopped
        self._current = current
        self._reconcile = reconcile
        self._pace = Pace(journal, settings.limits.max_orders_per_second)
        self._paced_until_s = 0.0
        self._price_wait = PriceWait(settings.limits.price_wait_s)
        self._restart_window = RestartWindow(settings.restart)
        self.cancelling = Cancelling(journal, clock, timing.backoff_s)
        self.flight = asyncio.Lock()
        """Held while a unit is under way, or IB is being asked what it has."""
        self._departed: tuple[Session, Sequence[Intent]] | None = None
        self._news = asyncio.Event()

    def hear(self) -> None:
        """IB said something, or the connection changed: whoever waits for it looks again."""
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
        session = self._current()
        if session is None:
            return Reason.LINK_DOWN
        return (session.why if not session.reconciled else "") or self._restarting()

    @property
    def is_restart_near(self) -> bool:
        """Whether the gateway may be restarting about now."""
        return self._restart_window.end_s(self._clock.now_s()) is not None

    def due_s(self, session: Session | None) -> float:
        """When something that waits to be sent should be looked at again: POSIX seconds."""
        now_s = self._clock.now_s()
        moments = [now_s + self._timing.recheck_s]
        unit = self._journal.intents.next_unit()
        if unit and unit[0].expires_s is not None:
            moments.append(unit[0].expires_s)
        if unit and self._paced_until_s > now_s:
            moments.append(self._paced_until_s)
        if unit and (end_s := self._restart_window.end_s(now_s)):
            moments.append(end_s)
        if self._price_wait.is_on:
            moments.append(now_s + self._timing.poll_s)
        if unit and session and session.reconciled and not session.link.is_clear():
            moments.append(now_s + self._timing.poll_s)
        return min(moments)

    async def dispatch(self) -> None:
        """Sends every unit that may leave now, one at a time, and every cancellation."""
        async with self.flight:
            await self.arrived()
            self.cancelling.send_wanted(self._current())
            while (session := self._current()) and session.unarrived:
                await self._send_again(session, session.unarrived.pop(0))
            waiting = set[tuple[str, int]]()
            while unit := self._journal.intents.next_unit(waiting):
                if self._waits_for_price(unit):
                    waiting.add((unit[0].rule, unit[0].seq))
                elif not await self._send(unit):
                    break
                self.cancelling.send_wanted(self._current())
            self._price_wait.only(waiting)

    def join(self, name: UnitName, *, checked: bool) -> Callable[[], None] | None:
        """B and C for a unit that the open transaction records. What it returns is called after the commit, and does D.

        ``checked``: the gate has let it pass at this very moment. None, with nothing done, where anything at all has
        to be waited for: the unit is then sent in its turn.
        """
        session, unit = self._current(), self._journal.intents.next_unit()
        if session is None or not session.is_clear or session.unarrived or not session.link.is_proven(PROVEN_S):
            return None
        if self.flight.locked() or self._departed or not unit or (unit[0].rule, unit[0].seq) != name:
            return None
        if self._halts.engine or self.is_restart_near or self._is_stale(unit) or self._forbidden(session, unit):
            return None
        if any(intent.cancel_wanted for intent in self._journal.intents.open()):
            return None
        if self._pace.pause_s(len(unit), self._clock.now_s()) > 0 or not (checked or self._check(unit) is None):
            return None
        return partial(self._depart, session, self._number(session, unit))

    async def arrived(self) -> None:
        """Waits for IB's answer to the unit that left with its firing. To be called in flight."""
        departed, self._departed = self._departed, None
        if departed is not None:
            await self._acknowledged(*departed)

    def book(self) -> Book:
        """Our own orders as the gate needs them for a new firing."""
        now_s, day_start_s = self._clock.now_s(), self._gate.day_start_s()
        sent = self._journal.intents.sent_since(min(day_start_s, now_s - DUPLICATE_WINDOW_S))
        return Book(
            open=self._journal.intents.open(),
            recent=[one for one in sent if one.sent_s is not None and now_s - one.sent_s < DUPLICATE_WINDOW_S],
            today=[one for one in sent if one.sent_s is not None and one.sent_s >= day_start_s],
        )

    async def _send(self, unit: Sequence[Intent]) -> bool:
        """Takes one unit as far as it goes; False when nothing can be sent now."""
        if self._close_stale(unit):
            return True
        session = self._current()
        if session is None or not session.is_clear or self._halts.engine or self._waits_for_restart(unit):
            return False
        if found := self._forbidden(session, unit):
            self._block(unit, found)
            return True
        if (pause_s := self._pace.pause_s(len(unit), self._clock.now_s())) > 0:
            self._paced_until_s = self._clock.now_s() + pause_s
            return False
        await self._cancels_over(unit)
        if not await self._answers(session):
            return False
        # Nothing is awaited from here until the unit is on the wire.
        if self._waits_for_restart(unit):
            return False
        unit = self._journal.intents.unit(unit[0].rule, unit[0].seq)
        if unit[0].state is not State.INTENT or self._close_stale(unit):
            return True
        if self._waits_for_price(unit):
            return True
        if found := self._check(unit):
            self._block(unit, found)
            return True
        if not self._place(session, unit):
            return False
        await self._acknowledged(session, unit)
        return True

    async def _send_again(self, session: Session, name: UnitName) -> None:
        """The same unit under the same numbers. Whatever stands against it, and it is not tried again."""
        session.tried.add(name)
        session.due_s = self._clock.now_s()
        unit = self._journal.intents.unit(*name)
        if self._forbidden(session, unit) or self._pace.pause_s(len(unit), self._clock.now_s()) > 0:
            return
        if not session.is_clear or not await self._answers(session):
            return
        # Nothing is awaited from here until the unit is on the wire.
        unit = self._journal.intents.unit(*name)
        is_late = self._is_stale(unit) or self._halts.engine or self.is_restart_near
        if is_late or not self._is_unarrived(session, unit) or self._check(unit):
            return
        if self._write(session, self._journal.send_again_committed(unit, session.link.mark)):
            await self._acknowledged(session, unit)

    def _is_unarrived(self, session: Session, unit: Sequence[Intent]) -> bool:
        """Whether that is still so: other orders may have left since IB was asked."""
        return certainly_unarrived(
            unit, session, outage_s=self._journal.outage_s, now_s=self._clock.now_s(), settings=self._settings
        )

    async def _answers(self, session: Session) -> bool:
        """A round trip to IB; False when it was not answered in time, or the connection is another one by now."""
        try:
            await session.link.probe(self._timing.probe_s)
        except LinkDown as error:
            session.distrust(str(error) or Reason.LINK_DOWN, self._clock.now_s() + self._timing.backoff_s)
            return False
        return self._current() is session and session.is_clear

    def _forbidden(self, session: Session, unit: Sequence[Intent]) -> Refusal | None:
        """What no waiting will change."""
        if why := self._halts.rules.get(unit[0].rule):
            return Refusal(Reason.HALTED, why)
        if why := self._guard(session.link):
            return Refusal(Reason.WRONG_ACCOUNT, why)
        return None

    def _check(self, unit: Sequence[Intent]) -> Refusal | None:
        """Against every limit. What is still to be sent is checked in its turn and does not count yet; nor does the
        unit itself, if it was sent before."""
        keys = {leg.key for leg in unit}
        book = self.book()
        sent = Book(
            open=[one for one in book.open if one.state.may_be_at_broker and one.key not in keys],
            recent=[one for one in book.recent if one.key not in keys],
            today=[one for one in book.today if one.key not in keys],
        )
        return self._gate.check(tuple(leg.draft for leg in unit), sent, unit[0].rule)

    def _waits_for_price(self, unit: Sequence[Intent]) -> bool:
        """Whether only a price, or something like it, is missing that IB may tell in a moment. Others may go first."""
        session = self._current()
        if session is None or not session.reconciled or self._is_stale(unit):
            return False
        return self._price_wait.holds((unit[0].rule, unit[0].seq), self._check(unit), self._clock.now_s())

    def _waits_for_restart(self, unit: Sequence[Intent]) -> bool:
        """Whether the gateway may be restarting. The first unit that has to wait for that is told, with its end."""
        end_s = self._restart_window.end_s(self._clock.now_s())
        if end_s is None:
            return False
        words = describe(tuple(leg.draft for leg in unit))
        self._journal.tell(
            Notice(
                kind=NoticeKind.ORDERS_WAIT,
                text=f"{self._restarting()}: {unit[0].rule}: {words}, and whatever follows, is sent after that if it is"
                " still in time.",
                dedup=f"restart window.{end_s:.0f}",
                at_s=self._clock.now_s(),
                channels=tuple(self._settings.channels),
                title="Orders wait",
            )
        )
        return True

    def _restarting(self) -> str:
        end_s = self._restart_window.end_s(self._clock.now_s())
        if end_s is None:
            return ""
        return f"the gateway may be restarting, orders wait until {self._restart_window.spell_end(end_s)}"

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
            self._block(unit, Refusal(Reason.STOPPED, ""))
        else:
            why = self.waiting_for or "it waited too long"
            self._intake.close_unsent(unit, State.EXPIRED, f"Its time to be sent ran out: {why}.", NoticeKind.EXPIRED)
        return True

    def _block(self, unit: Sequence[Intent], found: Refusal) -> None:
        self._intake.refuse(unit, found)

    def _guard(self, link: OrderLink) -> str | None:
        return refusal(
            mode=self._settings.mode,
            account=self._settings.account,
            accounts=link.accounts,
            port=link.port,
            live_flag=self._live_flag,
        )

    def _depart(self, session: Session, unit: Sequence[Intent]) -> None:
        if self._write(session, unit):
            self._departed = (session, unit)

    def _place(self, session: Session, unit: Sequence[Intent]) -> bool:
        """SENDING on disk, then the bytes. False when the link broke in between: then only evidence can tell."""
        return self._write(session, self._number(session, unit))

    def _number(self, session: Session, unit: Sequence[Intent]) -> Sequence[Intent]:
        """SENDING with its order ids."""
        order_ids, floor = list[int](), self._journal.order_id_high_water
        for _ in unit:
            floor = session.link.next_order_id(floor)
            order_ids.append(floor)
        return self._journal.send_committed(unit, order_ids, session.link.mark)

    def _write(self, session: Session, unit: Sequence[Intent]) -> bool:
        """The bytes of a unit that is SENDING on disk; False when the link broke meanwhile."""
        link, drafts = session.link, tuple(leg.draft for leg in unit)
        account = trading_account(self._settings.account, link.accounts)
        order_ids = [leg.order_id for leg in unit if leg.order_id is not None]
        session.next_order_id = max(session.next_order_id, *(order_id + 1 for order_id in order_ids))
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

        def unanswered() -> Sequence[Intent]:
            legs = self._journal.intents.unit(unit[0].rule, unit[0].seq)
            return [leg for leg in legs if leg.state is State.SENDING]

        def is_decided() -> bool:
            left = unanswered()
            has_error = any(leg.key in session.errors for leg in left)
            return not left or has_error or self._current() is not session

        await self._until(is_decided, self._timing.ack_s)
        if unanswered() and self._current() is session:
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
