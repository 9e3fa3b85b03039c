"""Which rules find in folded prices all that they would have found in every print."""

from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Arithmetic, Expression, Named, Number, Reading, walk
from rules_engine.model.rule import Rule, rule_conditions


def is_fold_proof(rule: Rule) -> bool:
    """Whether the rule fires as often on turning points as on all prints: it asks for one level or crossing of one
    field of one instrument, for nothing else, and not for the time at which that happens.

    What lies between two turning points is missed by bands and whatever is true on both sides of a stretch, by means
    and deviations, by counts and times of prints, and by what compares two series at one moment. Moves and extremes
    miss it where a print leaves their window meanwhile.
    """
    conditions = () if _is_timed(rule) else rule_conditions(rule)
    return len(conditions) == 1 and _is_proof(conditions[0]) and len(_read(conditions[0])) == 1


def _is_timed(rule: Rule) -> bool:
    words = rule.cooldown_s, rule.at_most, rule.active, rule.expires_s, rule.stale_after_s
    return any(word is not None for word in words)


def _is_proof(condition: Condition) -> bool:
    match condition:
        case Comparison(relation=Relation.EQUAL):
            return False
        case Comparison() | Crossing():
            return all(_goes_one_way(part) for side in condition.expressions() for part in walk(side))
        case _:
            return False


def _goes_one_way(part: Expression) -> bool:
    """While the price rises or falls all the way, so does this."""
    match part:
        case Number() | Named():
            return True
        case Reading(bar_s=bar_s):
            return bar_s is None
        case Arithmetic("/", _, right):
            return isinstance(right, Number)
        case Arithmetic(_, left, right):
            return isinstance(left, Number) or isinstance(right, Number)
        case _:
            return False


def _read(condition: Condition) -> set[Reading]:
    return {part for side in condition.expressions() for part in walk(side) if isinstance(part, Reading)}
