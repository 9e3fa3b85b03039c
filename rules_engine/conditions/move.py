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
        of, window_s, direction = condition.of, condition.window_s, condition.direction
        self.amount = condition.amount
        self.last = readings.value(of)
        self.is_print = readings.is_print(of)
        self.size = readings.size(of)
        self.ways = [(readings.extreme(of, window_s, highest=way < 0), way) for way in WAYS[direction]]
        """What is compared with, and which way: up from the lowest, down from the highest."""
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
        for window, way in self.ways:
            reference = window.value()
            if reference is not None:
                self.moved = displacement(last, reference, self.amount, way, self.size())
                if self.moved is not None:
                    return True
        return False

    def calm(self) -> Stretch | None:
        last = self.last()
        if last is None or last <= 0 or not self.is_print:
            return None
        if self.moved is not None:
            window, way = self.ways[self.moved < 0 and len(self.ways) > 1]
            return _while_moved(last, window, way, self.amount)
        band = unmoved(last, [(window.value(), way) for window, way in self.ways], self.amount)
        if band is None or not self.watching:
            return band
        covered_at_s = [window.covered_at_s() for window, _ in self.ways if not window.is_covered()]
        return band.meet(Stretch(until_s=min(covered_at_s))) if covered_at_s else None

    def forget(self, depth: Forget) -> None:
        self.watching = False

    def evidence(self) -> Iterable[tuple[str, float]]:
        return () if self.moved is None else (("move", self.moved),)


WAYS = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}
_SLACK = 1e-9
"""A thousand times what counts as equal."""


def unmoved(last: float, extremes: Iterable[tuple[float | None, int]], amount: Amount) -> Stretch | None:
    """Where no print is that far from another one of it, nor from an extreme, which it includes. Each with its way.

    Each way it is as wide as the amount; around the last print, or as close to that as the extreme allows. Prints that
    leave a window only make more room.
    """
    low, high = -inf, inf
    for extreme, way in extremes:
        if extreme is None or extreme <= 0:
            return None
        if amount.relative:
            room = 1 + way * amount.value
            if room <= 0:
                low = max(low, 0.0)
                continue
            near = way * min(way * extreme, way * last / sqrt(room))
            far = near * room
        else:
            near = way * min(way * extreme, way * last - amount.value / 2)
            far = near + way * amount.value
        far -= way * abs(far) * _SLACK
        if way * (far - last) <= 0:
            return None
        low, high = (max(low, near), min(high, far)) if way > 0 else (max(low, far), min(high, near))
    return Stretch(low, high)


def _while_moved(last: float, window: Window, way: int, amount: Amount) -> Stretch | None:
    """Where every print is that far from one that stays for long enough.

    The extreme leaves first and leaves most room. One that is a quarter of the way to the nearest that would still do
    mostly leaves much later, and takes a quarter of the room.
    """
    extreme = window.value()
    if extreme is None or extreme <= 0:
        return None
    factor, shift = (1 + way * amount.value, 0.0) if amount.relative else (1.0, way * amount.value)
    if factor <= 0:
        return None
    nearest = (last - shift) / factor
    between = extreme + (nearest - extreme) / 4
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
