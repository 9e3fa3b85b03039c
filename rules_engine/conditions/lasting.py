"""`V > 200 for 30s`: a state without interruption, or an event whose new side lasts."""

from dataclasses import dataclass

from rules_engine.conditions.logic import Any, only_happens
from rules_engine.conditions.phrase import Level, Phrase
from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration
from rules_engine.model.holding import Held, Obstacle, Terms
from rules_engine.model.judging import (
    FALSE,
    PULSE,
    TRUE,
    UNKNOWN,
    Composite,
    Forget,
    Judge,
    Moment,
    Readings,
    Stretch,
    Threshold,
    Verdict,
)
from rules_engine.model.tolerance import EDGE_S
from rules_engine.model.truth import Truth


@dataclass(frozen=True, slots=True)
class Lasting(Condition):
    """True once ``of`` has held that long; matures by the clock. A gap in data starts it anew."""

    of: Condition
    duration_s: float

    def parts(self) -> tuple[Condition, ...]:
        return (self.of,)

    def judge(self, readings: Readings) -> Judge:
        if isinstance(self.of, Any) and self.of.is_event and len(self.of.conditions) > 1:
            return _each_on_its_own(self.of, self.duration_s).judge(readings)
        kind = _LastingEvent if only_happens(self.of) else _LastingState
        return kind(self.of.judge(readings), self.duration_s, readings.keeps)

    def held(self, terms: Terms) -> Held:
        return (Obstacle(str(self), "has to last; IB's conditions act on the first price that meets them"),)

    def __str__(self) -> str:
        inner = f"({self.of})" if len(self.of.parts()) > 1 or _binds_looser(self.of) else str(self.of)
        return f"{inner} for {spell_duration(self.duration_s)}"


def _binds_looser(condition: Condition) -> bool:
    return str(condition).startswith("not ")


def _each_on_its_own(alternatives: Any, duration_s: float) -> Any:
    """Every event of an `or` lasts by its own side; its states last together."""
    events = tuple(part for part in alternatives.conditions if part.is_event)
    states = tuple(part for part in alternatives.conditions if not part.is_event)
    together = (Lasting(states[0] if len(states) == 1 else Any(states), duration_s),) if states else ()
    return Any((*(Lasting(event, duration_s) for event in events), *together))


class _LastingJudge(Composite):
    """``since_s`` is the moment from which the condition, or the event's new side, has held.

    ``matured``: it was found to have lasted, so that no moment of its own lies ahead.
    """

    __slots__ = ("duration_s", "keeps", "matured", "since_s")

    def __init__(self, of: Judge, duration_s: float, keeps: bool) -> None:
        super().__init__((of,))
        self.duration_s = duration_s
        self.keeps = keeps
        self.since_s: float | None = None
        self.matured = False

    @property
    def matures(self) -> bool:
        return True

    def _has_lasted(self, now_s: float) -> bool:
        return self.since_s is not None and now_s - self.since_s >= self.duration_s - EDGE_S

    def levels(self) -> tuple[Threshold, ...] | None:
        return self.all_levels()

    def calm(self) -> Stretch | None:
        return self.all_calm()

    def forget(self, depth: Forget) -> None:
        self.since_s, self.matured = None, False
        super().forget(depth)

    def lasting_since_s(self) -> float | None:
        return self.since_s

    def due_s(self) -> float | None:
        inner_s = super().due_s()
        own_s = None if self.since_s is None or self.matured else self.since_s + self.duration_s
        return min((due_s for due_s in (inner_s, own_s) if due_s is not None), default=None)


class _LastingState(_LastingJudge):
    """What held from the first look, or after a gap, may have lasted for long already: unknown until it has here."""

    __slots__ = ("began",)

    def __init__(self, of: Judge, duration_s: float, keeps: bool) -> None:
        super().__init__(of, duration_s, keeps)
        self.began = False
        """Whether it was seen not to hold, so that nothing before that counts."""

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        inner = self.parts[0].judge(now_s, moment)
        self.matured = False
        if inner.truth is Truth.UNKNOWN:
            if not self.keeps:
                self.since_s, self.began = None, False
            return UNKNOWN
        if inner.truth is Truth.FALSE:
            self.since_s, self.began = None, True
            return FALSE
        if self.since_s is None and moment is not Moment.SNAPSHOT:
            self.since_s = now_s
        self.began = self.began or inner.seen_happening
        self.matured = self._has_lasted(now_s)
        if self.matured:
            return TRUE
        return FALSE if self.began else UNKNOWN

    def forget(self, depth: Forget) -> None:
        self.began = False
        super().forget(depth)

    def remember(self, other: Judge) -> None:
        assert isinstance(other, _LastingState)
        super().remember(other)
        if self.began:
            return  # Seen not to hold since the gap: what was before that is over.
        self.began = other.began
        if other.since_s is not None:
            self.since_s = other.since_s


class _LastingEvent(_LastingJudge):
    __slots__ = ()

    def judge(self, now_s: float, moment: Moment) -> Verdict:
        inner = self.parts[0].judge(now_s, moment)
        if inner.pulse:
            self.since_s = now_s
        elif inner.holds is Truth.FALSE or (inner.holds is Truth.UNKNOWN and not self.keeps):
            self.since_s = None
        if moment is not Moment.SNAPSHOT and self._has_lasted(now_s):
            self.since_s = None
            return PULSE
        return Verdict(inner.truth, holds=inner.holds)

    def remember(self, other: Judge) -> None:
        assert isinstance(other, _LastingEvent)
        super().remember(other)
        if self.since_s is None and other.since_s is not None:
            # The event was in the gap, and is not to be seen again by the first print after it.
            self.since_s = other.since_s
            self.recall(other.sides())


PHRASES = (Phrase("lasting", 'qualified "for" duration', Lasting, Level.QUALIFIED),)
