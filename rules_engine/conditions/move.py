"""`V moves up 5% in 5m`: the last print against the extremes of a window, a state."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, sqrt

from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import (
    FALSE,
    HAPPENING,
    TRUE,
    UNKNOWN,
    Forget,
    Judge,
    Moment,
    Readings,
    Stretch,
    Verdict,
    Window,
)
from rules_engine.model.tolerance import order


@dataclass(frozen=True, slots=True)
class Move(Condition):
    """True while the newest value is ``amount`` away from the lowest (up) or highest (down) print in the window.

    The window is (now - window_s, now].
    """

    of: Expression
    direction: Direction
    amount: Amount
    window_s: float

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        return _MoveJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "looks back over a window; IB knows the change on the day only"),)

    def __str__(self) -> str:
        way = "" if self.direction is Direction.EITHER else f" {self.direction}"
        return f"{self.of} moves{way} {self.amount} in {spell_duration(self.window_s)}"


class _MoveJudge(Judge):
    """True on a part-filled window too, which more history cannot undo; false only on a full one."""

    __slots__ = ("amount", "is_print", "last", "moved", "size", "watching", "ways")

    def __init__(self, condition: Move, readings: Readings) -> None:
        of, window_s = condition.of, condition.window_s
        self.amount = condition.amount
        self.last = readings.value(of)
        self.is_print = readings.is_print(of)
        self.size = readings.size(of)
        self.ways = [
            (readings.extreme(of, window_s, reach.way < 0), reach)
            for reach in reaches(condition.direction, self.amount)
        ]
        """What is compared with, and how far that is to be: up from the lowest, down from the highest."""
        self.moved: float | None = None
        self.watching = False
        """Whether a value that had not moved was seen since the last known verdict."""

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        last = self.last()
        self.moved = None
        if last is None:
            return UNKNOWN
        if self._moved(last):
            happening = self.watching
            self.watching = happening and moment is Moment.SNAPSHOT
            return HAPPENING if happening else TRUE
        for window, _ in self.ways:
            if not window.is_covered():
                self.watching = True
                return UNKNOWN
        self.watching = False
        return FALSE

    def _moved(self, last: float) -> bool:
        amount, size = self.amount, self.size()
        for window, reach in self.ways:
            extreme = window.value()
            if extreme is not None:
                self.moved = displacement(last, extreme, amount, reach.way, size)
                if self.moved is not None:
                    return True
        return False

    def calm(self) -> Stretch | None:
        last = self.last()
        if last is None or last <= 0 or not self.is_print:
            return None
        if self.moved is not None:
            window, reach = self.ways[self.moved < 0 and len(self.ways) > 1]
            return _while_moved(last, window, reach)
        band = unmoved(last, [(window.value(), reach) for window, reach in self.ways])
        if band is None or not self.watching:
            return band
        covered_at_s = [window.covered_at_s() for window, _ in self.ways if not window.is_covered()]
        return band.meet(Stretch(until_s=min(covered_at_s))) if covered_at_s else None

    def forget(self, depth: Forget) -> None:
        self.watching = False

    def evidence(self) -> Iterable[tuple[str, float]]:
        return () if self.moved is None else (("move", self.moved),)


@dataclass(frozen=True, slots=True)
class Reach:
    """From where on a value has moved from a reference: at ``reference * factor + shift``, up (``way`` 1) or down (-1).

    ``half_way * (last - half_shift)`` is the reference from which the last print is half-way there.
    """

    way: int
    factor: float
    shift: float
    half_way: float
    half_shift: float


def reaches(direction: Direction, amount: Amount) -> list[Reach]:
    """Those of a move by that amount."""
    return [_reach(way, amount) for way in WAYS[direction]]


def _reach(way: int, amount: Amount) -> Reach:
    if not amount.relative:
        return Reach(way, 1.0, way * amount.value, 1.0, way * amount.value / 2)
    factor = 1 + way * amount.value
    return Reach(way, factor, 0.0, 1 / sqrt(factor) if factor > 0 else 0.0, 0.0)


WAYS = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}
_SLACK = 1e-9
"""A thousand times what counts as equal."""


def unmoved(last: float, extremes: Iterable[tuple[float | None, Reach]]) -> Stretch | None:
    """Where no print is that far from another one of it, nor from an extreme, which it includes.

    Each way it is as wide as the amount; around the last print, or as close to that as the extreme allows. Prints that
    leave a window only make more room.
    """
    low, high = -inf, inf
    for extreme, reach in extremes:
        if extreme is None or extreme <= 0:
            return None
        if reach.factor <= 0:  # No price falls by all of itself.
            low = max(low, 0.0)
            continue
        near = reach.half_way * (last - reach.half_shift)
        if reach.way * (near - extreme) > 0:
            near = extreme
        far = near * reach.factor + reach.shift
        far -= reach.way * abs(far) * _SLACK
        least, most = (near, far) if reach.way > 0 else (far, near)
        if least > low:
            low = least
        if most < high:
            high = most
    return Stretch(low, high) if low < last < high else None


def _while_moved(last: float, window: Window, reach: Reach) -> Stretch | None:
    """Where every print is that far from one that stays for long enough.

    The extreme leaves first and leaves most room. One that is a quarter of the way to the nearest that would still do
    mostly leaves much later, and takes a quarter of the room.
    """
    extreme, way, factor, shift = window.value(), reach.way, reach.factor, reach.shift
    if extreme is None or extreme <= 0 or factor <= 0:
        return None
    between = extreme + ((last - shift) / factor - extreme) / 4
    bound = between * factor + shift
    bound += way * abs(bound) * _SLACK
    if way * (last - bound) <= 0:
        return None
    until_s = window.until_s(between)
    return Stretch(bound, inf, until_s) if way > 0 else Stretch(-inf, bound, until_s)


def displacement(last: float, reference: float, amount: Amount, way: int, size: float) -> float | None:
    """How far ``last`` is from the reference if that is at least the amount, ``way`` 1 up or -1 down; else None.

    Relative amounts of something that is not positive mean nothing.
    """
    if amount.relative:
        if reference <= 0 or way * order(last, reference * (1 + way * amount.value), size) < 0:
            return None
        return last / reference - 1
    return last - reference if way * order(last, reference + way * amount.value, size) >= 0 else None


def _move(of: Expression, way: Direction | None, amount: Amount, window_s: float) -> Move:
    return Move(of, way or Direction.EITHER, amount, window_s)


PHRASES = (Phrase("move", 'value "moves" [way] amount "in" duration', _move),)
