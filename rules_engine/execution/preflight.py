"""What stands against a unit at the moment of sending, besides the link: B of the write order. Changes nothing."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.exposure import contract_in
from rules_engine.execution.guard import refusal, trading_account
from rules_engine.execution.halts import Halts
from rules_engine.execution.journal import Journal
from rules_engine.execution.pace import MessageBudget, Pace
from rules_engine.execution.ports import OrderLink
from rules_engine.execution.restart_window import RestartWindow
from rules_engine.execution.risk import DUPLICATE_WINDOW_S, RiskGate
from rules_engine.execution.session import Session
from rules_engine.execution.words import order_words
from rules_engine.model.clock import Clock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft
from rules_engine.model.reports import OrderReport
from rules_engine.model.settings import Mode, Settings
from rules_engine.model.slices import Slices


class Preflight:
    """``live_flag`` is `--live`, ``stopped`` the kill switch."""

    def __init__(
        self,
        journal: Journal,
        gate: RiskGate,
        clock: Clock,
        settings: Settings,
        halts: Halts,
        *,
        live_flag: bool,
        stopped: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._gate = gate
        self._clock = clock
        self._settings = settings
        self._halts = halts
        self._live_flag = live_flag
        self.stopped = stopped
        self._restart_window = RestartWindow(settings.restart)
        self._pace = Pace(journal, settings.limits.max_orders_per_second)
        self.budget = MessageBudget(journal, settings.limits.max_messages_per_rule_per_minute, clock.now_s())

    def why_nothing_leaves(self, session: Session | None) -> str:
        """Why no order at all can be sent now; empty when orders may leave."""
        if self.stopped():
            return Reason.STOPPED
        if self._settings.mode is Mode.DRY:
            return "the mode is dry"
        if halted := self._halts.engine:
            return halted
        if session is None:
            return Reason.LINK_DOWN
        return (session.why if not session.reconciled else "") or self.restarting()

    @property
    def halted(self) -> str:
        """Why no order may leave before the user has looked; empty when it may."""
        return self._halts.engine

    def restart_end_s(self) -> float | None:
        """Until when the gateway may be restarting; None when it is not expected to."""
        return self._restart_window.end_s(self._clock.now_s())

    def restarting(self) -> str:
        """The same in words; empty when it is not."""
        end_s = self.restart_end_s()
        if end_s is None:
            return ""
        return f"the gateway may be restarting, orders wait until {self._restart_window.spell_end(end_s)}"

    def is_stale(self, unit: Sequence[Intent]) -> bool:
        """Whether the unit must not leave any more."""
        expires_s = unit[0].expires_s
        is_late = expires_s is not None and self._clock.now_s() >= expires_s
        return is_late or self.is_unwanted(unit) or self.stopped()

    def is_unwanted(self, unit: Sequence[Intent]) -> bool:
        """Whether it is to be cancelled."""
        unmarked, is_unwanted = self._journal.mass_cancels, self._journal.intents.is_unwanted
        return any(is_unwanted(leg) or leg.key in unmarked for leg in unit)

    def forbidden(self, link: OrderLink, unit: Sequence[Intent]) -> Refusal | None:
        """What no waiting will change."""
        if why := self._halts.rules.get(unit[0].rule):
            return Refusal(Reason.HALTED, why)
        if why := self._guard(link):
            return Refusal(Reason.WRONG_ACCOUNT, why)
        return None

    def pace_pause_s(self, unit: Sequence[Intent]) -> float:
        """How long everything has to wait, since so much has just left."""
        return self._pace.pause_s(len(unit), self._clock.now_s())

    def budget_pause_s(self, unit: Sequence[Intent]) -> float:
        """How long this unit has to wait, since its rule has used up its messages."""
        return self.budget.pause_s(unit[0].rule, len(unit), self._clock.now_s())

    def over_limit(self, session: Session, unit: Sequence[Intent]) -> Refusal | None:
        """Against every limit. What is still to be sent is checked in its turn and does not count yet; nor does the
        unit itself, if it was sent before."""
        return self._over_limit(session, unit, self._journal.intents.at_broker())

    def fitted(self, session: Session, unit: Sequence[Intent]) -> Sequence[OrderDraft]:
        """The orders of the unit as they should leave: what closes a position, for as much as is left of it by now."""
        book = self._book(session, self._journal.intents.at_broker(), besides={leg.key for leg in unit})
        return self._gate.fitted(tuple(leg.draft for leg in unit), book)

    def held(self, unit: Sequence[Intent]) -> Sequence[Intent]:
        """Those of the unit that would close a position which is there, for all we know."""
        return [leg for leg in unit if leg.draft.closes and not self._gate.is_flat(leg.draft)]

    def follows_cancels(self, session: Session, unit: Sequence[Intent]) -> bool:
        """Whether cancellations that may still come through are to be waited for: of orders in the contracts of the
        unit, or of all where only they stand against it. What still works counts against it."""
        alive = self._journal.intents.at_broker()
        going = [one for one in alive if one.cancel_wanted]
        hopeful = [one for one in going if not session.is_stuck(one)]
        if not hopeful or self._beside(session, unit, hopeful):
            return bool(hopeful)
        staying = [one for one in alive if not one.cancel_wanted]
        return self._over_limit(session, unit, alive) is not None and self._over_limit(session, unit, staying) is None

    def beside_what_stays(self, session: Session, unit: Sequence[Intent]) -> Refusal | None:
        """An order that was to be gone before the unit, and is not to be got rid of. What only closes a position leaves
        all the same, as far as what still works leaves of it."""
        if all(leg.draft.closes for leg in unit):
            return None
        going = [one for one in self._journal.intents.at_broker() if one.cancel_wanted]
        stuck = self._beside(session, unit, [one for one in going if session.is_stuck(one)])
        if not stuck:
            return None
        words = "; ".join(f"{order_words(one.draft)} of {one.rule}" for one in stuck)
        return Refusal(Reason.NOT_CANCELLED, words)

    def _beside(self, session: Session, unit: Sequence[Intent], others: Sequence[Intent]) -> Sequence[Intent]:
        """Those in a contract of the unit, by whatever name."""
        contracts = {contract_in(session.link, leg.draft.instrument) for leg in unit}
        return [one for one in others if contract_in(session.link, one.draft.instrument) in contracts]

    def _over_limit(self, session: Session, unit: Sequence[Intent], counting: Sequence[Intent]) -> Refusal | None:
        book = self._book(session, counting, besides={leg.key for leg in unit})
        return self._gate.check(tuple(leg.draft for leg in unit), book, unit[0].rule)

    def book(self, session: Session | None) -> Book:
        """Our own orders as the gate needs them for a new firing."""
        return self._book(session, self._journal.intents.open())

    def reading_sent(self) -> Slices[None]:
        """Takes in, in slices, the sent orders that a book has. Nothing else may write intents meanwhile."""
        return self._journal.intents.reading_sent(self._sent_since_s())

    def _sent_since_s(self) -> float:
        return min(self._gate.day_start_s(), self._clock.now_s() - DUPLICATE_WINDOW_S)

    def _book(
        self, session: Session | None, counting: Sequence[Intent], besides: AbstractSet[str] = frozenset()
    ) -> Book:
        now_s, day_start_s = self._clock.now_s(), self._gate.day_start_s()
        sent = [
            (one, one.sent_s)
            for one in self._journal.intents.sent_since(self._sent_since_s())
            if one.sent_s is not None and one.key not in besides
        ]
        return Book(
            open=[one for one in counting if one.key not in besides],
            recent=[one for one, sent_s in sent if abs(now_s - sent_s) < DUPLICATE_WINDOW_S],
            today=[one for one, sent_s in sent if sent_s >= day_start_s],
            others=() if session is None else self._others(session),
            others_s=0.0 if session is None else session.others_s,
            profit_of=self._journal.intents.profit_of,
            traded_at_sending=self._journal.traded_at_sending,
            unmarked=self._journal.mass_cancels,
        )

    def _others(self, session: Session) -> Sequence[OrderReport]:
        account = trading_account(self._settings.account, session.link.accounts)
        return [report for report in session.others.values() if report.account == account]

    def _guard(self, link: OrderLink) -> str | None:
        return refusal(
            mode=self._settings.mode,
            account=self._settings.account,
            accounts=link.accounts,
            port=link.port,
            live_flag=self._live_flag,
        )
