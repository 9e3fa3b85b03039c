"""Kernels over whole columns in numpy: windows, their extremes, and the prints that moved."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Flags, Index
from rules_engine.evaluation.columnar.blocks import BLOCK, SLACK
from rules_engine.evaluation.columnar.rolling import rolling
from rules_engine.model.tolerance import RELATIVE


def starts(times: Column, fresh: int, window_s: float, edge_s: float) -> Index:
    """For each print from ``fresh`` on, where its window (now - window_s, now] begins; ``edge_s`` is one instant."""
    return starts_at(times, times[fresh:], window_s, edge_s)


def starts_at(times: Column, now_s: Column, window_s: float, edge_s: float) -> Index:
    """The same for some moments."""
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
    bounds = slope * rolling(values, begun, prints + 1, way < 0) + shift
    found[prints - first * BLOCK] = reaches(values[prints], bounds, way)
    return found[fresh - first * BLOCK :]


def reaches(values: Column, bounds: Column, way: float) -> Flags:
    """At the bounds or beyond, as tolerance.order of prices, which are never added up."""
    difference = values - bounds
    near = np.abs(difference) <= RELATIVE * np.maximum(np.abs(values), np.abs(bounds))
    found: Flags = near | (way * difference > 0)
    return found
