"""The write order: what a unit passes from committed intent to bytes on the wire, one unit at a time.

A. Firing, intents, messages and the rule's new memory are one commit (`Journal.record`).
B. Pre-flight: link up and reconciled, no halt, no kill switch, the right account, outside the gateway's restart, not
   too many a second or of its rule a minute, every limit, and a round trip to IB that was answered just now.
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
from collections.abc import Set as AbstractSet

from rules_engine.execution.book import Refusal
from rules_engine.execution.cancelling import Cancelling
from rules_engine.execution.guard import trading_account
from rules_engine.execution.intake import Intake
from rules_engine.execution.intents import UnitName
from rules_engine.execution.journal import Journal
from rules_engine.execution.keys import group_name
from rules_engine.execution.preflight import Preflight
from rules_engine.execution.price_wait import PriceWait
from rules_engine.execution.session import Session
from rules_engine.execution.timing import Timing
from rules_engine.execution.unarrived import certainly_unarrived
from rules_engine.execution.words import describe
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.order import transmits
from rules_engine.model.settings import Settings

State = IntentState
PROVEN_S = 0.9
"""How long ago the last round trip to IB may have begun when an order leaves without one of its own."""
TOLD_AGAIN_S = 3600.0
"""A rule that sends too much is told once within this time."""


class Dispatcher:
    """The only one that sends orders. ``current`` is the connection, ``reconcile`` asks IB what it has."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        settings: Settings,
        preflight: Preflight,
        intake: Intake,
        timing: Timing,
        *,
        current: Callable[[], Session | None],
        reconcile: Callable[[], Awaitable[object]],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._preflight = preflight
        self._intake = intake
        self._timing = timing
        self._current = current
        self._reconcile = reconcile
        self._paced_until_s = 0.0
        self._price_wait = PriceWait(settings.limits.price_wait_s)
        self.cancelling = Cancelling(journal, clock, preflight.budget, timing)
        self.flight = asyncio.Lock()
        """Held while a unit is under way, or IB is being asked what it has."""
        self._departed: tuple[Session, Sequence[Intent]] | None = None
        self._news = asyncio.Event()

    def hear(self) -> None:
        """IB said something, or the connection changed: whoever waits for it looks again."""
        self._news.set()

    @property
    def waits_for_price(self) -> bool:
        """Whether something waits for a price, or whatever else IB may tell in a moment."""
        return self._price_wait.is_on

    def due_s(self, session: Session | None) -> float:
        """When something that waits to be sent should be looked at again: POSIX seconds."""
        now_s = self._clock.now_s()
        moments = [now_s + self._timing.recheck_s]
        unit = self._journal.intents.next_unit()
        if unit and unit[0].expires_s is not None:
            moments.append(unit[0].expires_s)
        if unit and self._paced_until_s:
            moments.append(self._paced_until_s)
        if unit and (end_s := self._preflight.restart_end_s()):
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
            await self._cancel_all()
            while (session := self._current()) and session.unarrived:
                await self._send_again(session, session.unarrived.pop(0))
            self._paced_until_s = 0.0
            self._price_wait.only(await self._send_all())

    async def _send_all(self) -> AbstractSet[UnitName]:
        """Sends what may leave, oldest firing first, also what is recorded meanwhile; returns what has to wait."""
        waiting, slowed = set[UnitName](), set[str]()
        while names := [name for name in self._journal.intents.waiting() if name not in waiting]:
            for name in names:
                if self._journal.mass_cancels.is_left:
                    await self._cancel_all()
                unit = self._journal.intents.unit(*name)
                if unit[0].state is not State.INTENT:
                    continue
                if self._is_over_budget(unit, slowed):
                    slowed.add(unit[0].rule)
                    waiting.add(name)
                elif (self._may_leave() and self._waits_for_cancels(unit)) or self._waits_for_price(unit):
                    waiting.add(name)
                elif not await self._send(unit):
                    return waiting
                self._cancel()
        return waiting

    async def _cancel_all(self) -> None:
        while self._cancel():  # noqa: ASYNC110  # It is others' turn in between.
            await asyncio.sleep(0)

    def _cancel(self) -> bool:
        """Marks what is left of very many, and sends cancellations. What only makes room for a unit stays until orders
        may leave, and goes free where that unit must not leave any more. Whether there is more."""
        session, wishes, may_leave = self._current(), self._journal.wishes, self._may_leave()
        if self._journal.mass_cancels.go_on():
            self.cancelling.send_wanted(session, wishes.waiting)
            return True
        for leg in filter(None, [self._journal.intents.get(f"{firing}.0") for firing in wishes.firings]):
            unit = self._journal.intents.unit(leg.rule, leg.seq)
            if leg.state is State.INTENT and not self._close_stale(unit) and session is not None and may_leave:
                self._close_forbidden(session, unit)
        return self.cancelling.send_wanted(session, () if may_leave else wishes.waiting)

    def _may_leave(self) -> bool:
        return not self._preflight.why_nothing_leaves(self._current())

    def join(self, unit: Sequence[Intent], *, checked: bool) -> Sequence[Intent]:
        """B and C for a unit that the open transaction is about to record: SENDING where it leaves with that commit.
        `depart` is to be called after it.

        ``checked``: the gate has let it pass at this very moment. The unit as it was, with nothing done, where anything
        at all has to be waited for: it is then sent in its turn.
        """
        session = self._current()
        if session is None or not self._may_join(session, unit, checked):
            return unit
        return self._journal.numbered(unit, self._order_ids(session, unit), session.link.mark)

    def depart(self, unit: Sequence[Intent]) -> None:
        """D for a unit that was recorded just now, if it joined that commit."""
        session = self._current()
        if session is not None and any(leg.state is State.SENDING for leg in unit) and self._write(session, unit):
            self._departed = (session, unit)

    def _may_join(self, session: Session, unit: Sequence[Intent], checked: bool) -> bool:
        preflight, intents = self._preflight, self._journal.intents
        if not session.is_clear or session.unarrived or not session.link.is_proven(PROVEN_S):
            return False
        if self.flight.locked() or self._departed or intents.unsent() or self._journal.mass_cancels.is_left:
            return False
        if preflight.why_nothing_leaves(session) or preflight.is_stale(unit) or preflight.forbidden(session.link, unit):
            return False
        if any(intent.cancel_wanted for intent in intents.at_broker()):
            return False
        if preflight.pace_pause_s(unit) > 0 or preflight.budget_pause_s(unit) > 0:
            return False
        return checked or not preflight.over_limit(session, unit)

    async def arrived(self) -> None:
        """Waits for IB's answer to the unit that left with its firing. To be called in flight."""
        departed, self._departed = self._departed, None
        if departed is not None:
            await self._acknowledged(*departed)

    async def _send(self, unit: Sequence[Intent]) -> bool:
        """Takes one unit as far as it goes; False when nothing can be sent now."""
        if self._close_stale(unit):
            return True
        session, preflight = self._current(), self._preflight
        if session is None or not session.is_clear or preflight.halted or self._waits_for_restart(unit):
            return False
        if self._close_forbidden(session, unit):
            return True
        if (pause_s := preflight.pace_pause_s(unit)) > 0:
            self._look_again_in(pause_s)
            return False
        if not await self._answers(session):
            return False
        # Nothing is awaited from here until the unit is on the wire.
        if self._waits_for_restart(unit):
            return False
        if self._journal.mass_cancels.is_left:
            return True  # Its turn comes again once it is known what it has to wait for.
        unit = self._journal.intents.unit(unit[0].rule, unit[0].seq)
        if unit[0].state is not State.INTENT or self._close_stale(unit):
            return True
        if self._is_over_budget(unit) or self._waits_for_cancels(unit) or self._waits_for_price(unit):
            return True
        unit = self._journal.refit(unit, preflight.fitted(session, unit))
        if found := preflight.beside_what_stays(session, unit) or preflight.over_limit(session, unit):
            self._intake.refuse(unit, found, held=preflight.held(unit))
            return True
        if not self._place(session, unit):
            return False
        await self._acknowledged(session, unit)
        return True

    async def _send_again(self, session: Session, name: UnitName) -> None:
        """The same unit under the same numbers. Whatever stands against it, and it is not tried again."""
        session.tried.add(name)
        session.due_s = self._clock.now_s()
        unit, preflight = self._journal.intents.unit(*name), self._preflight
        if preflight.forbidden(session.link, unit) or preflight.pace_pause_s(unit) > 0:
            return
        if not session.is_clear or not await self._answers(session):
            return
        # Nothing is awaited from here until the unit is on the wire. Others may have left since IB was asked about it.
        unit = self._journal.intents.unit(*name)
        if preflight.why_nothing_leaves(session) or preflight.is_stale(unit) or preflight.over_limit(session, unit):
            return
        if not self._is_unarrived(session, unit):
            return
        if self._write(session, self._journal.send_again_committed(unit, session.link.mark)):
            await self._acknowledged(session, unit)

    def _is_unarrived(self, session: Session, unit: Sequence[Intent]) -> bool:
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

    def _is_over_budget(self, unit: Sequence[Intent], slowed: AbstractSet[str] = frozenset()) -> bool:
        """Whether the unit has to wait since its rule has sent so much; other rules may go first. What follows a unit
        of a ``slowed`` rule never overtakes it."""
        rule, pause_s = unit[0].rule, self._preflight.budget_pause_s(unit)
        if not self._can_wait(unit) or (pause_s <= 0 and rule not in slowed):
            return False
        if pause_s > 0:
            self._look_again_in(pause_s)
            why = f"{rule} has sent so many orders and cancellations within a minute ({self._preflight.budget.words})"
            hour = self._clock.now_s() // TOLD_AGAIN_S
            self._tell_waiting(unit, why, "whatever follows of it", f"messages of {rule}.{hour:.0f}")
        return True

    def _waits_for_cancels(self, unit: Sequence[Intent]) -> bool:
        """Whether orders that the unit is not to work beside are being cancelled. Others may go first."""
        session = self._current()
        return session is not None and self._can_wait(unit) and self._preflight.follows_cancels(session, unit)

    def _waits_for_price(self, unit: Sequence[Intent]) -> bool:
        """Whether only a price, or something like it, is missing that IB may tell in a moment. Others may go first."""
        session, now_s = self._current(), self._clock.now_s()
        if session is None or not self._can_wait(unit):
            return False
        name, found = (unit[0].rule, unit[0].seq), self._preflight.over_limit(session, unit)
        return self._price_wait.holds(name, found, now_s)

    def _can_wait(self, unit: Sequence[Intent]) -> bool:
        """Whether it is only this unit that would wait, and waiting is any use."""
        session = self._current()
        return session is not None and session.reconciled and not self._preflight.is_stale(unit)

    def _waits_for_restart(self, unit: Sequence[Intent]) -> bool:
        """Whether the gateway may be restarting. The first unit that has to wait for that is told, with its end."""
        end_s = self._preflight.restart_end_s()
        if end_s is not None:
            why = f"{self._preflight.restarting()}: {unit[0].rule}"
            self._tell_waiting(unit, why, "whatever follows", f"restart window.{end_s:.0f}")
        return end_s is not None

    def _look_again_in(self, pause_s: float) -> None:
        until_s = self._clock.now_s() + pause_s
        self._paced_until_s = min(self._paced_until_s or until_s, until_s)

    def _tell_waiting(self, unit: Sequence[Intent], why: str, others: str, occasion: str) -> None:
        words = describe(tuple(leg.draft for leg in unit))
        self._journal.tell(
            Notice(
                kind=NoticeKind.ORDERS_WAIT,
                text=f"{why}: {words}, and {others}, is sent after that if it is still in time.",
                dedup=occasion,
                at_s=self._clock.now_s(),
                channels=tuple(self._settings.channels),
                title="Orders wait",
            )
        )

    def _close_stale(self, unit: Sequence[Intent]) -> bool:
        """Ends a unit that must not leave any more."""
        preflight = self._preflight
        if not preflight.is_stale(unit):
            return False
        if preflight.is_unwanted(unit):
            self._intake.close_unsent(unit, State.CANCELLED, "Cancelled before it was sent.", NoticeKind.CANCELLED)
        elif preflight.stopped():
            self._intake.refuse(unit, Refusal(Reason.STOPPED, ""))
        elif preflight.budget_pause_s(unit) > 0:
            self._intake.refuse(unit, Refusal(Reason.OVER_LIMIT, preflight.budget.words))
        else:
            why = preflight.why_nothing_leaves(self._current()) or "it waited too long"
            self._intake.close_unsent(
                unit, State.EXPIRED, f"Its time to be sent ran out: {why.rstrip('.')}.", NoticeKind.EXPIRED
            )
        return True

    def _close_forbidden(self, session: Session, unit: Sequence[Intent]) -> bool:
        """Ends a unit for which no waiting is any use."""
        if found := self._preflight.forbidden(session.link, unit):
            self._intake.refuse(unit, found)
        return found is not None

    def _place(self, session: Session, unit: Sequence[Intent]) -> bool:
        """SENDING on disk, then the bytes. False when the link broke in between: then only evidence can tell."""
        with self._journal.transaction():
            order_ids = self._order_ids(session, unit)
            sending = self._journal.send_committed(unit, order_ids, session.link.mark)
        return self._write(session, sending)

    def _order_ids(self, session: Session, unit: Sequence[Intent]) -> Sequence[int]:
        """Fresh ones for the unit; the open transaction remembers what IB says of its contracts."""
        order_ids, floor = list[int](), self._journal.order_id_high_water
        for _ in unit:
            floor = session.link.next_order_id(floor)
            order_ids.append(floor)
        for name in {leg.draft.instrument.name for leg in unit}:
            if (traded := session.link.traded(name)) is not None:
                self._journal.put_traded(name, traded)
        return order_ids

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
                    group=self._group(unit, leg),
                    parent_id=0 if leg.draft.parent is None else order_ids[leg.draft.parent],
                    transmit=transmits(drafts, leg.leg),
                )
        except LinkDown as error:
            session.distrust(str(error), self._clock.now_s() + self._timing.backoff_s)
            return False
        return True

    def _group(self, unit: Sequence[Intent], leg: Intent) -> str:
        """The one-cancels-all group that the leg goes out in; empty for none.

        With the belt a single order is the only one of a group of its own: should IB ever have it twice, the copy is of
        the same group, and IB cancels what is left of it when one of the two fills.
        """
        if leg.draft.group:
            return group_name(leg.key, leg.draft.group)
        return leg.key if self._settings.oca_belt and len(unit) == 1 else ""

    async def _acknowledged(self, session: Session, unit: Sequence[Intent]) -> None:
        """Waits until IB has answered for every leg; without an answer, asks."""

        def unanswered() -> Sequence[Intent]:
            legs = self._journal.intents.unit(unit[0].rule, unit[0].seq)
            return [leg for leg in legs if leg.state is State.SENDING]

        def is_decided() -> bool:
            left = unanswered()
            is_in_doubt = any(leg.key in session.complaints for leg in left)
            return not left or is_in_doubt or self._current() is not session

        await self._until(is_decided, self._timing.ack_s)
        if unanswered() and self._current() is session:
            await self._reconcile()

    async def _until(self, is_so: Callable[[], bool], deadline_s: float) -> bool:
        """Waits for a report to make it so; False after the deadline."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        return is_so()
