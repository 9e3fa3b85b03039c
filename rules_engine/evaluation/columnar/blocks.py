"""Blocks of prints: where a move cannot have happened, none of their prints is looked at."""

import numpy as np

from rules_engine.evaluation.columnar.past import Index, Past
from rules_engine.evaluation.columnar.rolling import extremes
from rules_engine.model.direction import Amount
from rules_engine.model.tolerance import EDGE_S

BLOCK = 128
_SLACK = 1e-9
"""A thousand times what counts as equal."""


def prints_near(past: Past, window_s: float, amount: Amount, way: int) -> Index:
    """The fresh prints, from 0, of the blocks in which one may be so far above the lowest of its window (``way`` 1), or
    below the highest (-1). It errs on the side of more."""
    count = len(past.values)
    if count == past.fresh:
        return np.empty(0, dtype=np.int64)
    firsts = np.arange(0, count, BLOCK)
    tops = np.maximum.reduceat(past.values, firsts) if way > 0 else np.minimum.reduceat(past.values, firsts)
    bottoms = np.minimum.reduceat(past.values, firsts) if way > 0 else np.maximum.reduceat(past.values, firsts)
    own = np.arange(past.fresh // BLOCK, len(firsts))
    # From the block in which the window of its first print begins.
    begins = np.searchsorted(past.times, past.times[firsts[own]] - window_s - EDGE_S) // BLOCK
    references = extremes(bottoms, begins, own + 1, highest=way < 0)
    bounds = references * (1 + way * amount.value) if amount.relative else references + way * amount.value
    near = own[way * (tops[own] - bounds) >= -_SLACK * np.abs(bounds)]
    prints = (near[:, np.newaxis] * BLOCK + np.arange(BLOCK)).ravel()
    return prints[(prints >= past.fresh) & (prints < count)] - past.fresh
