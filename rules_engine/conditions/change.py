"""`V changes up 5% in 5m`: the last print against the one a window ago, a state."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules_engine.conditions.move import displacement, unmoved
from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression, Reading
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import FALSE, TRUE, UNKNOWN, Judge, Moment, Readings, Stretch, Verdict, meeting


@dataclass(frozen=True, slots=True)
class Change(Condition):
    """True while the newest value is ``amount`` away from the last print at or before now - window_s."""

    of: Expression
    direction: Direction
    amount: Amount
    window_s: float

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        return _ChangeJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "looks back over a window; IB knows the change on the day only"),)

    def __str__(self) -> str:
        way = "" if self.direction is Direction.EITHER else f" {self.direction}"
        return f"{self.of} changes{way} {self.amount} in {spell_duration(self.window_s)}"


class _ChangeJudge(Judge):
    __slots__ = ("amount", "before", "coming", "last", "moved", "outlook", "size", "ways", "windows")

    def __init__(self, condition: Change, readings: Readings) -> None:
        self.amount = condition.amount
        self.last = readings.value(condition.of)
        self.before = readings.before(condition.of, condition.window_s)
        self.size = readings.size(condition.of)
        self.ways = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}[condition.direction]
        self.outlook = readings.outlook(condition.of) if isinstance(condition.of, Reading) else None
        self.coming = self.outlook.before(condition.window_s) if self.outlook is not None else None
        self.windows = [readings.extreme(condition.of, condition.window_s, way < 0) for way in self.ways]
        self.moved: float | None = None

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        self.moved = None
        last, before = self.last(), self.before()
        if last is None or before is None:
            return UNKNOWN
        for way in self.ways:
            self.moved = displacement(last, before, self.amount, way, self.size())
            if self.moved is not None:
                return TRUE
        return FALSE

    def calm(self) -> Stretch | None:
        if self.outlook is None:
            return None
        return self.outlook.unknown() or self._unmoved() or self.outlook.longest(self._stays)

    def _unmoved(self) -> Stretch | None:
        """Every value that will be compared is a print of the window, the one before it, or still to come."""
        last, before = self.last(), self.before()
        extremes = [window.value() for window in self.windows]
        if self.moved is not None or last is None or last <= 0 or before is None or None in extremes:
            return None
        ways = []
        for extreme, way in zip(extremes, self.ways, strict=True):
            assert extreme is not None
            ways.append(unmoved(last, min(way * extreme, way * before) * way, self.amount, way))
        return meeting(ways)

    def _stays(self, stretch: Stretch) -> bool:
        """Whether every print of the stretch is far enough from every value that will be compared with it, or none."""
        before = self.coming(stretch) if self.coming is not None else None
        if before is None or before[0] <= 0:
            return False
        sides = [_side(stretch, before, self.amount, way) for way in self.ways]
        return 1 in sides if self.moved is not None else sides == [-1] * len(sides)

    def evidence(self) -> Iterable[tuple[str, float]]:
        return () if self.moved is None else (("move", self.moved),)


_SLACK = 1e-9
"""A thousand times what counts as equal."""


def _side(stretch: Stretch, before: tuple[float, float], amount: Amount, way: int) -> int:
    """1 if all of the stretch is the amount away from all of ``before``, -1 if none is, 0 if that depends."""
    near, far = (before[0], before[1]) if way > 0 else (before[1], before[0])
    if amount.relative:
        near, far = near * (1 + way * amount.value), far * (1 + way * amount.value)
    else:
        near, far = near + way * amount.value, far + way * amount.value
    least, most = (stretch.low, stretch.high) if way > 0 else (stretch.high, stretch.low)
    slack = _SLACK * (abs(near) + abs(far))
    if way * (least - far) > slack:
        return 1
    return -1 if way * (near - most) > slack else 0


def _change(of: Expression, way: Direction | None, amount: Amount, window_s: float) -> Change:
    return Change(of, way or Direction.EITHER, amount, window_s)


PHRASES = (Phrase("change", 'value "changes" [way] amount "in" duration', _change),)
