"""Rows of a slice into what the account tells along them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.expression import AccountField
from rules_engine.replay.marks import Marks
from rules_engine.replay.streaming import Stage

_TOLD = {AccountField.EQUITY: SLOTS - 3, AccountField.DAILY_PNL: SLOTS - 2, AccountField.BUYING_POWER: SLOTS - 1}
"""The account is told after the ticks of a row, one figure after the other."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What it tells at the rows of the ``marks``, and what it told last ``before``."""

    marks: Marks
    before: Mapping[AccountField, float]
    along: Mapping[AccountField, Column]

    def places(self, of: AccountField) -> Index:
        """Where that figure is told."""
        return self.marks.rows * SLOTS + _TOLD[of]

    def at(self, of: AccountField, places: Index) -> Column:
        """The newest one at each place."""
        if of not in self.along:
            return np.full(len(places), np.nan)
        known = np.concatenate(([self.before[of]], self.along[of]))
        return known[np.searchsorted(self.places(of), places, side="right")]


def figures_along(stage: Stage, marks: Marks) -> Figures:
    """What comes of these, if nothing fills there; the book stands before them."""
    book = stage.book
    names = [voice.instrument.name for voice in stage.voices]
    equities, _, _ = book.course_of(names, marks.numbers, marks.prices)
    return Figures(marks, book.figures(), book.figures_along(equities))
