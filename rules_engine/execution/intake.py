"""IB's reports into the journal: each one a transaction of state, fills and messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rules_engine.execution.book import Refusal
from rules_engine.execution.changes import Change, Listener, UnitEnd
from rules_engine.execution.codes import Meaning, meaning_of
from rules_engine.execution.evidence import is_another
from rules_engine.execution.journal import Journal
from rules_engine.execution.keys import firing_of
from rules_engine.execution.order_notice import order_notice
from rules_engine.execution.order_states import OrderEvent, executed, move, reported, uses_once
from rules_engine.execution.positions import NO_CONTRACT, Positions
from rules_engine.execution.protection import Protection, gone_beside, is_explained, protects
from rules_engine.execution.words import fill_words, order_words
from rules_engine.model.action import Duration, Side
from rules_engine.model.clock import Clock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order_words import plain
from rules_engine.model.reports import ExecutionReport, OrderError, OrderReport

State = IntentState
News = Change | UnitEnd

_NEW = frozenset({State.SENDING, State.UNKNOWN, State.ADOPTED, State.ABANDONED})
_AT_IB = frozenset({State.ACKED, State.WORKING})
_NO_EXIT_LOST = frozenset({Reason.NOTHING_TO_CLOSE, Reason.STOPPED})
"""Nothing is held that should be closed, or its user wanted nothing sent."""
_STAYS = "The position stays open: see in TWS whether it still has a stop"


@dataclass(frozen=True, slots=True)
class _Beside:
    """Orders that were to make room for a unit which never leaves: those that stay, and those that go all the same."""

    stay: Sequence[Intent]
    going: Sequence[Intent]

    def words(self) -> Sequence[str]:
        told = {"Stays at IB": self.stay, "Is being cancelled all the same": self.going}
        return [f"{what}: {_list(orders)}" for what, orders in told.items() if orders]


class Intake:
    """Applies what IB says to our intents. What is not ours is none of our business, and is ignored."""

    def __init__(
        self, journal: Journal, clock: Clock, listener: Listener, positions: Positions, protection: Protection
    ) -> None:
        self._journal = journal
        self._positions = positions
        self._protection = protection
        self._clock = clock
        self._listener = listener

    def order(self, report: OrderReport, *, away: bool) -> Intent | None:
        """An order's state as IB tells it. Returns the intent, None when the order is not ours."""
        intent = self._journal.intents.find(report.order_ref, report.perm_id)
        if intent is None:
            return None
        if is_another(intent, report):
            return intent  # A second order under our reference: its end is no news about the first.
        after = reported(intent, report)
        if after != intent and self._journal.is_corrected(intent.key):
            after = reported(intent, report, corrected=True)
        if after != intent:
            self._commit(intent, after, "report", report, away=away)
        return after

    def execution(self, report: ExecutionReport, *, away: bool) -> Intent | None:
        """A fill, told once however often IB repeats it; a correction replaces what it corrects."""
        intent = self._journal.intents.find(report.order_ref, report.perm_id)
        if intent is None:
            return None
        with self._journal.transaction():
            before = self._journal.fills(intent.key)
            if not self._journal.fill(intent.key, report):
                return intent
            fills = self._journal.fills(intent.key)
            corrects = len(fills) == len(before)
            after = executed(intent, fills, report, corrects=corrects)
            news = self._write(intent, after, "correction" if corrects else "fill", report, away=away)
            if corrects:
                text, occasion = f"IB corrected a fill: {fill_words(after)}", f".{report.exec_id}"
                news = [*news, self._tell(after, NoticeKind.ALARM, text, occasion=occasion)]
        self._publish(news)
        return after

    def error(self, report: OrderError) -> tuple[Intent | None, Meaning]:
        """An error on an order. It ends nothing: what it means is judged with IB's own view of the order."""
        intent, meaning = self._journal.intents.with_order_id(report.order_id), meaning_of(report.code)
        if intent is None:
            return None, meaning
        words = f"{report.text} ({report.code})"
        if meaning is Meaning.REJECTS and not intent.state.is_over:
            reason = words
        elif meaning is not Meaning.LEAVE and intent.state is State.SENDING:
            # Nothing else is known of it yet: should it never be seen, this is what its user has to judge by.
            reason = f"IB answered: {words}"
        else:
            self._journal.event(intent.key, "error", report)
            return intent, meaning
        answered = replace(intent, reason=reason)
        self._journal.change(answered, "error", report)
        return answered, meaning

    def conclude(self, intent: Intent, event: OrderEvent, reason: str) -> Intent:
        """Moves an intent by a conclusion of ours rather than by a report."""
        after = replace(intent, state=move(intent.state, event), reason=reason)
        if after.state is not intent.state:
            self._commit(intent, after, str(event), {"reason": reason}, away=False)
        return after

    def tell_partial(self, key: str) -> None:
        """How much of an order has filled so far; what was told before is not told again."""
        intent = self._journal.intents.get(key)
        if intent is not None and intent.state is State.PARTIAL:
            alone = self._alone_words(intent)
            text, occasion = f"{fill_words(intent)} so far{alone}", ".alone" if alone else ""
            self._publish([self._tell(intent, NoticeKind.PARTLY_FILLED, text, occasion=occasion)])

    def adopt(self, intent: Intent) -> Intent:
        """The user has seen the order of unknown fate at IB: it stays open until IB's own reports complete it."""
        assert intent.state is State.UNKNOWN
        after = replace(intent, state=State.ADOPTED, reason="seen at IB by the user")
        self._commit(intent, after, "adopted", None, away=False)
        return after

    def abandon(self, intent: Intent) -> Intent:
        """The user has looked, and IB does not have the order: it is over, unless IB ever reports it."""
        assert intent.state in (State.UNKNOWN, State.ADOPTED)
        after = replace(intent, state=State.ABANDONED, reason="not at IB, says the user")
        self._commit(intent, after, "abandoned", None, away=False)
        return after

    def close_unsent(self, legs: Sequence[Intent], state: IntentState, reason: str, notice: NoticeKind) -> None:
        """Ends legs that never left, with one message for all of them."""
        with self._journal.transaction():
            beside = self._take_back_wishes(legs[0], legs)
            told = _unless_exit(legs, notice) if state is State.EXPIRED else notice
            news = self._close(legs, state, reason, told, beside)
        self._publish(news)

    def refuse(self, legs: Sequence[Intent], found: Refusal, held: Sequence[Intent] | None = None) -> None:
        """Ends legs that a limit or a guard stopped at the moment of sending: the firing says which it was. ``held``:
        those that were to close what is there all the same; all of them where nobody has looked."""
        words = f"Held back: {found.reason}" + (f" ({found.detail})" if found.detail else "")
        with self._journal.transaction():
            self._journal.firings.refuse(legs[0].rule, legs[0].seq, found.reason, found.detail)
            beside = self._take_back_wishes(legs[0], legs if held is None else held)
            is_bared = bool(held and beside.going) and found.reason is Reason.NOTHING_TO_CLOSE
            is_exit_lost = is_bared or found.reason not in _NO_EXIT_LOST
            notice = _unless_exit(legs, NoticeKind.HELD_BACK) if is_exit_lost else NoticeKind.HELD_BACK
            news = self._close(legs, State.BLOCKED, words, notice, beside)
        self._publish(news)

    def _close(
        self, legs: Sequence[Intent], state: IntentState, reason: str, notice: NoticeKind, beside: _Beside
    ) -> Sequence[News]:
        assert all(leg.state is State.INTENT for leg in legs)
        for leg in legs:
            self._journal.change(replace(leg, state=state, reason=reason), str(state), {"reason": reason})
        words = "; ".join(order_words(leg.draft) for leg in legs)
        stays = f" {_STAYS}" if notice is NoticeKind.ALARM else ""
        text = f"not sent: {words}. {reason}{stays}"
        if words_beside := beside.words():
            text = ". ".join((text.rstrip("."), *words_beside))
        return [self._tell(replace(legs[0], state=state), notice, text), *self._end_unit(legs[0])]

    def _take_back_wishes(self, leg: Intent, held: Sequence[Intent]) -> _Beside:
        """What was to be cancelled only to make room for the unit of that leg goes on protecting what these were to
        close, unless its cancellation has left."""
        ended = self._journal.wishes.end(firing_of(leg.key))
        free, going = (
            [one for one in map(self._journal.intents.get, keys) if one] for keys in (ended.free, ended.going)
        )
        kept = [one for one in free if not one.state.is_over and self._protects(one, held)]
        for intent in kept:
            self._journal.keep(intent)
        return _Beside(kept, [one for one in going if not one.state.is_over])

    def _protects(self, order: Intent, closing: Sequence[Intent]) -> bool:
        return protects(order, self._journal.intents.unit(order.rule, order.seq), closing)

    def _commit(self, before: Intent, after: Intent, kind: str, data: object, *, away: bool) -> None:
        with self._journal.transaction():
            news = self._write(before, after, kind, data, away=away)
        self._publish(news)

    def _write(self, before: Intent, after: Intent, kind: str, data: object, *, away: bool) -> Sequence[News]:
        self._journal.change(after, kind, data)
        if grown := after.filled - before.filled:
            bought = grown if after.draft.side is Side.BUY else -grown
            self._journal.holdings.filled(after.draft.instrument.name, bought)
            self._positions.filled(*self._where_and_when(data, away=away), bought)
        news: list[News] = [self._tell(after, notice, text, away=away) for notice, text in self._steps(before, after)]
        self._protection.stepped(before, after)
        if after.held and (after.filled > 0 or after.state is State.WORKING):
            self._journal.firings.trigger(after.rule, after.seq)
        return [*news, *self._end_unit(after)]

    def _where_and_when(self, data: object, *, away: bool) -> tuple[int, float]:
        """The contract of a fill, and when it was made at the earliest, as far as IB says."""
        now_s = self._clock.now_s()
        match data:
            case ExecutionReport(contract_id=contract_id, time_s=time_s):
                return contract_id, time_s if away else now_s
            case OrderReport(contract_id=contract_id):
                return contract_id, now_s
            case _:
                return NO_CONTRACT, now_s

    def _steps(self, before: Intent, after: Intent) -> Sequence[tuple[NoticeKind, str]]:
        """What is worth telling about the step from ``before`` to ``after``."""
        if after.quantity > before.quantity and after.state.may_be_at_broker:
            going = "is being cancelled" if after.cancel_wanted else "works on"
            size = f"{order_words(after.draft)} is for {plain(after.quantity)} now, and {going}"
            return [(NoticeKind.ALARM, f"somebody made it larger in TWS: {size}"), *self._turns(before, after)]
        return self._turns(before, after)

    def _turns(self, before: Intent, after: Intent) -> Sequence[tuple[NoticeKind, str]]:
        if before.state.is_over and after.filled > before.filled:
            why = f"although IB had reported the order {before.state}"
            if before.state is State.FILLED:
                why = "more than was sent"
            return [(NoticeKind.FILLED, f"{fill_words(after)}, {why}")]
        if after.state is before.state:
            return []
        match after.state:
            case State.FILLED:
                less = ": IB calls that filled" if after.filled < after.quantity else ""
                return [(NoticeKind.FILLED, f"{fill_words(after)}{less}{self._exit_words(after)}")]
            case State.REJECTED:
                return [(NoticeKind.REJECTED, _rejection_words(after))]
            case State.CANCELLED:
                beside = f"{self._alone_words(after)}{self._exit_words(after)}"
                return [(NoticeKind.CANCELLED, f"{_cancel_words(after)}{beside}")]
            case State.UNKNOWN:
                return [(NoticeKind.UNKNOWN_ORDER, unknown_words(after))]
            case State.ACKED | State.WORKING if before.state in _NEW:
                return [(NoticeKind.PLACED, f"at IB: {order_words(after.draft)}")]
            case State.WORKING if after.held and not after.is_child and before.state in _AT_IB:
                return [(NoticeKind.TRIGGERED, f"IB triggered: {order_words(after.draft)}")]
            case _:
                return []

    def _exit_words(self, entry: Intent) -> str:
        """What to look at where an entry is over with less than its exits were sent for."""
        unit = self._journal.intents.unit(entry.rule, entry.seq) if 0 < entry.filled < entry.quantity else ()
        exits = [leg for leg in unit if leg.draft.parent == entry.leg and not leg.state.is_over]
        if not any(leg.remaining > entry.filled for leg in exits):
            return ""
        sent, filled = plain(max(leg.quantity for leg in exits)), plain(entry.filled)
        return f"; its exits at IB were sent for {sent}: see in TWS that they are for {filled}"

    def _alone_words(self, intent: Intent) -> str:
        """What was cancelled beside an order of a group that has filled only in part."""
        gone = gone_beside(intent, self._journal.intents.unit(intent.rule, intent.seq))
        words = "; ".join(order_words(leg.draft) for leg in gone)
        return f"; cancelled beside it: {words}" if gone else ""

    def _tell(self, intent: Intent, kind: NoticeKind, text: str, *, away: bool = False, occasion: str = "") -> Change:
        change = Change(kind, intent, text, away)
        size = "" if intent.enlarged_to is None else f".of {plain(intent.enlarged_to)}"
        if self._is_told(change):
            when = " (while the engine was not connected)" if away else ""
            moment = f"{intent.filled}{size}{occasion}"
            channels, now_s = self._journal.firings.channels(intent.rule, intent.seq), self._clock.now_s()
            self._journal.tell(order_notice(kind, intent, text + when, occasion=moment, at_s=now_s, channels=channels))
        return change

    def _is_told(self, change: Change) -> bool:
        """One message a fill, a rejection, a cancellation; not for the losing side of a bracket or group."""
        if change.kind in (NoticeKind.PLACED, NoticeKind.UNKNOWN_ORDER):
            return False  # Shown, and told by the desk to everyone.
        if change.kind is NoticeKind.TRIGGERED:
            return not change.away
        if change.kind is NoticeKind.HELD_BACK and change.intent.held:
            return False  # Its rule is broken by that: one message says both.
        if change.kind is not NoticeKind.CANCELLED or change.intent.filled > 0 or change.intent.sent_s is None:
            return True
        return not is_explained(change.intent, self._journal.intents.unit(change.intent.rule, change.intent.seq))

    def _end_unit(self, intent: Intent) -> Sequence[UnitEnd]:
        entries = [leg for leg in self._journal.intents.unit(intent.rule, intent.seq) if not leg.is_child]
        if not all(entry.state.is_over for entry in entries):
            return ()
        return self._journal.firings.end(intent.rule, intent.seq, uses_once(entries))

    def _publish(self, news: Sequence[News]) -> None:
        assert not self._journal.in_transaction, "listeners hear of what is committed"
        for one in news:
            if isinstance(one, Change):
                self._listener.changed(one)
            else:
                self._listener.ended(one)


