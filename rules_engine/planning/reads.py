"""What a rule reads, gathered once for all who ask about it."""

from dataclasses import dataclass

from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.expression import Reading, walk
from rules_engine.model.instrument import Instrument
from rules_engine.model.rule import Rule, expressions_outside, rule_conditions


@dataclass(frozen=True, slots=True)
class Reads:
    """Its conditions with everything inside them, and the readings in these, in its orders and under `let`."""

    conditions: tuple[Condition, ...]
    readings: tuple[Reading, ...]

    @property
    def instruments(self) -> frozenset[Instrument]:
        """Those whose ticks the rule needs."""
        found = {reading.instrument for reading in self.readings}
        return frozenset(found.union(*(part.watched() for part in self.conditions)))


def reads_of(rule: Rule) -> Reads:
    """What the rule is made of."""
    conditions = tuple(part for condition in rule_conditions(rule) for part in walk_conditions(condition))
    expressions = [expression for part in conditions for expression in part.expressions()]
    expressions += expressions_outside(rule)
    readings = [part for expression in expressions for part in walk(expression) if isinstance(part, Reading)]
    return Reads(conditions, tuple(readings))
