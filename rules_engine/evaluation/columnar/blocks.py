"""Blocks of prints: what can be said of many of them at once, so that few are looked at one by one."""

from functools import cached_property

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column

BLOCK = 128
SPAN = 32
SLACK = 1e-9
"""A thousand times what counts as equal."""


class Blocks:
    """The highest and lowest of every 128 ``values``, and of every 32."""

    def __init__(self, values: Column) -> None:
        self.values = values
        self._heads: dict[bool, Column] = {}
        self._tails: dict[bool, Column] = {}

    @cached_property
    def highs(self) -> Column:
        """Of every 32."""
        return _of_every(SPAN, self.values, np.maximum)

    @cached_property
    def lows(self) -> Column:
        return _of_every(SPAN, self.values, np.minimum)

    @cached_property
    def of_highs(self) -> "Blocks":
        return Blocks(self.highs)

    @cached_property
    def of_lows(self) -> "Blocks":
        return Blocks(self.lows)

    @cached_property
    def tops(self) -> Column:
        """Of every 128."""
        return _of_every(BLOCK, self.values, np.maximum)

    @cached_property
    def bottoms(self) -> Column:
        return _of_every(BLOCK, self.values, np.minimum)

    @cached_property
    def highest(self) -> float:
        """Of all values, and never below zero."""
        return float(self.tops.max(initial=0.0))

    @cached_property
    def lowest(self) -> float:
        """Of all values, and never above zero."""
        return float(self.bottoms.min(initial=0.0))

    @property
    def largest(self) -> float:
        """No value is farther from zero."""
        return max(self.highest, -self.lowest)

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


def _of_every(count: int, values: Column, better: np.ufunc) -> Column:
    return better.reduceat(values, np.arange(0, len(values), count)) if len(values) else values
