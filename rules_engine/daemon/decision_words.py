"""What messages say of a decision."""

from collections.abc import Mapping

from rules_engine.daemon.in_force import InForce
from rules_engine.evaluation import Evaluator
from rules_engine.execution.decide import Wording
from rules_engine.execution.decision import Decision
from rules_engine.execution.words import describe
from rules_engine.model.condition import instruments_of
from rules_engine.model.expression import Expression, Reading
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.instrument import Field
from rules_engine.model.notice import Notice
from rules_engine.model.rule import Rule, rule_conditions
from rules_engine.notifying.messages import dry_arming_notice, firing_notice, held_back_notice


class DecisionWords:
    """Called, it words what a rule in force came to."""

    def __init__(self, in_force: InForce, evaluator: Evaluator, *, dry: bool) -> None:
        self._in_force = in_force
        self._evaluator = evaluator
        self._dry = dry

    def __call__(self, outcome: Firing | HeldBack) -> Notice:
        if isinstance(outcome, HeldBack):
            return held_back_notice(self._in_force.plans[outcome.firing.rule].rule, outcome)
        rule = self._in_force.plans[outcome.rule].rule
        return firing_notice(rule, outcome, dry=self._dry, readings=self._readings(rule))

    def of(self, rule: Rule) -> Wording:
        """For a rule that is in force no longer."""
        return lambda outcome: held_back_notice(rule, outcome) if isinstance(outcome, HeldBack) else self(outcome)

    def dry_arming(self, decision: Decision) -> Notice:
        """What would be placed at the broker."""
        rule = self._in_force.plans[decision.firing.rule].rule
        return dry_arming_notice(rule, decision.firing, describe(decision.unit), decision.channels)

    def _readings(self, rule: Rule) -> Mapping[str, float]:
        """What a `message:` may name besides the values of the condition, as far as it is known."""
        if rule.message is None:
            return {}
        watched = {found for condition in rule_conditions(rule) for found in instruments_of(condition)}
        named: dict[str, Expression] = {
            f"{one.name}.{field}": Reading(one, field) for one in watched for field in Field
        }
        named |= {let.name: let for let in rule.lets}
        values = {name: self._evaluator.read(expression) for name, expression in named.items()}
        return {name: value for name, value in values.items() if value is not None}


def summary(decision: Decision) -> str:
    """A line for the log."""
    firing = decision.firing
    if isinstance(decision.outcome, HeldBack):
        return f"{firing.rule}: held back: {decision.outcome.reason}"
    word = "armed at the broker" if decision.held else "fired"
    return f"{firing.rule}: {word}" + (f": {'; '.join(firing.actions)}" if firing.actions else "")
