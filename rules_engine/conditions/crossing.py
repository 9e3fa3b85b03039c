"""`V crosses above 200`: one value passes another, an event."""

from dataclasses import dataclass

from rules_engine.conditions.apart import Apart
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.phrase import Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Direction
from rules_engine.model.expression import Expression
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import (
    FALSE,
    PULSE,
    QUIET_HOLDING,
    UNKNOWN,
    Forget,
    Judge,
    Moment,
    Readings,
    Stretch,
    Threshold,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Crossing(Condition):
    """True at the print with which the left side, last seen strictly on the other side, reaches or passes the right."""

    left: Expression
    direction: Direction
    right: Expression

    @property
    def is_event(self) -> bool:
        return True

    def expressions(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def judge(self, readings: Readings) -> Judge:
        return _CrossingJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        level = self.level()
        if level is None:
            why = "may happen either way, and IB is given one level; write 'crosses above' or 'crosses below'"
            return (Obstacle(str(self), why),)
        found = level.held(terms)
        if isinstance(found, tuple):
            return tuple(Obstacle(str(self), obstacle.why) for obstacle in found)
        return found

    def level(self) -> Condition | None:
        relations = {Direction.UP: Relation.AT_LEAST, Direction.DOWN: Relation.AT_MOST}
        relation = relations.get(self.direction)
        return Comparison(self.left, relation, self.right) if relation else None

    def __str__(self) -> str:
        words = {Direction.UP: "crosses above", Direction.DOWN: "crosses below", Direction.EITHER: "crosses"}
        return f"{self.left} {words[self.direction]} {self.right}"


class _CrossingJudge(Judge):
    """Two arms: one is armed by a value strictly below and fires upwards, the other mirrors it.

    An arm that has fired is spent until its side is seen again, so that 199, 200, 201 crosses once.
    """

    __slots__ = ("above_seen", "apart", "below_seen", "falls", "rises", "rose")

    def __init__(self, condition: Crossing, readings: Readings) -> None:
        self.apart = Apart(readings, condition.left, condition.right)
        self.rises = condition.direction is not Direction.DOWN
        self.falls = condition.direction is not Direction.UP
        self.below_seen = self.above_seen = False
        self.rose = self.rises

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        side = self.apart.judge()
        if side is None:
            return UNKNOWN
        if moment is Moment.PRINT and self._happens(side):
            return PULSE
        self.below_seen = self.below_seen or (side < 0 and self.rises)
        self.above_seen = self.above_seen or (side > 0 and self.falls)
        holds = side >= 0 if self.rose else side <= 0
        return QUIET_HOLDING if holds else FALSE

    def _happens(self, side: int) -> bool:
        up = self.below_seen and side >= 0
        down = self.above_seen and side <= 0
        if not (up or down):
            return False
        self.rose = up
        self.below_seen, self.above_seen = (side < 0 and self.rises), (side > 0 and self.falls)
        return True

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.apart.levels(self.rises - self.falls)

    def calm(self) -> Stretch | None:
        return self.apart.stretch()

    def forget(self, depth: Forget) -> None:
        if depth >= Forget.SIDES:
            self.below_seen = self.above_seen = False

    def sides(self) -> str:
        return "-bax"[self.below_seen + 2 * self.above_seen]

    def recall(self, sides: str) -> str:
        self.below_seen, self.above_seen = sides[:1] in ("b", "x"), sides[:1] in ("a", "x")
        return sides[1:]


def _crossing(left: Expression, side: Direction | None, right: Expression) -> Crossing:
    return Crossing(left, side or Direction.EITHER, right)


PHRASES = (Phrase("crossing", 'value "crosses" [side] value', _crossing),)
