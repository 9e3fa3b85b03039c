"""Blocks of prints: what can be said of many of them at once, so that few are looked at one by one."""

from functools import cached_property

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column

BLOCK = 128
SLACK = 1e-9
"""A thousand times what counts as equal."""


class Blocks:
    """The highest and lowest of every 128 prints."""

    def __init__(self, values: Column) -> None:
        self._values = values
        self._firsts = np.arange(0, len(values), BLOCK)

    @cached_property
    def tops(self) -> Column:
        return np.maximum.reduceat(self._values, self._firsts) if len(self._values) else self._values

    @cached_property
    def bottoms(self) -> Column:
        return np.minimum.reduceat(self._values, self._firsts) if len(self._values) else self._values
