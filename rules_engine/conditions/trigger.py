"""`V > 200 using double last`: which quotes may satisfy a price condition."""

from dataclasses import dataclass, replace

from rules_engine.conditions.band import BandState
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.lasting import Lasting
from rules_engine.conditions.logic import All, Any, Not
from rules_engine.conditions.phrase import Level, Phrase
from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.direction import Direction
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import PULSE, Composite, Forget, Judge, Moment, Readings, Verdict, state
from rules_engine.model.trigger_method import TriggerMethod
from rules_engine.model.truth import Truth


@dataclass(frozen=True, slots=True)
class Using(Condition):
    """``of`` judged on the quotes that ``method`` names instead of the instrument's own value."""

    of: Condition
    method: TriggerMethod

    @property
    def is_event(self) -> bool:
        return self.of.is_event

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        spread = self.spread()
        if spread is not self:
            return spread.judge(readings)
        inner = self.of.judge(readings.using(self.method, rises(self.of)))
        return _TwiceJudge(self, inner, readings) if self.method in _DOUBLE else inner

    def spread(self) -> Condition:
        """The method said of each condition inside, as IB holds it: each has quotes and prints in a row of its own.

        A band is two of them where a rise and a fall are seen in two quotes: the bid above its low, the ask below its
        high.
        """
        match self.of:
            case Crossing(direction=Direction.EITHER) as crossing:
                return Any(tuple(Using(replace(crossing, direction=way), self.method) for way in _WAYS))
            case All(conditions) | Any(conditions):
                return replace(self.of, conditions=tuple(Using(part, self.method) for part in conditions))
            case BandState() as band if self.method.is_two_sided:
                bounds = tuple(Using(bound, self.method) for bound in _bounds(band))
                return All(bounds) if band.inside else Any(bounds)
            case Not(condition) if (opposite := condition.opposite()) is not None:
                return Using(opposite, self.method)
            case Lasting(of):
                return replace(self.of, of=Using(of, self.method).spread())
            case _:
                return self

    def held(self, terms: Terms) -> Held:
        found = self.of.held(terms.using(self.method))
        if isinstance(found, tuple) and not self.of.parts():
            return tuple(Obstacle(str(self), obstacle.why) for obstacle in found)
        return found

    def level(self) -> Condition | None:
        level = self.of.level()
        return Using(level, self.method) if level else None

    def opposite(self) -> Condition | None:
        """Only on one quote: a rise is seen in the bid and a fall in the ask, so both may be false at once."""
        inner = self.of.opposite()
        return Using(inner, self.method) if inner and self.method in _SINGLE else None

    def __str__(self) -> str:
        inner = f"({self.of})" if self.of.parts() else str(self.of)
        return f"{inner} using {self.method}"


_WAYS = (Direction.UP, Direction.DOWN)
_SINGLE = (TriggerMethod.LAST, TriggerMethod.MIDPOINT)
_DOUBLE = (TriggerMethod.DOUBLE_LAST, TriggerMethod.DOUBLE_BID_ASK)


def _bounds(band: BandState) -> tuple[Comparison, Comparison]:
    """What makes it true: both when the value is to be inside, either one when outside."""
    if band.inside:
        return Comparison(band.of, Relation.AT_LEAST, band.low), Comparison(band.of, Relation.AT_MOST, band.high)
    return Comparison(band.of, Relation.BELOW, band.low), Comparison(band.of, Relation.ABOVE, band.high)


def rises(condition: Condition) -> bool:
    """Whether it waits for a rise: those are seen in the bid, falls in the ask."""
    match condition:
        case Comparison(relation=Relation.BELOW | Relation.AT_MOST):
            return False
        case Crossing(direction=Direction.DOWN):
            return False
        case _:
            return True


class _TwiceJudge(Composite):
    """The double methods: two prints in a row must agree."""

    __slots__ = ("agreed", "counts", "event", "seen")

    def __init__(self, condition: Using, inner: Judge, readings: Readings) -> None:
        super().__init__((inner,))
        view = readings.using(condition.method, rises(condition.of))
        read = (expression for part in walk_conditions(condition.of) for expression in part.expressions())
        self.counts = [view.prints(expression) for expression in read]
        self.event = condition.is_event
        self.seen = 0
        self.agreed = 0

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        inner = self.parts[0].judge(now_s, moment)
        prints = self._prints()
        new, self.seen = moment is Moment.PRINT and prints != self.seen, prints
        if self.event:
            return self._second_after(inner, new)
        if inner.truth is not Truth.TRUE:
            self.agreed = 0
            return inner
        self.agreed += new
        return state(self.agreed > 1)

    def _second_after(self, inner: Verdict, new: bool) -> Verdict:
        if inner.pulse:
            self.agreed = 1
        elif inner.holds is not Truth.TRUE:
            self.agreed = 0
        elif self.agreed == 1 and new:
            self.agreed = 2
            return PULSE
        return Verdict(inner.truth, holds=inner.holds)

    def _prints(self) -> int:
        return sum(count() for count in self.counts)

    def pass_over(self) -> None:
        self.seen = self._prints()
        super().pass_over()

    def forget(self, depth: Forget) -> None:
        self.agreed = 0
        super().forget(depth)


PHRASES = (Phrase("using", 'qualified "using" method', Using, Level.QUALIFIED),)
