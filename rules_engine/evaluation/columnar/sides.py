"""Conditions over columns into sides: as long as a print is on the side of the one before, its judge has nothing new.

What a judge remembers changes only with the side: judged twice on one side, it says and keeps the same the second time.
"""

from collections.abc import Sequence
from functools import cache
from math import inf, nextafter

import numpy as np

from rules_engine.conditions.band import BandEvent, BandState
from rules_engine.conditions.change import Change
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move
from rules_engine.evaluation.columnar.arrays import (
    ABOVE,
    BELOW,
    EQUAL,
    NEAR,
    TRUE,
    UNKNOWN,
    UNORDERED,
    Flags,
    Index,
    Sides,
)
from rules_engine.evaluation.columnar.past import NotColumnar
from rules_engine.evaluation.columnar.values import Columns, is_columnar, plain
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import Arithmetic, Expression, Number, Reading, Series, parts
from rules_engine.model.tolerance import RELATIVE, order

_MARGIN = 1e-9
"""Of the size; a thousand times what counts as equal, a million times what floats lose."""
_TRUE_AT = {
    Relation.ABOVE: (ABOVE,),
    Relation.AT_LEAST: (EQUAL, ABOVE),
    Relation.BELOW: (BELOW,),
    Relation.AT_MOST: (BELOW, EQUAL),
    Relation.EQUAL: (EQUAL,),
}
_WAYS = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}


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
    """The side of every fresh print: the truth of a state, and the order or the place in its band of an event."""
    match condition:
        case Comparison(left, relation, right):
            sides = _order(columns, left, right)
            holds: Flags = sides == _TRUE_AT[relation][0]
            for side in _TRUE_AT[relation][1:]:
                holds |= sides == side
            truths: Sides = holds.view(np.int8) * np.int8(TRUE)
            truths[sides == UNORDERED] = UNKNOWN
            return truths
        case Crossing(left, Direction.UP | Direction.DOWN as direction, right):
            sides = _order(columns, left, right)
            sides[sides == EQUAL] = ABOVE if direction is Direction.UP else BELOW
            return sides
        case Crossing(left, _, right):
            return _order(columns, left, right)
        case BandState(inside=inside):
            found = _inside(condition, columns)
            return found if inside else (TRUE - found).astype(np.int8)
        case BandEvent():
            return _inside(condition, columns)
        case Move():
            return _moved(condition, columns)
        case Change():
            return _changed(condition, columns)
        case _:
            raise AssertionError(f"has no sides: {condition}")


def ways_of(condition: Move | Change) -> Sequence[int]:
    """1 up, -1 down, in the order in which its judge looks."""
    return _WAYS[condition.direction]


def bound_of(amount: Amount, way: int) -> tuple[float, float]:
    """Slope and shift of the line on which a value has moved that far from another one."""
    return (1 + way * amount.value, 0.0) if amount.relative else (1.0, way * amount.value)


def _order(columns: Columns, left: Expression, right: Expression, *also: Expression) -> Sides:
    """As tolerance.order; ``also`` are further values whose sums make dust. What is too near to be told by columns, and
    everything where these cannot hold the numbers, is worked out print by print."""
    sized = (left, right, *also)
    adds = any(map(_adds, sized))
    if isinstance(right, Number) and isinstance(plain(left), Reading) and not adds:
        low, high = _equal_to(right.value)
        values = columns.value(left).at
        return (values >= low).view(np.int8) + (values > high).view(np.int8)
    try:
        first, second = columns.value(left), columns.value(right)
        is_exact = first.exact and second.exact and not adds
        dust = RELATIVE if is_exact else _MARGIN * sum(map(columns.bound, sized))
        sides = columns.past.kernels.orders(first.at, second.at, dust, is_exact)
    except NotColumnar:
        sides, is_exact = np.full(len(columns), NEAR, dtype=np.int8), False
    if not is_exact:
        _tell(columns, left, right, sized, np.flatnonzero(sides == NEAR), sides)
    return sides


def _tell(
    columns: Columns, left: Expression, right: Expression, sized: Sequence[Expression], near: Index, sides: Sides
) -> None:
    """Puts the sides of those prints in their places."""
    if not len(near):
        return
    read = columns.exact.sides(left, right, sized)
    for place in near.tolist():
        side = columns.exact.at(place, read)
        sides[place] = UNORDERED if side is None else int(side) + EQUAL


@cache
def _equal_to(level: float) -> tuple[float, float]:
    """The least and the greatest number that counts as equal."""
    dust = RELATIVE * abs(level)
    return _edge(level - dust, level, -inf), _edge(level + dust, level, inf)


def _edge(number: float, level: float, away: float) -> float:
    while order(number, level):
        number = nextafter(number, -away)
    while not order(following := nextafter(number, away), level):
        number = following
    return number


def _adds(of: Expression) -> bool:
    if isinstance(of, Series):
        return False
    return (isinstance(of, Arithmetic) and of.operator in "+-") or any(map(_adds, parts(of)))


def _inside(condition: BandState | BandEvent, columns: Columns) -> Sides:
    of, bottom, top = condition.of, condition.low, condition.high
    low, high = _order(columns, of, bottom, top), _order(columns, of, top, bottom)
    found: Sides = ((low != BELOW) & (high != ABOVE)).view(np.int8) * np.int8(TRUE)
    found[(low == UNORDERED) | (high == UNORDERED)] = UNKNOWN
    return found


def _moved(condition: Move, columns: Columns) -> Sides:
    """True as soon as it moved; false only on a full window."""
    found = np.zeros(len(columns), dtype=np.int8)
    found[: columns.covered_from(condition.window_s)] = UNKNOWN
    for way in ways_of(condition):
        slope, shift = bound_of(condition.amount, way)
        found[columns.past.moved(condition.window_s, slope, shift, way)] = TRUE
    return found


def _changed(condition: Change, columns: Columns) -> Sides:
    last, before = columns.value(condition.of).at, columns.before(condition.window_s)
    moved: Flags = np.zeros(len(columns), dtype=np.bool_)
    for way in ways_of(condition):
        slope, shift = bound_of(condition.amount, way)
        moved |= columns.past.kernels.reached(last, before, slope, shift, float(way))
    found = moved.view(np.int8) * np.int8(TRUE)
    found[before != before] = UNKNOWN
    return found
