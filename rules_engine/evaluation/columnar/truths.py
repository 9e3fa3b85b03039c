"""Conditions over columns into what their judges say at every print: truths, and the prints at which events happen."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from rules_engine.conditions.band import BandEvent
from rules_engine.conditions.change import Change
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.logic import All, Any, Not, only_happens
from rules_engine.conditions.move import Move
from rules_engine.conditions.trigger import Using
from rules_engine.evaluation.columnar.arrays import (
    ABOVE,
    BELOW,
    EQUAL,
    FALSE,
    TRUE,
    UNKNOWN,
    UNORDERED,
    Column,
    Flags,
    Index,
    Sides,
)
from rules_engine.evaluation.columnar.leaves import DOUBLE, NOT_PRICES, Leaf, leaves_of
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.sides import has_sides, is_settled, line_of, sides_of, ways_of
from rules_engine.evaluation.columnar.values import Columns, plain
from rules_engine.evaluation.columnar.vectorised import reached
from rules_engine.evaluation.series import unnamed
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Direction
from rules_engine.model.expression import Expression, Reading
from rules_engine.model.tolerance import EDGE_S

NO_PRINTS: Index = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Said:
    """The verdicts on every fresh print: ``truths``, and the prints, from 0, at which an event happens.

    ``happening`` says of a print with which a state turned true before our eyes, though it was never known to be false.
    """

    truths: Sides
    pulses: Index
    happening: Callable[[int], bool]


@dataclass(slots=True)
class Told:
    """One condition over slice after slice. ``side`` is what its judge remembers of the last print."""

    leaf: Leaf
    side: int = UNORDERED

    @property
    def condition(self) -> Condition:
        return self.leaf.condition

    def parts(self) -> Sequence["Told"]:
        return ()

    def recall(self, sides: str, scene: Scene, judged_s: float) -> str:
        """Goes on where a judge stopped that has heard the scene so far, and judged at that moment last; ``sides`` are
        its memories. Returns those of others."""
        return sides

    def say(self, columns: Columns) -> Said:
        """The next slice."""
        raise NotImplementedError

    def evidence(self, columns: Columns, prints: Index) -> Iterator[Column]:
        """How far it had moved at those prints; nan where it had not."""
        for part in self.parts():
            yield from part.evidence(columns, prints)


def told(condition: Condition, can_count: Callable[[Expression], bool], words: Leaf | None = None) -> Told | None:
    """None for what only a judge can tell."""
    words = replace(words or Leaf(condition), condition=condition)
    match condition:
        case All() | Any() | Not():
            return _composite(words, condition.parts(), can_count)
        case Using() if (spread := condition.spread()) is not condition:
            return told(spread, can_count, words)
        case Using(of=of, method=method):
            return None if method in DOUBLE else told(of, can_count, next(leaves_of(condition, words)))
        case _ if not has_sides(words) or words.holdings():
            return None
        case _ if not is_settled(words, can_count) or not _is_simple(words):
            return None
        case Crossing() | BandEvent():
            return _Event(words)
        case _:
            return _State(words)


def _is_simple(leaf: Leaf) -> bool:
    """Whether what its judge remembers at arming can be found in columns: moves of prices as they print."""
    match leaf.condition:
        case Move(of=of) | Change(of=of):
            inner = plain(of)
            if not isinstance(inner, Reading) or inner.bar_s is not None:
                return False
            return inner.field not in NOT_PRICES and leaf.field(inner) is inner.field
        case _:
            return True


def _composite(words: Leaf, parts: Sequence[Condition], can_count: Callable[[Expression], bool]) -> Told | None:
    inner = [told(part, can_count, words) for part in parts]
    known = tuple(part for part in inner if part is not None)
    return _Composite(words, known) if len(known) == len(inner) else None


def runs(sides: Sides, unknown: int) -> tuple[Index, Sides]:
    """Where the known sides change, each with the new side; the first known print comes first."""
    firsts = np.concatenate((NO_PRINTS if not len(sides) else [0], np.flatnonzero(sides[1:] != sides[:-1]) + 1))
    found = sides[firsts]
    known = found != unknown
    return (firsts, found) if known.all() else (firsts[known], found[known])


def _never(place: int) -> bool:
    return False


class _State(Told):
    """``side`` is UNKNOWN when the last print had not moved and the window was filling: a move is seen happening."""

    __slots__ = ()

    def recall(self, sides: str, scene: Scene, judged_s: float) -> str:
        condition = self.condition
        if isinstance(condition, Move):
            past = scene.past_of(unnamed(condition.of))
            if past.heard and past.begun_s + condition.window_s - EDGE_S > judged_s and not self._has_moved(past):
                self.side = UNKNOWN
        return sides

    def _has_moved(self, past: Past) -> bool:
        """On a window that holds everything so far."""
        assert isinstance(self.condition, Move)
        values = past.values[: past.heard]
        for way in ways_of(self.condition):
            reference = values.min() if way > 0 else values.max()
            if reached(values[-1:], np.array([reference]), line_of(self.condition.amount, way))[0]:
                return True
        return False

    def say(self, columns: Columns) -> Said:
        sides, before = sides_of(self.leaf, columns), self.side
        if not isinstance(self.condition, Move):
            return Said(sides, NO_PRINTS, _never)
        valued = sides != UNORDERED
        is_valued = bool(valued.all())
        truths = sides if is_valued else np.where(valued, sides, np.int8(UNKNOWN))
        self.side = _newest(sides, len(sides), before)

        def happening(place: int) -> bool:
            """The value before had not moved, and the window was filling."""
            return bool(truths[place] == TRUE and _newest(sides, place, before) == UNKNOWN)

        return Said(truths, NO_PRINTS, happening)

    def evidence(self, columns: Columns, prints: Index) -> Iterator[Column]:
        condition = self.condition
        if not isinstance(condition, Move | Change):
            return
        last, found = columns.value(condition.of).at[prints], np.full(len(prints), np.nan)
        left = np.arange(len(prints))
        for way in ways_of(condition):
            reference = self._reference(columns, prints[left], way)
            moved = reached(last[left], reference, line_of(condition.amount, way))
            distance = last[left] / reference - 1 if condition.amount.relative else last[left] - reference
            found[left[moved]] = distance[moved]
            left = left[~moved]
        yield found

    def _reference(self, columns: Columns, prints: Index, way: int) -> Column:
        assert isinstance(self.condition, Move | Change)
        if isinstance(self.condition, Change):
            return columns.lookback(self.condition.of).before_at(prints, self.condition.window_s)
        return columns.lookback(self.condition.of).extremes_at(prints, self.condition.window_s, way < 0)


def _newest(sides: Sides, end: int, before: int) -> int:
    """The last of the first so many that is there, else what was before."""
    if end and sides[end - 1] != UNORDERED:
        return int(sides[end - 1])
    valued = np.flatnonzero(sides[:end] != UNORDERED)
    return int(sides[valued[-1]]) if len(valued) else before


class _Event(Told):
    """``side`` is the one seen last; of a crossing one way, and of a band, as far as it is armed."""

    __slots__ = ()

    def recall(self, sides: str, scene: Scene, judged_s: float) -> str:
        own, rest = sides[:1], sides[1:]
        if isinstance(self.condition, BandEvent):
            outside = FALSE if self.condition.entering else TRUE
            self.side = outside if own == "o" else TRUE - outside
        else:
            assert own != "x", "an arming looks once"
            self.side = {"b": BELOW, "a": ABOVE}.get(own, EQUAL)
        return rest

    def say(self, columns: Columns) -> Said:
        sides = sides_of(self.leaf, columns)
        is_band = isinstance(self.condition, BandEvent)
        unknown = UNKNOWN if is_band else UNORDERED
        firsts, after = runs(sides, unknown)
        before = np.concatenate(([self.side], after[:-1])) if len(after) else after
        if len(after):
            self.side = int(after[-1])
        truths = np.zeros(len(sides), dtype=np.int8)
        if (sides == unknown).any():
            truths[sides == unknown] = UNKNOWN
        return Said(truths, firsts[self._happens(before, after)], _never)

    def _happens(self, before: Sides, after: Sides) -> Flags:
        up: Flags = (before == BELOW) & (after >= EQUAL)
        down: Flags = (before == ABOVE) & (after <= EQUAL)
        match self.condition:
            case BandEvent(entering=entering):
                inside = TRUE if entering else FALSE
                entered: Flags = (before == TRUE - inside) & (after == inside)
                return entered
            case Crossing(direction=Direction.UP):
                return up
            case Crossing(direction=Direction.DOWN):
                return down
            case _:
                return up | down


class _Composite(Told):
    """`and`, `or`, `not`."""

    __slots__ = ("_parts",)

    def __init__(self, leaf: Leaf, parts: tuple[Told, ...]) -> None:
        super().__init__(leaf)
        self._parts = parts

    def parts(self) -> Sequence[Told]:
        return self._parts

    def recall(self, sides: str, scene: Scene, judged_s: float) -> str:
        for part in self._parts:
            sides = part.recall(sides, scene, judged_s)
        return sides

    def say(self, columns: Columns) -> Said:
        said = [part.say(columns) for part in self._parts]
        match self.condition:
            case All():
                return _both(said)
            case Any():
                states = [one for one, part in zip(said, self._parts, strict=True) if not only_happens(part.condition)]
                return _either(said, states)
            case _:
                return Said((TRUE - said[0].truths).astype(np.int8), NO_PRINTS, _never)


def _both(said: Sequence[Said]) -> Said:
    """An event counts where everything else is true."""
    truths = reduce(np.minimum, (one.truths for one in said))
    pulses = [NO_PRINTS]
    for event in said:
        if len(event.pulses):
            others = [one.truths[event.pulses] == TRUE for one in said if one is not event]
            pulses.append(event.pulses[reduce(np.logical_and, others, np.ones(len(event.pulses), dtype=np.bool_))])

    def happening(place: int) -> bool:
        return bool(truths[place] == TRUE) and any(one.happening(place) for one in said)

    return Said(truths, _united(pulses), happening)


def _either(said: Sequence[Said], states: Sequence[Said]) -> Said:
    """Only states are true for a while."""
    truths = reduce(np.maximum, (one.truths for one in states or said))

    def happening(place: int) -> bool:
        return any(one.happening(place) for one in states)

    return Said(truths, _united([one.pulses for one in said]), happening)


def _united(pulses: Sequence[Index]) -> Index:
    some = [each for each in pulses if len(each)]
    if len(some) < 2:
        return some[0] if some else NO_PRINTS
    return np.unique(np.concatenate(some))
