"""Kernels over whole columns in numpy: windows, their extremes, and the prints that moved."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import ABOVE, EQUAL, NEAR, UNORDERED, Column, Flags, Index, Line, Sides
from rules_engine.evaluation.columnar.blocks import BLOCK, SLACK, Blocks
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.model.tolerance import EDGE_S, RELATIVE

EXACT_MAX = 2.0**53
"""Up to here, whole numbers as floats are exact."""
FIT_MAX = 2.0**62
"""Up to here they fit into 64 bits."""
_FEW = 16
"""Of so many prints one: only their blocks are looked at."""
_STRIDE, _STEPS = 16, (64, 32, 16, 8, 4, 2, 1)
_WIDEST = 2 * _STEPS[0] - 1
"""How far those steps go; where more prints leave a window at once, bisection is quicker."""


def starts(times: Column, now_s: Column, windows_s: Column) -> Index:
    """For each of several windows and each of some moments, which ascend, where its window (now - window_s, now]
    begins."""
    return np.array([_starts_of(times, (now_s - window_s) + EDGE_S) for window_s in windows_s.tolist()])


def _starts_of(times: Column, edges: Column) -> Index:
    """How many times are not after each of the edges, which ascend: one in sixteen by bisection, the others from there
    on, all in the same few steps."""
    found = np.searchsorted(times, edges[::_STRIDE], side="right")
    widest = int(np.diff(found, append=np.searchsorted(times, edges[-1:], side="right")).max(initial=0))
    if widest > _WIDEST:
        return np.searchsorted(times, edges, side="right")
    found = np.repeat(found, _STRIDE)[: len(edges)]
    padded = np.append(times, np.full(2 * _WIDEST, np.inf))
    for step in _STEPS:
        if step <= widest:
            found += (padded.take(found + (step - 1)) <= edges) * np.int64(step)
    return found


def starts_at(times: Column, now_s: Column, window_s: float) -> Index:
    """The same of one window for some moments."""
    return np.searchsorted(times, (now_s - window_s) + EDGE_S, side="right")


def starts_from(times: Column, now_s: Column, window_s: float, known: Index) -> Index:
    """The same; none begins before what is ``known``."""
    return starts_at(times, now_s, window_s)


def extremes(blocks: Blocks, starts: Index, ends: Index, highest: bool) -> Column:
    """The highest (or lowest) of values[start:end] for some pairs of them, ascending, none empty: that of the tail of
    the first block, of whole blocks and of the head of the last one."""
    better = np.fmax if highest else np.fmin
    lasts = ends - 1
    first, last = starts // BLOCK, lasts // BLOCK
    if len(starts) * _FEW < len(blocks.values) and not blocks.has_heads(highest):
        found: Column = better(*_ends_of(blocks.values, starts, ends, highest))
    else:
        found = better(blocks.tails(highest).take(starts), blocks.heads(highest).take(lasts))
    # Many windows in a row have the same whole blocks.
    is_other = np.concatenate(([len(starts) > 0], (first[1:] != first[:-1]) | (last[1:] != last[:-1])))
    some = np.flatnonzero(is_other)
    between = rolling(blocks.tops if highest else blocks.bottoms, first[some] + 1, last[some], highest)
    found = better(found, np.repeat(between, np.diff(some, append=len(starts))))
    within = first == last
    if within.any():
        found[within] = rolling(blocks.values, starts[within], ends[within], highest)
    return found


def _ends_of(values: Column, starts: Index, ends: Index, highest: bool) -> tuple[Column, Column]:
    """The tails and heads alone that these windows have."""
    better = np.maximum if highest else np.minimum
    (first, at), (last, until) = _rows(values, starts), _rows(values, ends - 1)
    tails, heads = better.accumulate(first[:, ::-1], axis=1)[:, ::-1], better.accumulate(last, axis=1)
    return tails.ravel()[at], heads.ravel()[until]


def _rows(values: Column, places: Index) -> tuple[Column, Index]:
    """The blocks in which there are places, a row each, the last one filled up with its last value; and where in all
    rows each place is."""
    blocks, row_of = np.unique(places // BLOCK, return_inverse=True)
    every = blocks[:, np.newaxis] * BLOCK + np.arange(BLOCK)
    return values[np.minimum(every, len(values) - 1)], row_of * BLOCK + places % BLOCK


def means(totals: Index, starts: Index, ends: Index, base: int, scale: float) -> Column:
    """The mean of each window, from totals in whole steps from the base, as `Moments.mean`; nan where it is empty."""
    counts = ends - starts
    found: Column = (base * counts + (totals.take(ends) - totals.take(starts))) / counts / scale
    return found


def deviations(totals: Index, squares: Index, starts: Index, ends: Index, scale: float) -> tuple[Column, float]:
    """The deviation of each window, as `Moments.deviation`, nan where it has none; and the largest spread of one."""
    counts, _, spreads = _spreads(totals, squares, starts, ends)
    found = np.sqrt(spreads / (counts * (counts - 1))) / scale
    found[counts < 2] = np.nan
    return found, float(spreads.max(initial=0))


def scores(totals: Index, squares: Index, starts: Index, ends: Index) -> tuple[Column, float]:
    """The score of the last print of each window, as `Moments.score`; and the largest spread of one."""
    counts, sums, spreads = _spreads(totals, squares, starts, ends)
    distances = counts * (totals.take(ends) - totals.take(ends - 1)) - sums
    found = distances / np.sqrt(counts * spreads.astype(np.float64) / (counts - 1))
    found[(counts < 2) | (spreads <= 0)] = np.nan
    return found, float(spreads.max(initial=0))


def _spreads(totals: Index, squares: Index, starts: Index, ends: Index) -> tuple[Index, Index, Index]:
    counts = ends - starts
    sums = totals.take(ends) - totals.take(starts)
    return counts, sums, counts * (squares.take(ends) - squares.take(starts)) - sums * sums


def in_steps(values: Column, scale: float) -> bool:
    """Whether all of them are whole numbers of steps, ``scale`` to one."""
    return bool((np.rint(values * scale) / scale == values).all())


def running(values: Column, scale: float, base: int) -> tuple[Index, Index, bool]:
    """Entry n is the sum of the first n values, and that of their squares, in steps from the base; and whether 64 bits
    hold them."""
    steps = np.rint(values * scale) - base
    if float(np.square(steps).sum()) > FIT_MAX or float(np.abs(steps).max(initial=0.0)) > EXACT_MAX:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), False
    whole = steps.astype(np.int64)
    totals, squares = (np.zeros(len(whole) + 1, dtype=np.int64) for _ in range(2))
    np.cumsum(whole, out=totals[1:])
    np.cumsum(whole * whole, out=squares[1:])
    return totals, squares, True


def orders(left: Column, right: Column, dust: float, is_exact: bool) -> Sides:
    """How each value of the left lies to the right one's, as tolerance.order. With ``is_exact`` the ``dust`` is a share
    of each pair; else pairs that are no farther apart than it are NEAR."""
    difference = left - right
    sides: Sides = (difference > 0).view(np.int8) * np.int8(ABOVE)
    away = np.abs(difference)
    if is_exact:
        near = np.flatnonzero(away <= dust * np.maximum(np.abs(left), np.abs(right)))
        sides[near] = EQUAL
    else:
        sides[away <= dust] = NEAR
    sides[away != away] = UNORDERED
    return sides


def moved(times: Column, blocks: Blocks, fresh: int, window_s: float, line: Line) -> Flags:
    """Whether each print from ``fresh`` on has moved.

    Prints are looked at in those blocks only of which some may have moved and not surely all, and there only those that
    lie beyond what is the least for any of the block.
    """
    values, tops, bottoms = blocks.values, blocks.tops, blocks.bottoms
    slope, shift, way = line
    count, first = len(values), fresh // BLOCK
    own = np.arange(first, len(tops))
    far, near = (tops, bottoms) if way > 0 else (bottoms, tops)
    lasts = np.minimum(own * BLOCK + BLOCK, count) - 1
    firsts = np.maximum(own * BLOCK, fresh)
    begins = starts_at(times, times[firsts], window_s) // BLOCK
    cores = -(-starts_at(times, times[lasts], window_s) // BLOCK)
    loosest = slope * rolling(near, begins, own + 1, way < 0) + shift
    some = way * (far[own] - loosest) >= -SLACK * np.abs(loosest)
    strictest = slope * rolling(near, np.minimum(cores, own), own, way < 0) + shift
    every = way * (near[own] - strictest) > SLACK * np.abs(strictest)
    found = np.repeat(every & some, BLOCK)[: count - first * BLOCK]
    mixed = some & ~every
    prints = (own[mixed, np.newaxis] * BLOCK + np.arange(BLOCK)).ravel()
    bounds, is_fresh = np.repeat(loosest[mixed], BLOCK), (prints >= fresh) & (prints < count)
    prints, bounds = prints[is_fresh], bounds[is_fresh]
    prints = prints[way * (values[prints] - bounds) >= -SLACK * np.abs(bounds)]
    begun = starts_at(times, times[prints], window_s)
    references = extremes(blocks, begun, prints + 1, way < 0)
    found[prints - first * BLOCK] = reached(values[prints], references, line)
    return found[fresh - first * BLOCK :]


def reached(values: Column, references: Column, line: Line) -> Flags:
    """Whether each value has moved from its reference, as tolerance.order of prices, which are never added up."""
    bounds = line.slope * references + line.shift
    difference = values - bounds
    near = np.abs(difference) <= RELATIVE * np.maximum(np.abs(values), np.abs(bounds))
    found: Flags = near | (line.way * difference > 0)
    return found
