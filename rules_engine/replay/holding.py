"""Rows at which rules must be judged that compare something with positions, working orders or the account: looked for
from one change of these to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rules_engine.evaluation.columnar.arrays import NEAR, Column, Index
from rules_engine.evaluation.columnar.cut import Cut
from rules_engine.evaluation.columnar.dues import INSTANT_S, Dues, HeldLook
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.leaves import Holding
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.sides import sides_of
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.expression import AccountField, AccountReading, Expression
from rules_engine.recordings.slices import Slice
from rules_engine.replay.marks import NO_MARKS, marks_of
from rules_engine.replay.streaming import Stage

_ROWS_FIRST, _GROWTH = 256, 4
"""How many rows are looked through at first, and how many times more then."""
_TOLD = {AccountField.EQUITY: SLOTS - 3, AccountField.DAILY_PNL: SLOTS - 2, AccountField.BUYING_POWER: SLOTS - 1}
"""The account is told after the ticks of a row, one figure after the other."""

Given = tuple[object, ...]
"""As long as it is the same, a search goes on."""


@dataclass(slots=True)
class _Search:
    """What one rule waits for; without a ``look`` every row at which the account is told. Rows before ``until`` have
    been looked through under what was ``given``, and are ``found`` as far as they were not passed."""

    rule: str
    dues: Dues
    look: HeldLook | None
    given: Given | None = None
    until: int = 0
    size: int = _ROWS_FIRST
    found: list[int] = field(default_factory=list)

    @property
    def reads_account(self) -> bool:
        return self.look is None or any(isinstance(of, AccountReading) for of in self.look.leaf.holdings())


class Waiting:
    """Asked row by row, always with a later one."""

    def __init__(self, stage: Stage, scene: Scene, dues: Sequence[Dues]) -> None:
        self._stage = stage
        self._scene = scene
        self._names = [voice.instrument.name for voice in stage.voices]
        self._slice = Slice(())
        self._searches = [
            _Search(plan.rule.name, of, look)
            for plan, of in zip(stage.plans, dues, strict=True)
            for look in [*of.held, *([None] if of.hears_account else [])]
        ]
        self._seen: Given | None = None
        self._row = 0

    def turn_over(self, piece: Slice) -> None:
        """The scene has taken this slice."""
        self._slice, self._seen = piece, None
        for search in self._searches:
            search.given = None

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
        held = {} if search.look is None else {of: evaluator.holding(of) for of in search.look.leaf.holdings()}
        told = [value for of, value in held.items() if not isinstance(of, AccountReading)]
        given = (*told, *(self._changes() if search.reads_account else ()))
        if given != search.given:
            search.given, search.until, search.size, search.found = given, at, _ROWS_FIRST, []
        while search.found and search.found[0] < at:
            del search.found[0]
        while not search.found and search.until < len(self._slice):
            end = min(search.until + search.size, len(self._slice))
            search.found = self._look_through(search, search.until, end, held)
            search.until, search.size = end, search.size * _GROWTH
        return search.found[0] if search.found else len(self._slice)

    def _look_through(self, search: _Search, at: int, end: int, held: Mapping[Holding, float | None]) -> list[int]:
        rows, figures = self._account_at(at, end) if search.reads_account else (NO_MARKS.rows, {})
        if search.look is None:
            return list(rows.tolist())
        look, leaf, scene = search.look, search.look.leaf, self._scene
        moments = scene.moments(look.keys, look.silent)
        own = moments.places[slice(*np.searchsorted(moments.places, (at * SLOTS, end * SLOTS)).tolist())]
        fields = {of: of.field for of in held if isinstance(of, AccountReading) and of.field in figures}
        told = [rows * SLOTS + _TOLD[of] for of in set(fields.values())]
        # First, how things stood before.
        places = np.unique(np.concatenate(([at * SLOTS - 1], own, *told)))
        newest = np.searchsorted(moments.places, places, side="right") - 1
        columns: dict[Expression, Column] = {}
        for of, value in held.items():
            columns[of] = np.full(len(places), np.nan if value is None else value)
            if isinstance(of, AccountReading) and of in fields:
                columns[of] = self._told_at(places, rows, of.field, figures[of.field])
        cut = Cut(scene.columns_at(moments, search.dues.stale_after_s), newest, columns)
        sides = sides_of(leaf, cut)
        due = (sides[1:] != sides[:-1]) | (sides[1:] == NEAR)
        if look.keys:
            due |= newest[1:] < 1
        if search.dues.is_timed:
            times = self._slice.times_s[np.maximum(places // SLOTS, 0)]
            later_s = np.diff(times)
            due |= (later_s > 0) & (later_s <= INSTANT_S)
            due[1:] |= due[:-1]
            due[:1] = True
        return list(np.unique(places[1:][due] // SLOTS).tolist())

    def _account_at(self, at: int, end: int) -> tuple[Index, Mapping[AccountField, Column]]:
        """The rows at which the account is told, and what it tells."""
        marks, book = marks_of(self._stage, self._slice, at, end), self._stage.book
        equities, _, _ = book.course_of(self._names, marks.numbers, marks.prices)
        return marks.rows, book.figures_along(equities)

    def _told_at(self, places: Index, rows: Index, of: AccountField, figures: Column) -> Column:
        """The newest figure at each place."""
        now = self._stage.book.figures()[of]
        return np.concatenate(([now], figures))[np.searchsorted(rows * SLOTS + _TOLD[of], places, side="right")]
