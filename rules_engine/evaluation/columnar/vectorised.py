"""Kernels over whole columns in numpy: windows, their extremes, and the prints that moved."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import ABOVE, EQUAL, NEAR, UNORDERED, Column, Flags, Index, Sides
from rules_engine.evaluation.columnar.blocks import BLOCK, SLACK
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.model.tolerance import RELATIVE

EXACT_MAX = 2.0**53
"""Up to here, whole numbers as floats are exact."""
FIT_MAX = 2.0**62
"""Up to here they fit into 64 bits."""


def starts(times: Column, fresh: int, windows_s: Column, edge_s: float) -> Index:
    """For each of several windows and each print from ``fresh`` on, where its window (now - window_s, now] begins;
    ``edge_s`` is one instant."""
    return np.array([starts_at(times, times[fresh:], window_s, edge_s) for window_s in windows_s.tolist()])


def starts_at(times: Column, now_s: Column, window_s: float, edge_s: float) -> Index:
    """The same of one window for some moments."""
    return np.searchsorted(times, (now_s - window_s) + edge_s, side="right")


def extremes(values: Column, tops: Column, bottoms: Column, starts: Index, fresh: int, highest: bool) -> Column:
    """The highest (or lowest) from each start to its print, the first one's being ``fresh``. ``tops`` and ``bottoms``
    are those of the blocks."""
    return rolling(values, starts, np.arange(fresh + 1, len(values) + 1), highest)


def extremes_at(values: Column, tops: Column, bottoms: Column, starts: Index, ends: Index, highest: bool) -> Column:
    """The highest (or lowest) of values[start:end] for a few pairs of them, ascending, none empty."""
    better, most = (np.maximum, -np.inf) if highest else (np.minimum, np.inf)
    steps = np.arange(BLOCK)
    heads = values[np.minimum(starts[:, np.newaxis] + steps, ends[:, np.newaxis] - 1)]
    tails = values[np.maximum(ends[:, np.newaxis] - 1 - steps, starts[:, np.newaxis])]
    found: Column = better(better.reduce(heads, axis=1, initial=most), better.reduce(tails, axis=1, initial=most))
    first, last = -(-starts // BLOCK), ends // BLOCK
    wide = first < last
    if wide.any():
        inner = rolling(tops if highest else bottoms, first[wide], last[wide], highest)
        found[wide] = better(found[wide], inner)
    return found


def means(totals: Index, starts: Index, ends: Index, base: int, scale: float) -> Column:
    """The mean of each window, from totals in whole steps from the base, as `Moments.mean`; nan where it is empty."""
    counts = ends - starts
    found: Column = (base * counts + (totals[ends] - totals[starts])) / counts / scale
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
    distances = counts * (totals[ends] - totals[ends - 1]) - sums
    found = distances / np.sqrt(counts * spreads.astype(np.float64) / (counts - 1))
    found[(counts < 2) | (spreads <= 0)] = np.nan
    return found, float(spreads.max(initial=0))


def _spreads(totals: Index, squares: Index, starts: Index, ends: Index) -> tuple[Index, Index, Index]:
    counts = ends - starts
    sums = totals[ends] - totals[starts]
    return counts, sums, counts * (squares[ends] - squares[starts]) - sums * sums


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


def moved(
    times: Column,
    values: Column,
    tops: Column,
    bottoms: Column,
    fresh: int,
    window_s: float,
    edge_s: float,
    slope: float,
    shift: float,
    way: float,
) -> Flags:
    """Whether each print from ``fresh`` on is at or beyond ``slope * reference + shift``: above, of the lowest of its
    window (``way`` 1), or below, of the highest (-1). ``tops`` and ``bottoms`` are those of the blocks.

    Prints are looked at in those blocks only of which some may have moved and not surely all.
    """
    count, first = len(values), fresh // BLOCK
    own = np.arange(first, len(tops))
    far, near = (tops, bottoms) if way > 0 else (bottoms, tops)
    lasts = np.minimum(own * BLOCK + BLOCK, count) - 1
    firsts = np.maximum(own * BLOCK, fresh)
    begins = starts_at(times, times[firsts], window_s, edge_s) // BLOCK
    cores = -(-starts_at(times, times[lasts], window_s, edge_s) // BLOCK)
    loosest = slope * rolling(near, begins, own + 1, way < 0) + shift
    some = way * (far[own] - loosest) >= -SLACK * np.abs(loosest)
    strictest = slope * rolling(near, np.minimum(cores, own), own, way < 0) + shift
    every = way * (near[own] - strictest) > SLACK * np.abs(strictest)
    found = np.repeat(every & some, BLOCK)[: count - first * BLOCK]
    mixed = own[some & ~every]
    prints = (mixed[:, np.newaxis] * BLOCK + np.arange(BLOCK)).ravel()
    prints = prints[(prints >= fresh) & (prints < count)]
    begun = starts_at(times, times[prints], window_s, edge_s)
    references = rolling(values, begun, prints + 1, way < 0)
    found[prints - first * BLOCK] = reached(values[prints], references, slope, shift, way)
    return found[fresh - first * BLOCK :]


def reached(values: Column, references: Column, slope: float, shift: float, way: float) -> Flags:
    """Whether each value is at or beyond ``slope * reference + shift``, above (``way`` 1) or below (-1), as
    tolerance.order of prices, which are never added up."""
    bounds = slope * references + shift
    difference = values - bounds
    near = np.abs(difference) <= RELATIVE * np.maximum(np.abs(values), np.abs(bounds))
    found: Flags = near | (way * difference > 0)
    return found
