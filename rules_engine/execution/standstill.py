"""What the kill switch does to orders that are at IB: cancelled when it is pulled, and whenever one works again."""

from collections.abc import Callable, Sequence

from rules_engine.execution.cancelling import Cancelling
from rules_engine.execution.database import JournalFailed
from rules_engine.execution.journal import Journal
from rules_engine.execution.session import Session
from rules_engine.execution.words import order_words
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.slices import Slices

_MARKED_AT_ONCE = 50


class Standstill:
    """``stopped``: whether the kill switch is on. Alarms go to ``everyone``."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        cancelling: Cancelling,
        stopped: Callable[[], bool],
        everyone: tuple[str, ...],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._cancelling = cancelling
        self._stopped = stopped
        self._everyone = everyone
        self._clears = False
        self.is_beginning = False
        """Nothing leaves before all is done that the switch was pulled for, also if it is released meanwhile."""

    @property
    def is_on(self) -> bool:
        """Whether no order of ours may work."""
        return self._clears and self._stopped()

    def beginning(self, current: Callable[[], Session | None], *, keep_orders: bool) -> Slices[Sequence[Intent]]:
        """The switch was pulled. Asks for the cancellation of everything that may be at IB, unless it is to be kept, in
        slices, each of them committed and sent; returns those newly asked for. ``current`` is the connection. Raises
        JournalFailed; the requests have left all the same."""
        self._clears, self.is_beginning = False, True
        marked = list[Intent]()
        try:
            while not keep_orders and (some := self._want_cancelled(current(), _MARKED_AT_ONCE)):
                marked += some
                self._cancelling.send_wanted(current())
                yield
            self._clears = not keep_orders
            # What only makes room for an order that must not leave any more stays with what is kept.
            while self._cancelling.send_wanted(current(), self._journal.wishes.waiting if keep_orders else ()):
                yield
            while self._journal.want_unsent_cancelled(count_max=_MARKED_AT_ONCE):
                yield
        except JournalFailed:
            if not keep_orders:
                self._cancelling.send_unrecorded(current())
            raise
        finally:
            self.is_beginning = False
        return marked

    def end(self) -> None:
        """The switch was released."""
        self._clears = False

    def hold(self, session: Session | None, heard: Sequence[Intent]) -> None:
        """Of what IB has told just now: has what works again, although it was over when the switch was pulled,
        cancelled too, and tells."""
        if not self.is_on:
            return
        again = [one for one in heard if one.state.may_be_at_broker and not one.cancel_wanted]
        again += [one for one in self._risen(session) if one not in again]
        with self._journal.transaction():
            for intent in again:
                self._journal.want_leg_cancelled(intent)
                self._tell(intent)
        left = [leg for one in heard for leg in self._left_by(one)]
        if again or any(self._cancelling.is_due(session, one) for one in (*heard, *left)):
            self._cancelling.send_wanted(session)

    def _left_by(self, entry: Intent) -> Sequence[Intent]:
        """Its exits, if it is over and has filled: IB cancels them with it no more."""
        if not entry.state.is_over or entry.filled <= 0:
            return ()
        unit = (one for one in self._journal.intents.open_of(entry.rule) if one.seq == entry.seq)
        return [leg for leg in unit if leg.draft.parent == entry.leg]

    def _want_cancelled(self, session: Session | None, count_max: int) -> Sequence[Intent]:
        """Those newly asked for: the oldest of what may be at IB, and what was over and IB holds alive all the same."""
        risen = self._risen(session)
        with self._journal.transaction():
            for intent in risen:
                self._journal.want_leg_cancelled(intent)
            return [*self._journal.want_all_cancelled(count_max), *risen]

    def _risen(self, session: Session | None) -> Sequence[Intent]:
        found = [self._journal.intents.get(key) for key in session.risen] if session else []
        return [intent for intent in found if intent is not None and not intent.cancel_wanted]

    def _tell(self, intent: Intent) -> None:
        self._journal.tell(
            Notice(
                kind=NoticeKind.ALARM,
                text=f"{intent.rule}: the kill switch is on: cancelling {order_words(intent.draft)}, which works again",
                dedup=f"{intent.key}.{NoticeKind.ALARM}.works again",
                at_s=self._clock.now_s(),
                channels=self._everyone,
                rule=intent.rule,
                key=intent.key,
            )
        )
