"""The lowest or highest print of many windows at once."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index

_PIECE = 1 << 14
"""So many windows at once stay in the processor's cache, where they are not long themselves."""


def rolling(values: Column, starts: Index, ends: Index, highest: bool) -> Column:
    """The highest (or lowest) of values[start:end], for each pair of them; nan for an empty window.

    Starts and ends ascend.
    """
    longest = int((ends - starts).max(initial=0))
    piece = max(_PIECE, 4 * longest)
    found = [
        _doubled(
            values[starts[at] : ends[min(at + piece, len(ends)) - 1]],
            starts[at : at + piece] - starts[at],
            ends[at : at + piece] - starts[at],
            highest,
        )
        for at in range(0, len(starts), piece)
    ]
    return np.concatenate(found) if found else np.empty(0)


def _doubled(values: Column, starts: Index, ends: Index, highest: bool) -> Column:
    """Each window is covered by two stretches of one power of two, whose extremes come of doubling."""
    better = np.maximum if highest else np.minimum
    lengths = ends - starts
    found = np.full(len(starts), np.nan)
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    stretches, length = values, 1
    while length <= longest:
        if 2 * length <= shortest:
            stretches = better(stretches[:-length], stretches[length:])
            length *= 2
            continue
        fits = (lengths >= length) & (lengths < 2 * length)
        if fits.all():
            return better(stretches[starts], stretches[ends - length])
        if fits.any():
            found[fits] = better(stretches[starts[fits]], stretches[ends[fits] - length])
        if 2 * length <= longest:
            stretches = better(stretches[:-length], stretches[length:])
        length *= 2
    return found
