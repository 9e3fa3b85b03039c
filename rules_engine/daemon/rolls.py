"""Names that mean another contract than before: a future that rolled, or a name that was edited."""

import json
import logging
from collections.abc import Sequence

from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.incidents import Incidents
from rules_engine.evaluation import Evaluator
from rules_engine.execution.journal import Journal
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan, Where
from rules_engine.model.reports import FeedUp

_log = logging.getLogger(__name__)
_CONTRACTS = "contracts"
"""The name under which the journal keeps which contract each name meant last."""


class Rolls:
    """The step from the prices of one contract to those of another is no move of either. So what rules remember of the
    old one ends before the first price of the new one is heard, also over a restart, and that is told."""

    def __init__(self, journal: Journal, in_force: InForce, evaluator: Evaluator, incidents: Incidents) -> None:
        self._journal = journal
        self._in_force = in_force
        self._evaluator = evaluator
        self._incidents = incidents
        self._contracts: dict[str, int] = json.loads(journal.get(_CONTRACTS) or "{}")

    def feed_up(self, report: FeedUp) -> Sequence[Outcome]:
        """Gives the feed back to the rules. To be heard before the prices that follow it."""
        name, number = report.instrument, report.contract_id
        before = self._contracts.get(name, number)
        is_another = bool(number) and before != number
        outcomes = self._evaluator.feed_up(report.time_s, name, anew=is_another)
        if is_another:
            self._leave(report, before)
        if number and self._contracts.get(name) != number:
            self._contracts[name] = number
            self._journal.put(_CONTRACTS, json.dumps(self._contracts))
        return outcomes

    def _leave(self, report: FeedUp, before: int) -> None:
        """What was meant for the old contract ends, and is told."""
        name, after = report.instrument, report.contract_id
        concerned = [plan for plan in self._in_force.plans.values() if name in _named(plan)]
        rules = [plan.rule.name for plan in concerned]
        _log.warning("%s means contract %d now, before %d: %s begin anew", name, after, before, ", ".join(rules))
        with self._journal.transaction():
            # Its price was the old contract's, and so was what it was for.
            for intent in self._journal.intents.open():
                if intent.state is IntentState.INTENT and intent.draft.instrument.name == name:
                    self._journal.want_leg_cancelled(intent)
        # What waits at the broker waits for a price of the old contract, or orders in it.
        self._in_force.begin_anew([plan.rule.name for plan in concerned if plan.where is Where.AT_BROKER])
        self._incidents.contract_changed(name, before, after, rules, report.time_s)


def _named(plan: Plan) -> set[str]:
    return {one.name for one in (*plan.reads, *plan.orders_in)}
