"""Conditions over columns into sides: as long as a print is on the side of the one before, its judge has nothing new.

What a judge remembers changes only with the side: judged twice on one side, it says and keeps the same the second time.
"""

import numpy as np
import numpy.typing as npt

from rules_engine.conditions.band import BandEvent, BandState
from rules_engine.conditions.change import Change
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move
from rules_engine.evaluation.columnar.blocks import prints_near
from rules_engine.evaluation.columnar.past import Column, NotColumnar
from rules_engine.evaluation.columnar.values import Columns, is_columnar, plain
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import Arithmetic, Expression, Reading, Series, parts
from rules_engine.model.tolerance import RELATIVE

Sides = npt.NDArray[np.int8]
"""One small number a print: what condition it is of decides what it means, except for DOUBT."""
DOUBT = 9
"""Too near to the edge to be told: to be judged, whatever came before."""
_BELOW, _EQUAL, _ABOVE, _UNKNOWN = 0, 1, 2, 3
_FALSE, _TRUE = 0, 2

_MARGIN = 1e-9
"""Of the size; a thousand times what counts as equal, a million times what floats lose."""
_TRUE_AT = {
    Relation.ABOVE: (_ABOVE,),
    Relation.AT_LEAST: (_EQUAL, _ABOVE),
    Relation.BELOW: (_BELOW,),
    Relation.AT_MOST: (_BELOW, _EQUAL),
    Relation.EQUAL: (_EQUAL,),
}


def has_sides(condition: Condition) -> bool:
    """Whether it is one of the conditions that columns can tell sides of."""
    match condition:
        case Comparison() | Crossing() | BandState() | BandEvent():
            return all(map(is_columnar, condition.expressions()))
        case Move(of=of) | Change(of=of):
            return is_columnar(of) and isinstance(plain(of), Reading)
        case _:
            return False


def sides_of(condition: Condition, columns: Columns) -> Sides:
    """The side of every fresh print. Raises NotColumnar."""
    match condition:
        case Comparison(left, relation, right):
            return _mapped(_order(columns, left, right), dict.fromkeys(_TRUE_AT[relation], _TRUE), _FALSE)
        case Crossing(left, Direction.UP, right):
            return _mapped(_order(columns, left, right), {_EQUAL: _ABOVE})
        case Crossing(left, Direction.DOWN, right):
            return _mapped(_order(columns, left, right), {_EQUAL: _BELOW})
        case Crossing(left, _, right):
            return _order(columns, left, right)
        case BandState(of=of, low=low, high=high) | BandEvent(of=of, low=low, high=high):
            return _inside(_order(columns, of, low), _order(columns, of, high))
        case Move():
            return _moved(condition, columns)
        case Change(of, direction, amount, window_s):
            last, before = columns.value(of).at, columns.before(window_s)
            up, down = (_reaches(last, before, amount, way) for way in (1, -1))
            ways = {Direction.UP: up, Direction.DOWN: down}
            moved = ways[direction] if direction in ways else up | down
            return np.where(np.isnan(before), _UNKNOWN, np.where(moved, _TRUE, _FALSE)).astype(np.int8)
        case _:
            raise NotColumnar(str(condition))


def _mapped(sides: Sides, to: dict[int, int], other: int | None = None) -> Sides:
    """Sides under other names; ``other`` for what is known and not among them."""
    table = np.arange(DOUBT + 1, dtype=np.int8)
    if other is not None:
        table[[_BELOW, _EQUAL, _ABOVE]] = other
    for side, name in to.items():
        table[side] = name
    found: Sides = table[sides]
    return found


def _order(columns: Columns, left: Expression, right: Expression) -> Sides:
    """As tolerance.order. With sums, or values that may differ in the last digits, what is near is DOUBT."""
    first, second = columns.value(left), columns.value(right)
    difference = first.at - second.at
    largest = np.maximum(np.abs(first.at), np.abs(second.at))
    sides = np.where(difference > 0, _ABOVE, _BELOW).astype(np.int8)
    if first.exact and second.exact and not (_adds(left) or _adds(right)):
        sides[np.abs(difference) <= RELATIVE * largest] = _EQUAL
    else:
        largest = np.maximum(largest, np.maximum(first.size, second.size))
        sides[~(np.abs(difference) > _MARGIN * largest)] = DOUBT
    sides[np.isnan(difference)] = _UNKNOWN
    return sides


def _adds(of: Expression) -> bool:
    if isinstance(of, Series):
        return False
    return (isinstance(of, Arithmetic) and of.operator in "+-") or any(map(_adds, parts(of)))


def _inside(low: Sides, high: Sides) -> Sides:
    found = np.where((low != _BELOW) & (high != _ABOVE), _TRUE, _FALSE).astype(np.int8)
    found[(low == DOUBT) | (high == DOUBT)] = DOUBT
    found[(low == _UNKNOWN) | (high == _UNKNOWN)] = _UNKNOWN
    return found


def _moved(condition: Move, columns: Columns) -> Sides:
    """Looked at closely only where the highest of a block is far enough above the lowest of all its windows."""
    found = np.where(columns.is_covered(condition.window_s), _FALSE, _UNKNOWN).astype(np.int8)
    last = columns.value(condition.of).at
    for way, direction in ((1, Direction.UP), (-1, Direction.DOWN)):
        if condition.direction in (direction, Direction.EITHER):
            near = prints_near(columns.past, condition.window_s, condition.amount, way)
            reference = columns.extreme_at(near, condition.window_s, highest=way < 0)
            found[near[_reaches(last[near], reference, condition.amount, way)]] = _TRUE
    return found


def _reaches(last: Column, reference: Column, amount: Amount, way: int) -> npt.NDArray[np.bool_]:
    """As move.displacement of a price, which is never added up."""
    bound = reference * (1 + way * amount.value) if amount.relative else reference + way * amount.value
    difference = last - bound
    near = np.abs(difference) <= RELATIVE * np.maximum(np.abs(last), np.abs(bound))
    return near | (way * difference > 0)
