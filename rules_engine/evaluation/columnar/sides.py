"""Conditions over columns into sides: as long as a moment is on the side of the one before, its judge has nothing new.

What a judge remembers changes only with the side: judged twice on one side, it says and keeps the same the second time.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import inf, nextafter

import numpy as np

from rules_engine.conditions.band import BandEvent, BandState
from rules_engine.conditions.change import Change
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move, displacement
from rules_engine.evaluation.columnar.arrays import (
    ABOVE,
    BELOW,
    EQUAL,
    FALSE,
    NEAR,
    TRUE,
    UNKNOWN,
    UNORDERED,
    Column,
    Flags,
    Index,
    Line,
    NotColumnar,
    Sides,
)
from rules_engine.evaluation.columnar.leaves import Leaf, windows_of
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.spans import Spans
from rules_engine.evaluation.columnar.values import MARGIN, Columns, Values, is_columnar, is_counted, plain
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import Arithmetic, Expression, Number, Reading, Series, parts
from rules_engine.model.tolerance import RELATIVE, order

_TRUE_AT = {
    Relation.ABOVE: (ABOVE,),
    Relation.AT_LEAST: (EQUAL, ABOVE),
    Relation.BELOW: (BELOW,),
    Relation.AT_MOST: (BELOW, EQUAL),
    Relation.EQUAL: (EQUAL,),
}
OPEN = np.int8(-1)
"""Of a span: it lies on several sides, or on one that only looking at its prints can tell."""
_WAYS = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}


def has_sides(leaf: Leaf) -> bool:
    """Whether it is one of the conditions that columns can tell sides of."""
    condition = leaf.condition
    match condition:
        case Comparison() | Crossing() | BandState() | BandEvent() | Move() | Change():
            return leaf.bar_s is None and all(map(is_columnar, condition.expressions()))
        case _:
            return False


def is_settled(leaf: Leaf, can_count: Callable[[Expression], bool]) -> bool:
    """Whether no side of it is left NEAR; ``can_count`` as in `is_counted`."""
    return all(is_counted(of, can_count) for of in leaf.condition.expressions())


def sides_of(leaf: Leaf, columns: Columns) -> Sides:
    """The side of every moment: the truth of a state, and the order or the place in its band of an event. For all that
    counts, a move without a value (UNORDERED) is unknown. NEAR is any of them, where sums are within bounds only."""
    condition, columns = leaf.condition, columns.through(leaf)
    match condition:
        case Comparison(left, relation, right):
            sides = _order(columns, left, right)
            holds: Flags = sides == _TRUE_AT[relation][0]
            for side in _TRUE_AT[relation][1:]:
                holds |= sides == side
            truths: Sides = holds.view(np.int8) * np.int8(TRUE)
            truths[sides == UNORDERED] = UNKNOWN
            truths[sides == NEAR] = NEAR
            return truths
        case Crossing(left, Direction.UP | Direction.DOWN as direction, right):
            sides = _order(columns, left, right)
            sides[sides == EQUAL] = ABOVE if direction is Direction.UP else BELOW
            return sides
        case Crossing(left, _, right):
            return _order(columns, left, right)
        case BandState(inside=inside):
            found = _inside(condition, columns)
            return found if inside else np.where(found == NEAR, NEAR, TRUE - found).astype(np.int8)
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


def line_of(amount: Amount, way: int) -> Line:
    """From which on a value has moved that far."""
    far = way * amount.value
    return Line(1 + far, 0.0, float(way)) if amount.relative else Line(1.0, far, float(way))


def _order(columns: Columns, left: Expression, right: Expression, *also: Expression) -> Sides:
    """As tolerance.order; ``also`` are further values whose sums make dust. What is too near to be told by columns, and
    everything where these cannot hold the numbers, is worked out print by print; where sums are within bounds only it
    stays NEAR."""
    sized = (left, right, *also)
    adds = any(map(_adds, sized))
    if isinstance(right, Number) and isinstance(plain(left), Reading) and not adds:
        low, high = _equal_to(right.value)
        values = columns.value(left).at
        levels: Sides = (values >= low).view(np.int8) + (values > high).view(np.int8)
        if not columns.is_known(left):
            levels[values != values] = UNORDERED
        return levels
    if columns.spans is not None and (told := _in_spans(columns.spans, columns, sized)) is not None:
        return told
    try:
        first, second = columns.value(left), columns.value(right)
        is_exact = first.exact and second.exact
        is_open = first.off is not None or second.off is not None
        if is_exact and not adds and not is_open:
            return columns.kernels.orders(first.at, second.at, RELATIVE, True)
        margin = MARGIN * sum(map(columns.bound, sized))
        if is_exact and not adds:
            sides = columns.kernels.orders(first.at, second.at, RELATIVE, True)
        else:
            sides = columns.kernels.orders(first.at, second.at, margin, False)
        if is_exact and adds:
            sides[(sides == NEAR) & (first.at == second.at)] = EQUAL
        _doubt(sides, first, second, margin)
    except NotColumnar:
        sides = np.full(len(columns), NEAR, dtype=np.int8)
    if all(map(columns.is_counted, sized)):
        _tell(columns, left, right, sized, np.flatnonzero(sides == NEAR), sides)
    return sides


def _in_spans(spans: Spans, columns: Columns, sized: Sequence[Expression]) -> Sides | None:
    """The same, where only prints are looked at whose span leaves it open; None where that is most of them, or where
    nothing is known of spans. Before its windows are covered a value is unknown."""
    left, right, *also = sized
    try:
        first, second = columns.between(left), columns.between(right)
        margin = MARGIN * sum(map(columns.bound, sized))
    except NotColumnar:
        return None
    sides = np.full(len(spans), OPEN)
    sides[first.low - second.high > margin] = ABOVE
    sides[second.low - first.high > margin] = BELOW
    found = spans.at_prints(sides)
    windows = (window for each in sized for window in windows_of(each))
    found[: max((columns.lookback(of).covered_from(window_s) for of, window_s, _ in windows), default=0)] = UNORDERED
    return _looked_at(found, columns, lambda some: _order(some, left, right, *also))


def _looked_at(sides: Sides, columns: Columns, look: Callable[[Columns], Sides]) -> Sides | None:
    """With the sides of those prints that are OPEN; None where they are most of all."""
    left = np.flatnonzero(sides == OPEN)
    if 2 * len(left) > len(sides):
        return None
    if len(left):
        sides[left] = look(columns.at(left))
    return sides


def _doubt(sides: Sides, first: Values, second: Values, margin: float) -> None:
    """NEAR is also what bounds leave open."""
    off = sum(of.off for of in (first, second) if of.off is not None)
    if np.any(off):
        sides[(np.abs(first.at - second.at) <= off + margin) & (np.asarray(off) > 0)] = NEAR


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
    found[(low == NEAR) | (high == NEAR)] = NEAR
    return found


def _moved(condition: Move, columns: Columns) -> Sides:
    """True as soon as it moved; false only on a full window. UNORDERED where there is no value."""
    of, window_s = condition.of, condition.window_s
    lookback = columns.lookback(of)
    found = np.zeros(len(columns), dtype=np.int8)
    found[: lookback.covered_from(window_s)] = UNKNOWN
    if isinstance(lookback, Past) and columns.is_known(of):
        for way in ways_of(condition):
            moved = lookback.moved(window_s, line_of(condition.amount, way))
            np.maximum(found, moved.view(np.int8) * np.int8(TRUE), out=found)
        return found
    references = [lookback.extremes(window_s, way < 0) for way in ways_of(condition)]
    return _far(condition, columns, references, found, UNORDERED)


def _changed(condition: Change, columns: Columns) -> Sides:
    of, window_s = condition.of, condition.window_s
    if (spans := columns.spans) is not None and columns.is_known(of) and columns.is_price(of):
        told = _changed_in_spans(spans, condition, columns)
        if told is not None:
            return told
    before = columns.lookback(of).before(window_s)
    found = np.zeros(len(columns), dtype=np.int8)
    found = _far(condition, columns, [before for _ in ways_of(condition)], found, UNKNOWN)
    found[before != before] = UNKNOWN
    return found


def _changed_in_spans(spans: Spans, condition: Change, columns: Columns) -> Sides | None:
    """The same, where only prints are looked at that, beside what the price before may be in their span, leave it open;
    None where that is most of them."""
    prices, before = spans.prices(), spans.before(condition.window_s)
    bounds = []
    for way in ways_of(condition):
        slope, shift, _ = line_of(condition.amount, way)
        margin = way * MARGIN * (columns.bound(condition.of) * max(1.0, abs(slope)) + abs(shift))
        ends = (before.low, before.high)[:: 1 if way * slope > 0 else -1]
        loosest, strictest = (slope * end + shift for end in ends)
        bounds.append((way, loosest - margin, strictest + margin))
    sides = _beyond(bounds, prices.low, prices.high)
    some = np.flatnonzero(sides == OPEN)
    values = spans.values(some)
    beside = [(way, loosest[some, np.newaxis], strictest[some, np.newaxis]) for way, loosest, strictest in bounds]
    found = spans.at_prints(sides, some, _beyond(beside, values, values))
    return _looked_at(found, columns, lambda few: _changed(condition, few))


def _beyond(bounds: Sequence[tuple[int, Column, Column]], low: Column, high: Column) -> Sides:
    """FALSE where all that lies between low and high falls short of the loosest bound of each way, TRUE where it is
    beyond the strictest one of some; else OPEN."""
    short, far = np.ones(low.shape, dtype=np.bool_), np.zeros(low.shape, dtype=np.bool_)
    for way, loosest, strictest in bounds:
        short &= high < loosest if way > 0 else low > loosest
        far |= low > strictest if way > 0 else high < strictest
    sides: Sides = np.where(short, np.int8(FALSE), OPEN)
    sides[far] = TRUE
    return sides


def _far(
    condition: Move | Change, columns: Columns, references: Sequence[Column], found: Sides, valueless: int
) -> Sides:
    """TRUE where the value is far enough from the reference of one of its ways, and ``valueless`` where there is none;
    elsewhere as `found`. NEAR where bounds leave that open."""
    try:
        last = columns.value(condition.of)
    except NotColumnar:
        return np.full(len(columns), NEAR, dtype=np.int8)
    for way, reference in zip(ways_of(condition), references, strict=True):
        moved = _moved_by(condition, columns, last, reference, way)
        found[moved == TRUE] = TRUE
        found[(moved == NEAR) & (found != TRUE)] = NEAR
    if last.off is not None:
        # What may be anything may have no value either.
        found[np.broadcast_to(last.off, found.shape) == inf] = NEAR
    if not columns.is_known(condition.of):
        found[last.at != last.at] = valueless
    return found


def _moved_by(condition: Move | Change, columns: Columns, last: Values, reference: Column, way: int) -> Sides:
    """Whether at each moment the last value is so far from the reference, as `displacement` has it: where one was
    reckoned with, what is near is looked at one by one."""
    of, amount = condition.of, condition.amount
    line = line_of(amount, way)
    if columns.is_price(of):
        return columns.kernels.reached(last.at, reference, line).view(np.int8) * np.int8(TRUE)
    bounds = line.slope * reference + line.shift
    difference = way * (last.at - bounds)
    margin = MARGIN * (columns.bound(of) * max(1.0, abs(line.slope)) + abs(line.shift))
    found: Sides = (difference > 0).view(np.int8) * np.int8(TRUE)
    near = np.abs(difference) <= margin + (0.0 if last.off is None else last.off)
    if amount.relative:
        found[reference <= 0] = FALSE
        near &= reference > 0
    if not columns.is_counted(of):
        found[near] = NEAR
        return found
    value, size = columns.exact.value(of), columns.exact.size(of)
    for place in np.flatnonzero(near).tolist():
        newest, dust = columns.exact.at(place, value), columns.exact.at(place, size)
        assert dust is not None, "a size is always known"
        is_far = newest is not None and displacement(newest, float(reference[place]), amount, way, dust) is not None
        found[place] = TRUE if is_far else FALSE
    return found
