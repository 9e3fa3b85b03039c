"""What becomes of orders into the memory of the rules that sent them."""

import logging
from collections import Counter
from collections.abc import Callable

from rules_engine.evaluation import Evaluator
from rules_engine.execution.changes import Change, UnitEnd
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.rule import Rule
from rules_engine.notifying.messages import broken_notice

_log = logging.getLogger(__name__)

NOT_TRIGGERED = frozenset(
    {IntentState.INTENT, IntentState.SENDING, IntentState.ACKED, IntentState.UNKNOWN, IntentState.ADOPTED}
)
"""Of an order that waits at the broker: it has done nothing yet, for all we know."""
_BREAKS = frozenset({IntentState.REJECTED, IntentState.CANCELLED, IntentState.UNKNOWN, IntentState.BLOCKED})


class Endings:
    """Listens to the desk. A rule is broken when IB or our own limits refuse its held order, or somebody cancels it in
    TWS: armed anew at once it would only be refused again, without end."""

    def __init__(
        self, evaluator: Evaluator, journal: Journal, clock: Clock, rule_of: Callable[[str], Rule | None]
    ) -> None:
        self._evaluator = evaluator
        self._journal = journal
        self._clock = clock
        self._rule_of = rule_of
        self.until_s: Callable[[], float] = clock.now_s
        """Until when time may pass for the rules now: not past prices that are still to be heard."""
        self._held: dict[str, int] = {}
        self.touched: set[str] = set()
        """Instruments in which the number of our working orders may have changed."""

    def holds(self, rule: str, seq: int) -> None:
        """The unit ``seq`` is what the broker now holds for the rule."""
        self._held[rule] = seq

    def drop(self, rule: str) -> None:
        """The rule changed or went: the ends of what it had at the broker no longer concern its memory."""
        self._held.pop(rule, None)

    def withdraw(self, entry: Intent) -> None:
        """Takes back what the broker holds: its end will be no reason to break the rule, also over a restart."""
        with self._journal.transaction():
            self._journal.put(self._withdrawn(entry.rule), str(entry.seq))
            for leg in self._journal.intents.unit(entry.rule, entry.seq):
                if not leg.state.is_over:
                    self._journal.want_leg_cancelled(leg)

    def is_withdrawn(self, rule: str, seq: int) -> bool:
        """Whether that unit was taken back."""
        return self._journal.get(self._withdrawn(rule)) == str(seq)

    def changed(self, change: Change) -> None:
        """Says what happened in the log, and counts the orders that still work."""
        _log.info("%s: %s%s", change.intent.rule, change.text, " (while away)" if change.away else "")
        self.touched.add(change.intent.draft.instrument.name)

    def count_working(self) -> None:
        """Tells the evaluator how many of our orders may still fill, where that may have changed."""
        if not self.touched:
            return
        working = Counter(intent.draft.instrument.name for intent in self._journal.intents.open())
        for instrument in sorted(self.touched):
            self._evaluator.working(instrument, working[instrument])
        self.touched.clear()

    def ended(self, end: UnitEnd) -> None:
        """Takes the end into the rule's memory, both in one commit."""
        rule, now_s = self._rule_of(end.rule), self._clock.now_s()
        if rule is not None:
            if end.held:
                self._held_ended(end, rule, now_s)
            elif not end.used:
                self._evaluator.not_used(end.rule)
        life = self._evaluator.life(end.rule)
        self._journal.settle(end, {} if life is None else {end.rule: life})

    def _held_ended(self, end: UnitEnd, rule: Rule, now_s: float) -> None:
        if self._held.get(end.rule) != end.seq:
            if end.state is IntentState.FILLED:
                self._filled_before(end.rule, rule)
            return  # An order of an older version of the rule, or one that was settled before.
        del self._held[end.rule]
        if end.state in _BREAKS and not end.used:
            reason = _why_broken(end)
            self._evaluator.break_rule(end.rule, reason)
            self._journal.tell(broken_notice(rule, reason, now_s))
        else:
            self._evaluator.held_ended(end.rule, end.used, self.until_s())

    def _filled_before(self, name: str, rule: Rule) -> None:
        """IB filled what we had taken back, or called over: once is once, and nothing that was seen before that is
        placed again."""
        newer = [one for one in self._journal.intents.open_of(name) if one.held and not one.is_child]
        if newer and not rule.once:
            return
        self._evaluator.held_ended(name, True, self.until_s())
        for entry in newer:
            if entry.state in NOT_TRIGGERED:
                self.drop(name)
                self.withdraw(entry)

    def _withdrawn(self, rule: str) -> str:
        return self._journal.own(f"withdrawn {rule}")


def _why_broken(end: UnitEnd) -> str:
    if end.state is IntentState.BLOCKED:
        return f"its order was not sent to the broker. {end.reason}"
    if end.wanted:
        why = "IB rejected its stop or target, a rule asked for that, or the kill switch was pulled"
        return f"its order at the broker was cancelled, because {why}"
    return f"its order at the broker ended as {end.state}" + (f": {end.reason}" if end.reason else "")
