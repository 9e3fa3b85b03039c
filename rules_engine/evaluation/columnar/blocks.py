"""Blocks of prints: what can be said of many of them at once, so that few are looked at one by one."""

from functools import cached_property

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column

BLOCK = 128
SLACK = 1e-9
"""A thousand times what counts as equal."""


class Blocks:
    """The highest and lowest of every 128 ``values``."""

    def __init__(self, values: Column) -> None:
        self.values = values
        self._firsts = np.arange(0, len(values), BLOCK)
        self._heads: dict[bool, Column] = {}
        self._tails: dict[bool, Column] = {}

    @cached_property
    def tops(self) -> Column:
        return np.maximum.reduceat(self.values, self._firsts) if len(self.values) else self.values

    @cached_property
    def bottoms(self) -> Column:
        return np.minimum.reduceat(self.values, self._firsts) if len(self.values) else self.values

    @cached_property
    def largest(self) -> float:
        """No value is farther from zero."""
        return float(max(self.tops.max(initial=0.0), -self.bottoms.min(initial=0.0)))

    def has_heads(self, highest: bool) -> bool:
        """Whether somebody has asked for `heads` or `tails`."""
        return highest in self._heads

    def heads(self, highest: bool) -> Column:
        """For each value the highest (or lowest) of its block up to it."""
        if highest not in self._heads:
            self._heads[highest] = _better(highest).accumulate(self._rows, axis=1).ravel()
        return self._heads[highest]

    def tails(self, highest: bool) -> Column:
        """The same of its block from it on."""
        if highest not in self._tails:
            self._tails[highest] = _better(highest).accumulate(self._rows[:, ::-1], axis=1)[:, ::-1].ravel()
        return self._tails[highest]

    @cached_property
    def _rows(self) -> Column:
        """One a block; the last one is filled up with its last value."""
        return np.pad(self.values, (0, -len(self.values) % BLOCK), mode="edge").reshape(-1, BLOCK)


def _better(highest: bool) -> np.ufunc:
    return np.maximum if highest else np.minimum