def _unless_exit(legs: Sequence[Intent], notice: NoticeKind) -> NoticeKind:
    """What was to close a position and never left: its stops may have been cancelled for it."""
    return NoticeKind.ALARM if any(leg.draft.closes for leg in legs) else notice


def _list(intents: Sequence[Intent]) -> str:
    return "; ".join(f"{order_words(one.draft)} of {one.rule}" for one in intents)


def unknown_words(intent: Intent) -> str:
    """What to tell of an order that we lost sight of, with what to do."""
    return (
        f"I cannot tell whether IB has the order {order_words(intent.draft)}: {intent.reason}. I will not send it"
        f" again. Look in TWS for the reference {intent.key}, then: rules resolve {intent.key} placed|not-placed"
    )


def stuck_words(intent: Intent) -> str:
    """What to tell of an order that outlives its cancellation."""
    return (
        f"IB was asked twice to cancel {order_words(intent.draft)}, and still has it. It may fill. I go on asking; look"
        f" in TWS for the reference {intent.key}"
    )


def out_of_reach_words(intent: Intent) -> str:
    """What to tell of an order that is to be cancelled and was sent under another client id."""
    return (
        f"{order_words(intent.draft)} was sent under another client id than the settings say, and IB lets only that one"
        f" cancel it. It may fill. Cancel it in TWS: the reference is {intent.key}"
    )


def _cancel_words(intent: Intent) -> str:
    by = "as asked" if intent.cancel_wanted else "by IB or in TWS"
    filled = f"; {fill_words(intent)}" if intent.filled > 0 else ""
    return f"cancelled {by}: {order_words(intent.draft)}{filled}"


def _rejection_words(intent: Intent) -> str:
    if not intent.reason and intent.draft.time_in_force.duration is Duration.FILL_OR_KILL:
        return f"not filled at once, so IB ended it: {order_words(intent.draft)}"
    return f"IB rejected: {order_words(intent.draft)}. {intent.reason}".rstrip()
