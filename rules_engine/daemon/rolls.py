"""Names that mean another contract than before: a future that rolled, or a name that was edited."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.incidents import Incidents
from rules_engine.daemon.rolled import Rolled
from rules_engine.daemon.withdrawal import RULES_AT_ONCE
from rules_engine.evaluation import Evaluator
from rules_engine.execution.journal import Journal
from rules_engine.model.life import Outcome
from rules_engine.model.reports import FeedUp

_CONTRACTS = "contracts"
"""The name under which the journal keeps which contract each name meant last, for each mode and account: the rules of
another one remember what they saw of it."""


class Rolls:
    """The step from the prices of one contract to those of another is no move of either. So what rules remember of the
    old one ends before the first price of the new one is heard, also over a restart, and that is told.

    What was recorded for the old contract is barred at that moment, in one commit that names it. Then some rules at a
    time have it marked to be cancelled, and those whose orders the broker holds begin anew.
    """

    def __init__(
        self,
        journal: Journal,
        in_force: InForce,
        evaluator: Evaluator,
        incidents: Incidents,
        on_leave: Callable[[str], None],
    ) -> None:
        """``on_leave`` hears of each name that means another contract, at that moment."""
        self._journal = journal
        self._in_force = in_force
        self._evaluator = evaluator
        self._incidents = incidents
        self._on_leave = on_leave
        # One for all is what journals of before have.
        kept = journal.get(journal.own(_CONTRACTS)) or journal.get(_CONTRACTS) or "{}"
        self._contracts: dict[str, int] = json.loads(kept)
        self._rolled = Rolled(journal)
        self._left: dict[str, None] = {}
        """Rules that are still to begin anew, or have something that is still to be marked."""

    def feed_up(self, report: FeedUp) -> Sequence[Outcome]:
        """Gives the feed back to the rules. To be heard before the prices that follow it."""
        name, number = report.instrument, report.contract_id
        before = self._contracts.get(name, number)
        is_another = bool(number) and before != number
        outcomes = self._evaluator.feed_up(report.time_s, name, anew=is_another)
        if number and self._contracts.get(name) != number:
            self._contracts[name] = number
            with self._journal.transaction():
                self._journal.put(self._journal.own(_CONTRACTS), json.dumps(self._contracts))
                if is_another:
                    self._leave(report, before)
        return outcomes

    @property
    def is_left(self) -> bool:
        """Whether some rules are left to `go_on`."""
        return bool(self._left)

    def is_leaving(self, rule: str) -> bool:
        """Whether it is one of them: nothing new is placed for it before."""
        return rule in self._left

    def go_on(self, is_long: Callable[[], bool]) -> None:
        """More rules leave the old contracts behind, some at least, until that takes long."""
        while self.is_left:
            some = list(islice(self._left, RULES_AT_ONCE))
            self._in_force.begin_anew(some)
            for rule in some:
                del self._left[rule]
            if is_long():
                break

    def settled(self) -> Mapping[str, object]:
        """What is told to `saved` once all memories as they are now are on disk."""
        return {} if self._left else self._rolled.now()

    def saved(self, settled: Mapping[str, object]) -> None:
        """On disk nothing is the old contracts' any more."""
        self._rolled.drop(settled)

    def _leave(self, report: FeedUp, before: int) -> None:
        """What was meant for the old contract ends, and is told."""
        name, after = report.instrument, report.contract_id
        rules, placing, units = self._in_force.leave_contract(name)
        self._rolled.add(name, units)
        self._on_leave(name)
        self._left |= dict.fromkeys((*placing, *(rule for rule, _ in units)))
        self._incidents.contract_changed(name, before, after, rules, report.time_s)
