"""`V is inside 190 to 200` and `V enters 190 to 200`: a value and a band, its bounds inclusive."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nextafter

from rules_engine.conditions.apart import Apart
from rules_engine.conditions.level import held_level
from rules_engine.conditions.phrase import Misspoken, Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression, Number
from rules_engine.model.holding import Held, Holding, Obstacle, Terms
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
    joined,
    meeting,
    state,
)


@dataclass(frozen=True, slots=True)
class BandState(Condition):
    """True while the value is inside (or outside) low to high."""

    of: Expression
    inside: bool
    low: Expression
    high: Expression

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of, self.low, self.high)

    def judge(self, readings: Readings) -> Judge:
        return _BandStateJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        outside = not self.inside
        low = held_level(str(self), self.of, self.low, terms, at_least=self.inside, strict=outside)
        high = held_level(str(self), self.of, self.high, terms, at_least=outside, strict=outside)
        if isinstance(low, Obstacle):
            return (low,)
        if isinstance(high, Obstacle):
            return (high,)
        return Holding(((low, high),)) if self.inside else Holding(((low,), (high,)))

    def opposite(self) -> Condition | None:
        return BandState(self.of, not self.inside, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.of} is {'inside' if self.inside else 'outside'} {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class BandEvent(Condition):
    """True at the print that enters (or leaves) low to high, having been seen on the other side before."""

    of: Expression
    entering: bool
    low: Expression
    high: Expression

    @property
    def is_event(self) -> bool:
        return True

    def expressions(self) -> tuple[Expression, ...]:
        return (self.of, self.low, self.high)

    def judge(self, readings: Readings) -> Judge:
        return _BandEventJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        found = self.level().held(terms)
        if isinstance(found, tuple):
            return tuple(Obstacle(str(self), obstacle.why) for obstacle in found)
        return found

    def level(self) -> Condition:
        return BandState(self.of, self.entering, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.of} {'enters' if self.entering else 'leaves'} {self.low} to {self.high}"


class _Band:
    __slots__ = ("high", "low")

    def __init__(self, condition: BandState | BandEvent, readings: Readings) -> None:
        size = readings.size(condition.of, condition.low, condition.high)
        self.low = Apart(readings, condition.of, condition.low, size)
        self.high = Apart(readings, condition.of, condition.high, size)

    def levels(self, inside: bool) -> tuple[Threshold, ...] | None:
        """``inside``: a print that comes to be between the bounds, from either side, is an edge and nothing else is."""
        low, high = self.low.levels(1), self.high.levels(1, strict=True)
        if inside and low is not None and high is not None and low[0].way == high[0].way == 1:
            least, beyond = low[0].price, high[0].price
            return Threshold(least, 1, beyond), Threshold(beyond, -1, nextafter(least, -inf))
        return joined([low, high])

    def stretch(self) -> Stretch | None:
        return meeting([self.low.stretch(), self.high.stretch()])

    def is_inside(self) -> bool | None:
        """Bounds inclusive; None when a value is unknown."""
        low, high = self.low.judge(), self.high.judge()
        return None if low is None or high is None else low >= 0 >= high


class _BandStateJudge(Judge):
    __slots__ = ("band", "inside")

    def __init__(self, condition: BandState, readings: Readings) -> None:
        self.band = _Band(condition, readings)
        self.inside = condition.inside

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        inside = self.band.is_inside()
        return UNKNOWN if inside is None else state(inside is self.inside)

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.band.levels(self.inside)

    def calm(self) -> Stretch | None:
        return self.band.stretch()


class _BandEventJudge(Judge):
    __slots__ = ("armed", "band", "entering")

    def __init__(self, condition: BandEvent, readings: Readings) -> None:
        self.band = _Band(condition, readings)
        self.entering = condition.entering
        self.armed = False
        """Whether the other side was seen since the last event."""

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        inside = self.band.is_inside()
        if inside is None:
            return UNKNOWN
        if inside is not self.entering:
            self.armed = True
            return FALSE
        if self.armed and moment is Moment.PRINT:
            self.armed = False
            return PULSE
        return QUIET_HOLDING

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.band.levels(self.entering)

    def calm(self) -> Stretch | None:
        return self.band.stretch()

    def forget(self, depth: Forget) -> None:
        if depth >= Forget.SIDES:
            self.armed = False

    def sides(self) -> str:
        return "o" if self.armed else "-"

    def recall(self, sides: str) -> str:
        self.armed = sides[:1] == "o"
        return sides[1:]


def _state(inside: bool) -> Callable[..., Condition]:
    def meaning(of: Expression, low: Expression, high: Expression) -> Condition:
        _refuse_reversed(low, high)
        return BandState(of, inside, low, high)

    return meaning


def _event(entering: bool) -> Callable[..., Condition]:
    def meaning(of: Expression, low: Expression, high: Expression) -> Condition:
        _refuse_reversed(low, high)
        return BandEvent(of, entering, low, high)

    return meaning


def _refuse_reversed(low: Expression, high: Expression) -> None:
    if isinstance(low, Number) and isinstance(high, Number) and low.value >= high.value:
        raise Misspoken(f"a band from {low} to {high} is empty", "write the lower bound first, then the higher", 1)


PHRASES = (
    Phrase("inside", 'value "is" "inside" value "to" value', _state(inside=True)),
    Phrase("outside", 'value "is" "outside" value "to" value', _state(inside=False)),
    Phrase("enters", 'value "enters" value "to" value', _event(entering=True)),
    Phrase("leaves", 'value "leaves" value "to" value', _event(entering=False)),
)
