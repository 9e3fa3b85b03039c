"""What IB has against what we believe: adopt what is found, call lost what complete evidence does not show."""

import math
from collections.abc import Callable, Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from rules_engine.execution.account_reset import AccountReset
from rules_engine.execution.codes import Meaning
from rules_engine.execution.evidence import Findings, finding
from rules_engine.execution.halts import Halts
from rules_engine.execution.intake import Intake, out_of_reach_words, stuck_words, unknown_words
from rules_engine.execution.journal import Journal
from rules_engine.execution.order_notice import order_notice
from rules_engine.execution.order_states import OrderEvent
from rules_engine.execution.protection import is_outdone
from rules_engine.execution.rejections import Rejections
from rules_engine.execution.session import AskedCancel, News, Session
from rules_engine.execution.slices import in_slices
from rules_engine.execution.timing import Timing
from rules_engine.execution.unarrived import certainly_unarrived
from rules_engine.execution.words import order_words
from rules_engine.model.clock import Clock
from rules_engine.model.errors import EvidenceIncomplete, LinkDown
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import BrokerStatus, Evidence, OrderReport
from rules_engine.model.settings import Mode, Settings
from rules_engine.model.slices import Slices

State = IntentState

_ENDINGS = {Meaning.REFUSES: OrderEvent.REJECTED, Meaning.CANCELS: OrderEvent.CANCELLED}


