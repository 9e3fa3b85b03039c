"""Columns at some moments of a slice, on values that columns do not have: positions, working orders, the account."""

from collections.abc import Mapping

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.leaves import Leaf, holdings_in, plain_keys
from rules_engine.evaluation.columnar.moments import Lookback
from rules_engine.evaluation.columnar.values import Columns, Values
from rules_engine.evaluation.series import unnamed
from rules_engine.model.expression import Expression


class Cut(Columns):
    """``at`` are the moments of ``whole`` whose values hold, below zero where none has come yet; ``held`` are the other
    values at each of them, and ``series`` the windows over what is made of these. What is too near to be told stays
    NEAR."""

    def __init__(
        self,
        whole: Columns,
        at: Index,
        held: Mapping[Expression, Column],
        series: Mapping[Expression, Lookback] | None = None,
    ) -> None:
        super().__init__(whole.scene, whole.moments, overflow=whole.overflow)
        self._whole = whole
        self._at = at
        self._held = held
        self._series = series or {}

    def __len__(self) -> int:
        return len(self._at)

    @property
    def spans(self) -> None:
        return None

    def through(self, leaf: Leaf) -> Columns:
        return Cut(self._whole.through(leaf), self._at, self._held, self._series)

    def lookback(self, of: Expression) -> Lookback:
        return self._series[unnamed(of)]

    def bound(self, of: Expression) -> float:
        if of in self._held:
            return float(np.nanmax(np.abs(self._held[of]), initial=0.0))
        return self._whole.bound(of) if _is_of_ticks(of) else super().bound(of)

    def is_counted(self, of: Expression) -> bool:
        return False

    def is_known(self, of: Expression) -> bool:
        return False

    def _work_out(self, of: Expression) -> Values:
        if of in self._held:
            return Values(self._held[of], True)
        if not _is_of_ticks(of):
            return super()._work_out(of)
        found = self._whole.value(of)
        off = found.off[self._at] if isinstance(found.off, np.ndarray) else found.off
        come = self._at >= 0
        if not come.any():
            return Values(np.full(len(self), np.nan), True)
        return Values(np.where(come, found.at[self._at], np.nan), found.exact, off)


def _is_of_ticks(of: Expression) -> bool:
    """Whether it follows from ticks alone, and so has its values at their moments; a mere number has one at any."""
    return any(plain_keys(of)) and not any(holdings_in(of))
