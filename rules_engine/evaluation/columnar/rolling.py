"""The lowest or highest print of many windows at once."""

import numpy as np

from rules_engine.evaluation.columnar.past import Column, Index


def extremes(values: Column, starts: Index, ends: Index, highest: bool) -> Column:
    """The highest (or lowest) of values[start:end], for each pair of them; nan for an empty window.

    Each window is covered by two stretches of one power of two, whose extremes come of doubling.
    """
    better = np.maximum if highest else np.minimum
    lengths = ends - starts
    found = np.full(len(starts), np.nan)
    longest = int(lengths.max(initial=0))
    stretches, length = values, 1
    while length <= longest:
        now = np.flatnonzero((lengths >= length) & (lengths < 2 * length))
        if len(now):
            found[now] = better(stretches[starts[now]], stretches[ends[now] - length])
        if 2 * length <= longest:
            stretches = better(stretches[:-length], stretches[length:])
        length *= 2
    return found
