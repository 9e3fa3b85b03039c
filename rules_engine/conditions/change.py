"""`V changes up 5% in 5m`: the last print against the one a window ago, a state."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules_engine.conditions.move import Reach, displacement, reaches, unmoved
from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import Expression, Reading
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import (
    FALSE,
    TRUE,
    UNKNOWN,
    Earlier,
    Judge,
    Moment,
    Order,
    Readings,
    Stretch,
    Verdict,
)


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
    """``side``: which way the value had changed when last judged, 0 if none; None: unknown."""

    __slots__ = ("amount", "before", "last", "moved", "orders", "side", "size", "ways")

    def __init__(self, condition: Change, readings: Readings) -> None:
        self.amount = condition.amount
        self.last = readings.value(condition.of)
        self.before = readings.before(condition.of, condition.window_s)
        self.size = readings.size(condition.of)
        of, window_s = condition.of, condition.window_s
        ways = reaches(condition.direction, condition.amount)
        self.ways = [(readings.extreme(of, window_s, reach.way < 0), reach) for reach in ways]
        self.orders = {reach.way: order for reach in ways if (order := _order(readings, condition, reach)) is not None}
        self.moved: float | None = None
        self.side: int | None = None

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        self.moved = self.side = None
        last, before = self.last(), self.before()
        if last is None or before is None:
            return UNKNOWN
        for _, reach in self.ways:
            self.moved = displacement(last, before, self.amount, reach.way, self.size())
            if self.moved is not None:
                self.side = reach.way
                return TRUE
        self.side = 0
        return FALSE

    def calm(self) -> Stretch | None:
        if not self.orders:
            return None
        if self.side is None:
            return next(iter(self.orders.values())).unknown()
        if self.side:
            return Stretch(orders=((self.orders[self.side], self.side),))
        return self._unmoved() or Stretch(orders=tuple((order, -way) for way, order in self.orders.items()))

    def _unmoved(self) -> Stretch | None:
        """Every value that will be compared is a print of the window, the one before it, or still to come."""
        last, before = self.last(), self.before()
        if last is None or last <= 0 or before is None:
            return None
        extremes = [(window.value(), reach) for window, reach in self.ways]
        return unmoved(last, [(_beyond(extreme, before, reach.way), reach) for extreme, reach in extremes])

    def evidence(self) -> Iterable[tuple[str, float]]:
        return () if self.moved is None else (("move", self.moved),)


def _beyond(extreme: float | None, before: float, way: int) -> float | None:
    return None if extreme is None else min(way * extreme, way * before) * way


def _order(readings: Readings, condition: Change, reach: Reach) -> Order | None:
    """The value, and where it has changed by the amount."""
    of = condition.of
    if not isinstance(of, Reading) or not readings.is_print(of):
        return None
    return readings.order(of, Earlier(of, condition.window_s, reach.factor, reach.shift))


def _change(of: Expression, way: Direction | None, amount: Amount, window_s: float) -> Change:
    return Change(of, way or Direction.EITHER, amount, window_s)


PHRASES = (Phrase("change", 'value "changes" [way] amount "in" duration', _change),)
