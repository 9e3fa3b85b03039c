"""Rows at which rules must be judged that read positions, working orders or the account: looked for from one change of
these to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf

import numpy as np

from rules_engine.conditions.change import Change
from rules_engine.conditions.move import Move
from rules_engine.evaluation.columnar.arrays import NEAR, UNORDERED, Column, Flags, Index, Sides
from rules_engine.evaluation.columnar.cut import Cut
from rules_engine.evaluation.columnar.dues import INSTANT_S, Dues, HeldLook, agree
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.leaves import Holding
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.sides import sides_of
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.expression import AccountReading
from rules_engine.recordings.slices import Slice
from rules_engine.replay.figures import Figures, figures_along
from rules_engine.replay.marks import marks_of
from rules_engine.replay.streaming import Stage

_ROWS_FIRST, _GROWTH = 256, 4
"""How many rows are looked through at first, and how many times more then."""

Given = tuple[object, ...]
"""As long as it is the same, a search goes on."""


@dataclass(slots=True)
class _Search:
    """What one rule waits for. Rows before ``until`` have been looked through under what was ``given``, and are
    ``found`` as far as they were not passed."""

    rule: str
    dues: Dues
    look: HeldLook
    given: Given | None = None
    until: int = 0
    size: int = _ROWS_FIRST
    found: list[int] = field(default_factory=list)
    sides: Sides | None = None
    """Those of the whole slice, where they follow from prices alone."""
    is_anew: bool = True
    """Whether what the rule found last may be of another moment than the last one here: at a day's end the account is
    told at a row of anything, and windows have gone on until then."""

    @property
    def reads_account(self) -> bool:
        return bool(self.look.told)

    @property
    def remembers(self) -> bool:
        """Whether what it comes to now depends on holdings of earlier."""
        return self.reads_account or isinstance(self.look.leaf.condition, Move | Change)


class Waiting:
    """Asked row by row, always with a later one."""

    def __init__(self, stage: Stage, scene: Scene, dues: Sequence[Dues]) -> None:
        self._stage = stage
        self._scene = scene
        self._names = [voice.instrument.name for voice in stage.voices]
        self._slice = Slice(())
        self._searches = [
            _Search(plan.rule.name, of, look) for plan, of in zip(stage.plans, dues, strict=True) for look in of.held
        ]
        self._traded = frozenset(one.name for plan in stage.plans for one in plan.orders_in)
        self._seen: Given | None = None
        self._row = 0

    def turn_over(self, piece: Slice) -> None:
        """The scene has taken this slice."""
        self._slice, self._seen = piece, None
        for search in self._searches:
            search.given = search.sides = None

    def next_row(self, at: int, evaluator: LeapingEvaluator | None) -> int:
        """The first row from there on at which one of the rules must be judged, if nothing changes before; the book has
        been brought there."""
        if not self._searches or evaluator is None:
            return len(self._slice)
        seen = self._changes()
        if seen != self._seen or at > self._row:
            self._seen = seen
            self._row = min(self._next(search, at, evaluator) for search in self._searches)
        return self._row

    def rules(self, row: int) -> Iterator[str]:
        """Which ones."""
        return (search.rule for search in self._searches if search.found and search.found[0] == row)

    def _changes(self) -> Given:
        """As long as these are the same, orders and holdings are."""
        desk, book = self._stage.desk, self._stage.book
        return book.whole.fills, desk.changes, desk.wakes_s

    def _next(self, search: _Search, at: int, evaluator: LeapingEvaluator) -> int:
        held = {of: evaluator.holding(of) for of in search.look.leaf.holdings()}
        told = [value for of, value in held.items() if not isinstance(of, AccountReading)]
        given = (*told, *(self._changes() if search.remembers else ()))
        if given != search.given:
            search.given, search.until, search.size, search.found = given, at, _ROWS_FIRST, []
            search.is_anew = True
        while search.found and search.found[0] < at:
            del search.found[0]
        while not search.found and search.until < len(self._slice):
            end = min(search.until + search.size, len(self._slice))
            search.found = self._look_through(search, at, end, held)
            search.until, search.size = end, search.size * _GROWTH
        return search.found[0] if search.found else len(self._slice)

    def _look_through(self, search: _Search, now: int, end: int, held: Mapping[Holding, float | None]) -> list[int]:
        """What is due in the rows that follow, before ``end``; ``now`` is the row to which everything was brought."""
        at = search.until
        figures = (
            figures_along(self._stage, marks_of(self._stage, self._slice, now, end)) if search.reads_account else None
        )
        look, leaf, scene = search.look, search.look.leaf, self._scene
        ticks = scene.moments(look.keys, look.silent)
        # Windows end at every row at which the account may be told.
        seen = scene.moments(look.keys, look.silent | self._traded) if look.told and leaf.looks_back() else ticks
        own = ticks.places[slice(*np.searchsorted(ticks.places, (at * SLOTS, end * SLOTS)).tolist())]
        told = [] if figures is None else [figures.places(of) for of in look.told if of in figures.along]
        told = [places[np.searchsorted(places, at * SLOTS) :] for places in told]
        # First, how things stood before.
        places = np.unique(np.concatenate(([at * SLOTS - 1], own, *told)))
        newest = np.searchsorted(seen.places, places, side="right") - 1
        columns = scene.columns_at(seen, search.dues.stale_after_s)
        if held:
            known = partial(_known_at, held, figures)
            now_s = np.where(newest >= 0, seen.times[newest], -inf) if len(seen) else np.full(len(places), -inf)
            lookbacks = {
                of: scene.held[of].lookback(places, now_s, known) for of, _, _ in leaf.windows if of in scene.held
            }
            sides = sides_of(leaf, Cut(columns, newest, {of: known(of, places) for of in held}, lookbacks))
        else:
            if search.sides is None:
                whole = sides_of(leaf, columns) if len(seen) else np.empty(0, dtype=np.int8)
                search.sides = np.append(whole, np.int8(UNORDERED))
            sides = search.sides[newest]
        due: Flags = sides == NEAR
        changed = sides[1:] != sides[:-1]
        due[1:] |= changed
        if look.keys:
            due[1:] |= newest[:-1] < 0
        if search.is_anew and look.told and leaf.looks_back() and len(places) > 1:
            due[1], search.is_anew = True, False
        if leaf.twice:
            counted = ticks.places[ticks.is_new([scene.tracks[key] for key in leaf.counted()])]
            agree(np.flatnonzero(np.isin(places, counted)), np.flatnonzero(changed) + 1, due)
        if search.dues.is_timed:
            times = self._slice.times_s[np.maximum(places // SLOTS, 0)]
            later_s = np.diff(times)
            due[1:] |= (later_s > 0) & (later_s <= INSTANT_S)
            due[2:] |= due[1:-1]
            due[1:2] = True
        return list(np.unique(places[1:][due[1:]] // SLOTS).tolist())


def _known_at(held: Mapping[Holding, float | None], figures: Figures | None, of: Holding, places: Index) -> Column:
    """What rules know of it at each place: as it is now, or what the account told last."""
    if isinstance(of, AccountReading) and figures is not None and of.field in figures.along:
        return figures.at(of.field, places)
    value = held[of]
    return np.full(len(places), np.nan if value is None else float(value))
