"""Which rules find in folded prices all that they would have found in every print."""

from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Direction
from rules_engine.model.expression import Arithmetic, Expression, Function, Named, Number, Reading, Series, walk
from rules_engine.model.rule import Rule, rule_conditions

_EXTREMES = frozenset({Function.HIGHEST, Function.LOWEST})


def is_fold_proof(rule: Rule) -> bool:
    """Whether the rule fires as often on turning points as on all prints: it asks for one level, crossing, move or
    extreme of one field of one instrument, and for nothing else.

    What lies between two turning points is missed by bands and whatever is true on both sides of a stretch, by means
    and deviations, by counts and times of prints, and by what compares two series at one moment.
    """
    conditions = rule_conditions(rule)
    return len(conditions) == 1 and _is_proof(conditions[0]) and len(_read(conditions[0])) == 1


def _is_proof(condition: Condition) -> bool:
    match condition:
        case Comparison(relation=Relation.EQUAL) | Move(direction=Direction.EITHER):
            return False
        case Comparison() | Crossing() | Move():
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
        case Series(function=function, bar_count=None):
            return function in _EXTREMES
        case Arithmetic(_, left, right):
            return isinstance(left, Number) or isinstance(right, Number)
        case _:
            return False


def _read(condition: Condition) -> set[Reading]:
    return {part for side in condition.expressions() for part in walk(side) if isinstance(part, Reading)}
