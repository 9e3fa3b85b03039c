"""`and`, `or`, `not`, and their list forms `all`, `any`."""

from dataclasses import dataclass
from itertools import product
from math import prod

from rules_engine.conditions.phrase import Level, Misspoken, Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.holding import BRANCHES_MAX, Held, Holding, Obstacle, Terms
from rules_engine.model.judging import Composite, Judge, Moment, Readings, Stretch, Threshold, Verdict
from rules_engine.model.truth import Truth, every, some


@dataclass(frozen=True, slots=True)
class All(Condition):
    """Kleene's `and`. With one event among its parts it is an event: the states must hold at that print."""

    conditions: tuple[Condition, ...]

    def parts(self) -> tuple[Condition, ...]:
        return self.conditions

    def judge(self, readings: Readings) -> Judge:
        return _AllJudge(tuple(part.judge(readings) for part in self.conditions))

    def held(self, terms: Terms) -> Held:
        parts = [part.held(terms) for part in self.conditions]
        events = [Obstacle(str(part), "is an event under `and`") for part in self.conditions if part.is_event]
        obstacles = (*events, *_obstacles(parts))
        if obstacles:
            return obstacles
        return _distributed(self, [part for part in parts if isinstance(part, Holding)])

    def opposite(self) -> Condition | None:
        return Any(tuple(map(Not, self.conditions)))

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Any) else str(part) for part in self.conditions)


@dataclass(frozen=True, slots=True)
class Any(Condition):
    """Kleene's `or`. Each event among its parts is an edge of its own."""

    conditions: tuple[Condition, ...]

    def parts(self) -> tuple[Condition, ...]:
        return self.conditions

    def judge(self, readings: Readings) -> Judge:
        return _AnyJudge(self, readings)

    def held(self, terms: Terms) -> Held:
        parts = [part.held(terms) for part in self.conditions]
        branches = tuple(branch for part in parts if isinstance(part, Holding) for branch in part.branches)
        return _obstacles(parts) or Holding(branches)

    def level(self) -> Condition | None:
        levels = [level for part in self.conditions if (level := part.level()) is not None]
        return Any(tuple(levels)) if len(levels) == len(self.conditions) else None

    def opposite(self) -> Condition | None:
        return All(tuple(map(Not, self.conditions)))

    def __str__(self) -> str:
        return " or ".join(map(str, self.conditions))


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The opposite of a state; unknown stays unknown."""

    condition: Condition

    def parts(self) -> tuple[Condition, ...]:
        return (self.condition,)

    def judge(self, readings: Readings) -> Judge:
        return _NotJudge((self.condition.judge(readings),))

    def held(self, terms: Terms) -> Held:
        opposite = self.condition.opposite()
        found = (opposite or self.condition).held(terms)
        if opposite is None and isinstance(found, Holding):
            return (Obstacle(str(self), "has no opposite that IB could hold"),)
        if isinstance(found, tuple) and not self.condition.parts():
            return tuple(Obstacle(str(self), obstacle.why) for obstacle in found)
        return found

    def opposite(self) -> Condition | None:
        return self.condition

    def __str__(self) -> str:
        inner = f"({self.condition})" if isinstance(self.condition, All | Any) else str(self.condition)
        return f"not {inner}"


def _obstacles(parts: list[Held]) -> tuple[Obstacle, ...]:
    return tuple(obstacle for part in parts if isinstance(part, tuple) for obstacle in part)


def _distributed(condition: All, parts: list[Holding]) -> Held:
    """`A and (B or C)` is `A and B or A and C`: one list of conditions a branch."""
    if prod(len(part.branches) for part in parts) > BRANCHES_MAX:
        return (Obstacle(str(condition), f"has more than {BRANCHES_MAX} ways to become true"),)
    combinations = product(*(part.branches for part in parts))
    return Holding(tuple(tuple(held for branch in way for held in branch) for way in combinations))


def only_happens(condition: Condition) -> bool:
    """Whether it is never true for a stretch of time: an event, or an `and` with one."""
    inner = condition.parts()
    if not inner:
        return condition.is_event
    return (all if isinstance(condition, Any) else any)(map(only_happens, inner))


class _AllJudge(Composite):
    __slots__ = ()

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        verdicts = [part.judge(now_s, moment) for part in self.parts]
        truth = every(verdict.truth for verdict in verdicts)
        return Verdict(
            truth,
            pulse=_pulses(verdicts),
            seen_happening=truth is Truth.TRUE and any(verdict.seen_happening for verdict in verdicts),
            holds=every(verdict.holds for verdict in verdicts),
        )

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.all_levels()

    def calm(self) -> Stretch | None:
        return self.all_calm()


def _pulses(verdicts: list[Verdict]) -> bool:
    """An event happened, and everything else is true at this moment."""
    return any(
        event.pulse and all(other is event or other.truth is Truth.TRUE for other in verdicts) for event in verdicts
    )


class _AnyJudge(Composite):
    __slots__ = ("entered", "states")

    def __init__(self, condition: Any, readings: Readings) -> None:
        super().__init__(tuple(part.judge(readings) for part in condition.conditions))
        self.states = {index for index, part in enumerate(condition.conditions) if not only_happens(part)}
        """The parts that are true for stretches of time: only their truth makes state edges."""
        self.entered: set[int] = set()
        """The parts whose event was the latest."""

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        verdicts = [part.judge(now_s, moment) for part in self.parts]
        pulsing = {index for index, verdict in enumerate(verdicts) if verdict.pulse}
        self.entered = pulsing or self.entered
        states = [verdicts[index] for index in self.states] or verdicts
        return Verdict(
            some(verdict.truth for verdict in states),
            pulse=bool(pulsing),
            seen_happening=any(verdict.seen_happening for verdict in states),
            holds=some(verdicts[index].holds for index in self.entered | self.states),
        )

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.all_levels()

    def calm(self) -> Stretch | None:
        return self.all_calm()


class _NotJudge(Composite):
    __slots__ = ()

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        truth = ~self.parts[0].judge(now_s, moment).truth
        return Verdict(truth, holds=truth)

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.all_levels()

    def calm(self) -> Stretch | None:
        return self.all_calm()


def all_of(*conditions: Condition) -> All:
    """`a and b and c` as one condition, however it was bracketed. Two events never complete at one print."""
    flat = tuple(part for one in conditions for part in (one.conditions if isinstance(one, All) else (one,)))
    if sum(part.is_event for part in flat) > 1:
        last = max(at for at, part in enumerate(conditions) if part.is_event)
        hint = "make one of them a state, as in 'V > 200'"
        raise Misspoken("two events in one 'and' never happen at the same print", hint, last)
    return All(flat)


def any_of(*conditions: Condition) -> Any:
    """`a or b or c` as one condition, however it was bracketed."""
    return Any(tuple(part for one in conditions for part in (one.conditions if isinstance(one, Any) else (one,))))


def opposite_of(condition: Condition) -> Not:
    """`not` of a state."""
    if condition.is_event:
        raise Misspoken("'not' of an event means nothing", "negate a state, as in 'not V > 200'", 0)
    return Not(condition)


PHRASES = (
    Phrase("any_of", 'both ("or" both)+', any_of, Level.EITHER),
    Phrase("all_of", 'negated ("and" negated)+', all_of, Level.BOTH),
    Phrase("opposite_of", '"not" negated', opposite_of, Level.NEGATED),
)
