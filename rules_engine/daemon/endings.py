"""What becomes of orders into the memory of the rules that sent them."""

import logging
from collections.abc import Callable, Sequence

from rules_engine.evaluation import Evaluator
from rules_engine.execution.changes import Change, UnitEnd
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.life import Outcome
from rules_engine.model.rule import Rule
from rules_engine.notifying.messages import broken_notice

_log = logging.getLogger(__name__)

_BREAKS = frozenset({IntentState.REJECTED, IntentState.CANCELLED, IntentState.UNKNOWN})


class Endings:
    """Listens to the desk. A rule is broken when IB refuses its held order, or somebody cancels it in TWS."""

    def __init__(
        self, evaluator: Evaluator, journal: Journal, clock: Clock, rule_of: Callable[[str], Rule | None]
    ) -> None:
        self._evaluator = evaluator
        self._journal = journal
        self._clock = clock
        self._rule_of = rule_of
        self._held: dict[tuple[str, int], int] = {}
        self._outcomes: list[Outcome] = []
        self.touched: set[str] = set()
        """Instruments in which the number of our working orders may have changed."""

    def holds(self, rule: str, case: int, seq: int) -> None:
        """The unit ``seq`` is what the broker now holds for this case."""
        self._held[(rule, case)] = seq

    def is_current(self, intent: Intent) -> bool:
        """Whether the intent belongs to what the rule, as it is now, has at the broker."""
        return any(name == intent.rule and seq == intent.seq for (name, _), seq in self._held.items())

    def drop(self, rule: str) -> None:
        """The rule changed or went: the ends of what it had at the broker no longer concern its memory."""
        self._held = {key: seq for key, seq in self._held.items() if key[0] != rule}

    def changed(self, change: Change) -> None:
        """Says what happened in the log, and counts the orders that still work."""
        _log.info("%s: %s%s", change.intent.rule, change.text, " (while away)" if change.away else "")
        self.touched.add(change.intent.draft.instrument.name)

    def outcomes(self) -> Sequence[Outcome]:
        """What the rules made of it all since the last call: for the reactor, at the end of its step."""
        for instrument in sorted(self.touched):
            working = sum(intent.draft.instrument.name == instrument for intent in self._journal.intents.open())
            self._outcomes += self._evaluator.working(instrument, working)
        self.touched.clear()
        taken, self._outcomes = self._outcomes, []
        return taken

    def ended(self, end: UnitEnd) -> None:
        """Takes the end into the rule's memory, both in one commit."""
        rule, now_s = self._rule_of(end.rule), self._clock.now_s()
        if rule is not None:
            if end.held:
                self._held_ended(end, rule, now_s)
            elif not end.used:
                self._outcomes += self._evaluator.not_used(end.rule)
        lives = self._evaluator.lives()
        self._journal.settle(end, {end.rule: lives[end.rule]} if end.rule in lives else {})

    def _held_ended(self, end: UnitEnd, rule: Rule, now_s: float) -> None:
        if self._held.get((end.rule, end.case)) != end.seq:
            return  # An order of an older edition of the rule, or one that was settled before.
        del self._held[(end.rule, end.case)]
        if end.state in _BREAKS and not end.wanted and not end.used:
            reason = f"its order at the broker ended as {end.state}" + (f": {end.reason}" if end.reason else "")
            self._outcomes += self._evaluator.break_rule(end.rule, reason)
            self._journal.tell(broken_notice(rule, reason, now_s))
        else:
            self._outcomes += self._evaluator.held_ended(end.rule, end.used, now_s)