class Reconciler:
    """Asks the four questions and settles what their complete answers decide. Never sends an order."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        intake: Intake,
        halts: Halts,
        rejections: Rejections,
        timing: Timing,
        settings: Settings,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._intake = intake
        self._timing = timing
        self._halts = halts
        self._rejections = rejections
        self._settings = settings
        self._account_reset = AccountReset(journal, clock)
        self._everyone = tuple(settings.channels)
        self._reminded_s: dict[str, float] = {}

    async def run(self, session: Session, is_current: Callable[[], bool]) -> Evidence | None:
        """One round: IB is asked, and its answers compared with the journal in slices, during which news may come.

        None when an answer was missing, and nothing is concluded then; or when the link broke meanwhile, and nothing
        more is concluded: the next round repeats what was, and changes nothing by that.
        """
        before = self._journal.intents.at_broker()
        asked_s = self._clock.now_s()
        try:
            evidence = await session.link.evidence(self._timing.evidence_s)
        except (EvidenceIncomplete, LinkDown) as error:
            self._incomplete(session, str(error))
            return None
        if not is_current():
            return None
        session.news, session.due_s, is_done = News(), math.inf, False
        try:
            comparing = self._comparing(session, session.news, evidence, before, asked_s)
            is_done = await in_slices(self._while_current(comparing, session.news, is_current))
        finally:
            session.news = None
            session.due_s = session.due_s if is_done else min(session.due_s, asked_s)
        return evidence if is_done else None

    def _while_current(self, work: Slices[None], news: News, is_current: Callable[[], bool]) -> Slices[bool]:
        """Does the work as long as the link holds; whether it was done to its end. What fills in between is news."""
        grown = self._journal.holdings.grown
        for _ in work:
            grown.clear()
            yield
            news.filled |= grown
            if not is_current():
                return False
        return True

    def _comparing(
        self, session: Session, news: News, evidence: Evidence, before: Sequence[Intent], asked_s: float
    ) -> Slices[None]:
        """What halts comes first, and that the session is reconciled last: nothing is sent in between. What filled is
        adopted before what IB says of its orders, and what is adopted before what is missing is called lost."""
        client_id, intents = self._settings.gateway.client_id, self._journal.intents
        findings = yield from finding(evidence, before, self._journal.naming, intents.find, client_id)
        if self._settings.mode is not Mode.DRY:
            self._halts.client(client_id)
        self._halts.strangers(findings.strangers)
        self._halts.counted(self._scope(session), evidence.next_order_id - 1, findings.orphans)
        self._halts.adopted()
        yield
        risen = self._risen(findings, asked_s)
        yield from self._alarming(findings, risen)
        session.elsewhere = findings.elsewhere
        yield from self._adopting(session, evidence)
        session.risen = self._still_risen(session, risen)
        yield from self._telling_out_of_reach(findings.elsewhere)
        self._journal.holdings.told({one.instrument: one.quantity for one in evidence.positions}, news.filled)
        session.next_order_id = evidence.next_order_id
        yield
        yield from self._settling_rejected(session, news, findings.alive)
        yield from self._settling_absent(session, news, findings.absent)
        missing = {intent.key for intent in findings.absent}
        yield from self._settling_cancels(session, missing, asked_s)
        yield from self._settling_groups(missing, asked_s)
        others = {report.perm_id: report for report in findings.others} | news.others
        session.others = {perm_id: report for perm_id, report in others.items() if report.status.is_alive}
        session.others_s = self._clock.now_s()
        session.attempts = 0
        if not session.reconciled and self._is_emptied(session, evidence):
            return
        self._account_reset.remember(evidence, news.filled)
        next_s = self._next_round_s(session)
        yield
        if not news.is_distrusted:
            session.reconciled, session.why = True, ""
        session.due_s = min(session.due_s, next_s)

    def reminding(self) -> Slices[None]:
        """Tells again of every order whose fate is unknown, a quarter of an hour after the last time."""
        for intent in self._journal.intents.at_broker():
            if intent.state is State.UNKNOWN and self._is_to_be_told(intent):
                self._remind(intent, NoticeKind.UNKNOWN_ORDER, unknown_words(intent))
                yield

    def _is_to_be_told(self, intent: Intent) -> bool:
        return self._clock.now_s() - self._reminded_s.get(intent.key, -math.inf) >= self._timing.remind_s

    def _remind(self, intent: Intent, kind: NoticeKind, text: str) -> None:
        if self._is_to_be_told(intent):
            self._reminded_s[intent.key] = now_s = self._clock.now_s()
            self._tell(intent, kind, text, str(int(now_s)))

    def _incomplete(self, session: Session, why: str) -> None:
        pause_s = min(self._timing.backoff_s * 2**session.attempts, self._timing.backoff_max_s)
        session.attempts += 1
        session.distrust(f"what IB has is not known: {why}", self._clock.now_s() + pause_s)

    def _adopting(self, session: Session, evidence: Evidence) -> Slices[None]:
        # Fills first: they are the truth, and a message about them can then name the price.
        away = not session.reconciled
        for execution in evidence.executions:
            self._intake.execution(execution, away=away)
            yield
        reports = sorted((*evidence.open_orders, *evidence.completed), key=_what_explains_first)
        yield
        for report in reports:
            # What IB has said of it since is newer than its answer, and need not come after it.
            newest = report if report.completed else session.link.latest(report)
            self._intake.order(newest, away=away)
            yield

    def _settling_rejected(self, session: Session, news: News, alive: AbstractSet[str]) -> Slices[None]:
        """Ends what IB said is rejected, unless its answers show it alive. Such an order is looked at once more; if it
        lives even then, IB had complained of it and not ended it."""
        for key in sorted(session.complaints):  # An entry before its exits.
            yield
            complaint, intent = session.complaints[key], self._journal.intents.get(key)
            if complaint.meaning is not Meaning.REJECTS or intent is None:
                continue
            lives = key in alive or key in news.alive
            if not lives:
                self._intake.conclude(intent, OrderEvent.REJECTED, complaint.words)
            if not lives or self._clock.now_s() - complaint.at_s >= self._timing.settle_s:
                del session.complaints[key]
        self._rejections.only(session.complaints)

    def _settling_absent(self, session: Session, news: News, absent: Sequence[Intent]) -> Slices[None]:
        now_s, since_s = self._clock.now_s(), session.absent_since_s
        session.unarrived.clear()
        session.absent_since_s = {intent.key: since_s.get(intent.key, now_s) for intent in absent}
        session.keep_complaints(session.absent_since_s)
        missing = {intent.key for intent in absent}
        for intent in absent:
            yield
            newest = self._journal.intents.get(intent.key)
            if intent.key in news.alive:
                session.absent_since_s[intent.key] = self._clock.now_s()  # It came after the answers.
            if newest is None or newest.state.is_over or not self._is_settled(session, newest):
                continue
            complaint = session.complaints.get(intent.key)
            if complaint is not None and complaint.meaning in _ENDINGS:
                self._intake.conclude(newest, _ENDINGS[complaint.meaning], complaint.words)
            elif not self._may_go_again(session, newest):
                self._lose(newest, missing)

    def _settling_cancels(self, session: Session, missing: AbstractSet[str], asked_s: float) -> Slices[None]:
        """What IB shows although its cancellation is long out is to be cancelled once more. An order that it does not
        show is left alone: another may bear its number."""
        for key in list(session.cancelling):
            yield
            asked, intent = session.cancelling.get(key), self._journal.intents.get(key)
            if asked is None or intent is None or (intent.state.is_over and key not in session.risen):
                session.cancelling.pop(key, None)
            elif asked.look_s is None or asked.look_s > asked_s:
                continue
            elif key in missing:
                session.cancelling[key] = replace(asked, look_s=self._clock.now_s() + self._timing.recheck_s)
            else:
                again = session.cancelling[key] = AskedCancel(None, asked.unheeded + 1)
                if again.is_stuck:
                    self._remind(intent, NoticeKind.ALARM, stuck_words(intent))

    def _settling_groups(self, missing: AbstractSet[str], asked_s: float) -> Slices[None]:
        """IB cancels what is left of a group of which one order has filled. What still works so long after the fill is
        not to fill too: an order that reaches IB after it may have joined nobody."""
        found = self._outdone(asked_s - self._timing.settle_s)
        yield
        for outdone in found:
            yield
            leg, may_stay = self._journal.intents.get(outdone.key), self._journal.wishes.waiting
            if leg is None or leg.state.is_over or leg.key in missing:
                continue
            if not leg.cancel_wanted or leg.key in may_stay:
                self._journal.want_leg_cancelled(leg)
                text = f"another order of its group has filled, and IB has not cancelled {order_words(leg.draft)}"
                self._tell(leg, NoticeKind.ALARM, f"{text}: cancelling it", "outdone")

    def _outdone(self, until_s: float) -> Sequence[Intent]:
        """Those of whose group another order had filled by then."""
        intents = self._journal.intents
        return [leg for leg in intents.beside_filled(until_s) if is_outdone(leg, intents.unit(leg.rule, leg.seq))]

    def _telling_out_of_reach(self, elsewhere: AbstractSet[str]) -> Slices[None]:
        """Of what is to be cancelled, and cannot be from here."""
        for intent in self._journal.intents.at_broker():
            if intent.cancel_wanted and intent.key in elsewhere:
                self._remind(intent, NoticeKind.ALARM, out_of_reach_words(intent))
                yield

    def _is_settled(self, session: Session, intent: Intent) -> bool:
        """Whether complete evidence has not shown it for so long that what was on its way would have arrived."""
        now_s = self._clock.now_s()
        return now_s - session.absent_since_s.get(intent.key, now_s) >= self._timing.settle_s

    def _is_emptied(self, session: Session, evidence: Evidence) -> bool:
        """Whether IB shows none of the positions that it showed when we were last connected, and is to be asked once
        more about them. If it shows none even then, the engine halts."""
        now_s, missing = self._clock.now_s(), self._account_reset.missing(evidence)
        if not missing:
            session.emptied_s = None
            return False
        session.emptied_s = now_s if session.emptied_s is None else session.emptied_s
        again_s = session.emptied_s + self._timing.settle_s
        if now_s < again_s:
            session.distrust("all positions of the account are gone; IB is asked once more", again_s)
            return True
        self._halts.account_reset(missing)
        return False

    def _may_go_again(self, session: Session, intent: Intent) -> bool:
        """Whether the dispatcher is to send the unit of this intent once more; noted for it."""
        name = (intent.rule, intent.seq)
        unit = self._journal.intents.unit(*name)
        witnessed = certainly_unarrived(
            unit, session, outage_s=self._journal.outage_s, now_s=self._clock.now_s(), settings=self._settings
        )
        if not witnessed or name in session.tried or not all(self._is_settled(session, leg) for leg in unit):
            return False
        if name not in session.unarrived:
            session.unarrived.append(name)
        return True

    def _lose(self, intent: Intent, missing: Container[str]) -> None:
        why = "; ".join(filter(None, ("IB's complete lists show no trace of it", intent.reason)))
        if self._intake.conclude(intent, OrderEvent.LOST, why).state is not State.UNKNOWN:
            return
        unit = self._journal.intents.unit(intent.rule, intent.seq)
        shown = [leg for leg in unit if leg.state.may_be_at_broker and leg.key not in missing]
        if exits := [leg for leg in shown if leg.draft.parent == intent.leg]:
            words = "; ".join(order_words(leg.draft) for leg in exits)
            why = f"IB holds its exits ({words}), as it does of an entry that has filled. They are left as they are"
            self._tell(intent, NoticeKind.ALARM, f"{order_words(intent.draft)} seems to have filled: {why}", "exits")
        # A unit is meant whole: what arrived of it must not work alone. What IB has not shown either may only be late,
        # and then all of it is. Exits go with their entry at IB, and protect what it has filled.
        rest = [leg for leg in shown if not leg.is_child]
        if intent.state is State.SENDING and rest:
            for leg in rest:
                self._journal.want_leg_cancelled(leg)
            words = "; ".join(order_words(leg.draft) for leg in rest)
            self._tell(intent, NoticeKind.ALARM, f"only a part of the orders reached IB; cancelling {words}", "part")

    def _risen(self, findings: Findings, asked_s: float) -> Sequence[tuple[Intent, OrderReport]]:
        """What was over and is alive; not what ended between IB's answer and our reading it."""
        unchanged = self._journal.intents.is_unchanged_since
        return [(intent, report) for intent, report in findings.risen if unchanged(intent.key, asked_s)]

    def _still_risen(self, session: Session, risen: Sequence[tuple[Intent, OrderReport]]) -> dict[str, OrderReport]:
        """Without what is open in the journal again by now, what has ended since, and what goes by the numbers of
        another client."""
        ours = [report for _, report in risen if report.client_id == self._settings.gateway.client_id]
        alive = [report for report in map(session.link.latest, ours) if report.status.is_alive]
        newest = [(self._journal.intents.find(one.order_ref, one.perm_id), one) for one in alive]
        return {intent.key: one for intent, one in newest if intent is not None and intent.state.is_over}

    def _alarming(self, findings: Findings, risen: Sequence[tuple[Intent, OrderReport]]) -> Slices[None]:
        for double in findings.doubles:
            self._halts.double(double.intent.rule, double.intent.key, double.numbers, alive=double.alive)
            yield
        for intent, _ in risen:
            text = f"IB holds this order alive although it was {intent.state}: {order_words(intent.draft)}"
            self._tell(intent, NoticeKind.ALARM, text, "risen")
            yield

    def _tell(self, intent: Intent, kind: NoticeKind, text: str, occasion: str) -> None:
        now_s = self._clock.now_s()
        self._journal.tell(order_notice(kind, intent, text, occasion=occasion, at_s=now_s, channels=self._everyone))

    def _scope(self, session: Session) -> str:
        """Where IB's count of our order ids belongs to: another login, gateway or client id has another count."""
        place = f"{self._settings.gateway.host}:{session.link.port}"
        return f"{place} {','.join(sorted(session.link.accounts))} client {self._settings.gateway.client_id}"

    def _next_round_s(self, session: Session) -> float:
        now_s = self._clock.now_s()
        since_s = [*session.absent_since_s.values(), *(one.at_s for one in session.complaints.values())]
        moments = [one_s + self._timing.settle_s for one_s in since_s]
        doubtful = any(intent.state in (State.SENDING, State.UNKNOWN) for intent in self._journal.intents.at_broker())
        doubtful = doubtful or any(not leg.cancel_wanted for leg in self._outdone(now_s))
        rest_s = now_s + (self._timing.recheck_s if doubtful else self._timing.audit_s)
        return min((moment_s for moment_s in moments if moment_s > now_s), default=rest_s)


def _what_explains_first(report: OrderReport) -> tuple[bool, str]:
    """What filled goes before what that cancelled, and an entry before its exits."""
    return report.status is not BrokerStatus.FILLED, report.order_ref
