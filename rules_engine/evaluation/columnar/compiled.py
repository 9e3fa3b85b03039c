"""The kernels of `vectorised` once more, one print after the other, compiled by numba."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba
import numpy as np

from rules_engine.evaluation.columnar.arrays import (
    ABOVE,
    BELOW,
    EQUAL,
    NEAR,
    UNORDERED,
    Column,
    Flags,
    Index,
    Line,
    Sides,
)
from rules_engine.evaluation.columnar.blocks import BLOCK, SLACK, Blocks
from rules_engine.evaluation.columnar.vectorised import EXACT_MAX, FIT_MAX
from rules_engine.model.tolerance import EDGE_S, RELATIVE

_STRIDE = 16
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compiled at its first call on this machine, and kept in the user's cache folder from then on, where there is one
    that can be written."""
    chosen = getattr(numba.config, "CACHE_DIR", "")
    try:
        _set_folder(chosen or _folder())
        found: Callable[_P, _R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except (OSError, RuntimeError):
        found = numba.njit(nogil=True, error_model="numpy")(function)
    finally:
        _set_folder(chosen)
    return found


def _folder() -> str:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rules-engine"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


def _set_folder(folder: str) -> None:
    setattr(numba.config, "CACHE_DIR", folder)  # noqa: B010 - numba's types do not know its settings.


@_compiled
def _first_after(times: Column, start: int, edge: float) -> int:
    """The first place from there on with a time after the edge: sixteen at a time."""
    while start + _STRIDE <= len(times) and times[start + _STRIDE - 1] <= edge:
        start += _STRIDE
    gone = 0
    for at in range(start, min(start + _STRIDE, len(times))):
        gone += (times[at] <= edge) * 1
    return start + gone


@_compiled
def starts(times: Column, now_s: Column, windows_s: Column) -> Index:
    """As `vectorised.starts`. How many prints leave a window with each new one is hard to foresee: up to three are
    counted without a branch, for all windows beside each other."""
    count = len(times)
    found = np.empty((len(windows_s), len(now_s)), np.int64)
    begins = np.zeros(len(windows_s), np.int64)
    for at in range(len(now_s)):
        for number in range(len(windows_s)):
            start, edge = begins[number], (now_s[at] - windows_s[number]) + EDGE_S
            gone = 3
            if start + 2 < count:
                gone = (times[start] <= edge) * 1 + (times[start + 1] <= edge) * 1 + (times[start + 2] <= edge) * 1
                start += gone
            if gone == 3:
                start = _first_after(times, start, edge)
            begins[number] = found[number, at] = start
    return found


@_compiled
def starts_from(times: Column, now_s: Column, window_s: float, known: Index) -> Index:
    """As `vectorised.starts_from`."""
    found = np.empty(len(now_s), np.int64)
    start = 0
    for at in range(len(now_s)):
        start, edge = max(start, known[at]), (now_s[at] - window_s) + EDGE_S
        gone = 3
        if start + 2 < len(times):
            gone = (times[start] <= edge) * 1 + (times[start + 1] <= edge) * 1 + (times[start + 2] <= edge) * 1
            start += gone
        if gone == 3:
            start = _first_after(times, start, edge)
        found[at] = start
    return found


@_compiled
def _first_from(queue: Index, first: int, last: int, block: int) -> int:
    """The first place of the ascending queue with that block or a later one."""
    while first < last:
        middle = (first + last) // 2
        if queue[middle] < block:
            first = middle + 1
        else:
            last = middle
    return first


@_compiled
def _fill_tails(tails: Column, values: Column, block: int, way: float) -> None:
    """The lowest of each print of the block and those after it."""
    tail = np.inf
    for step in range(BLOCK - 1, -1, -1):
        tail = min(tail, way * values[block * BLOCK + step])
        tails[step] = tail


def extremes(blocks: Blocks, starts: Index, ends: Index, highest: bool) -> Column:
    """As `vectorised.extremes`."""
    return _extremes(blocks.values, blocks.tops if highest else blocks.bottoms, starts, ends, -1.0 if highest else 1.0)


@_compiled
def _extremes(values: Column, near: Column, starts: Index, ends: Index, way: float) -> Column:
    """Of a window, the tail of its first block, whole blocks, and the head of its own. ``near`` are the lowest of the
    blocks (``way`` 1) or the highest (-1)."""
    found = np.empty(len(starts))
    queue = np.empty(len(near) + 1, np.int64)
    tails = np.empty(BLOCK)
    first = last = taken = read = 0
    tail_of = block = -1
    own = inner = np.inf
    for number in range(len(starts)):
        start, at = starts[number], ends[number] - 1
        start_block = start // BLOCK
        is_moved_on = at // BLOCK != block or tail_of != start_block
        if at // BLOCK != block:
            block = at // BLOCK
            own, read = np.inf, block * BLOCK
        while read <= at:
            own = min(own, way * values[read])
            read += 1
        if start_block == block:
            least = np.inf
            for other in range(start, at + 1):
                least = min(least, way * values[other])
            found[number] = way * least
            continue
        if is_moved_on:
            if tail_of != start_block:
                tail_of = start_block
                _fill_tails(tails, values, start_block, way)
            taken = max(taken, start_block + 1)
            while taken < block:
                while last > first and way * near[queue[last - 1]] >= way * near[taken]:
                    last -= 1
                queue[last] = taken
                last += 1
                taken += 1
            while first < last and queue[first] <= start_block:
                first += 1
            inner = way * near[queue[first]] if first < last else np.inf
        found[number] = way * min(min(own, inner), tails[start - start_block * BLOCK])
    return found


@_compiled
def means(totals: Index, starts: Index, ends: Index, base: int, scale: float) -> Column:
    """As `vectorised.means`. Where nothing is looked up several prints are divided at once."""
    found = np.empty(len(starts))
    for number in range(len(starts)):
        start, end = starts[number], ends[number]
        found[number] = base * (end - start) + (totals[end] - totals[start])
    for number in range(len(starts)):
        found[number] = found[number] / (ends[number] - starts[number]) / scale
    return found


@_compiled
def deviations(totals: Index, squares: Index, starts: Index, ends: Index, scale: float) -> tuple[Column, float]:
    """As `vectorised.deviations`, in two loops as means are."""
    found = np.empty(len(starts))
    most = 0
    for number in range(len(starts)):
        start, end = starts[number], ends[number]
        total = totals[end] - totals[start]
        spread = (end - start) * (squares[end] - squares[start]) - total * total
        most = max(most, spread)
        found[number] = spread
    for number in range(len(starts)):
        count = ends[number] - starts[number]
        found[number] = np.sqrt(found[number] / (count * (count - 1))) / scale
    return found, float(most)


@_compiled
def scores(totals: Index, squares: Index, starts: Index, ends: Index) -> tuple[Column, float]:
    """As `vectorised.scores`, in two loops as means are. Without a spread there is no distance: nothing by nothing."""
    found, spreads = np.empty(len(starts)), np.empty(len(starts))
    most = 0
    for number in range(len(starts)):
        start, end = starts[number], ends[number]
        count, total = end - start, totals[end] - totals[start]
        spread = count * (squares[end] - squares[start]) - total * total
        most = max(most, spread)
        found[number], spreads[number] = count * (totals[end] - totals[end - 1]) - total, spread
    for number in range(len(starts)):
        count = ends[number] - starts[number]
        found[number] = found[number] / np.sqrt(count * spreads[number] / (count - 1))
    return found, float(most)


@_compiled
def in_steps(values: Column, scale: float) -> bool:
    """As `vectorised.in_steps`."""
    others = 0
    # Several are looked at together: by their places, and none of them ends the loop.
    for at in range(len(values)):
        others += np.rint(values[at] * scale) / scale != values[at]
    return others == 0


@_compiled
def running(values: Column, scale: float, base: int) -> tuple[Index, Index, bool]:
    """As `vectorised.running`."""
    totals, squares = np.zeros(len(values) + 1, np.int64), np.zeros(len(values) + 1, np.int64)
    sum_of_squares = farthest = 0.0
    total = square = 0
    for at in range(len(values)):
        away = np.rint(values[at] * scale) - base
        farthest = max(farthest, abs(away))
        sum_of_squares += away * away
        steps = int(away)
        total += steps
        square += steps * steps
        totals[at + 1] = total
        squares[at + 1] = square
    return totals, squares, sum_of_squares <= FIT_MAX and farthest <= EXACT_MAX


@_compiled
def orders(left: Column, right: Column, dust: float, is_exact: bool) -> Sides:
    """As `vectorised.orders`."""
    found = np.empty(len(left), np.int8)
    for at in range(len(left)):
        first, second = left[at], right[at]
        difference = first - second
        side = ABOVE if difference > 0 else BELOW
        if difference != difference:
            side = UNORDERED
        elif is_exact:
            if abs(difference) <= dust * max(abs(first), abs(second)):
                side = EQUAL
        elif abs(difference) <= dust:
            side = NEAR
        found[at] = side
    return found


@_compiled
def reached(values: Column, references: Column, line: Line) -> Flags:
    """As `vectorised.reached`."""
    found = np.empty(len(values), np.bool_)
    for at in range(len(values)):
        bound = line.slope * references[at] + line.shift
        difference = values[at] - bound
        found[at] = line.way * difference > 0 or abs(difference) <= RELATIVE * max(abs(values[at]), abs(bound))
    return found


def moved(times: Column, blocks: Blocks, fresh: int, window_s: float, line: Line) -> Flags:
    """As `vectorised.moved`."""
    far, near = (blocks.tops, blocks.bottoms) if line.way > 0 else (blocks.bottoms, blocks.tops)
    return _moved(times, blocks.values, far, near, fresh, window_s, line)


@_compiled
def _moved(times: Column, values: Column, far: Column, near: Column, fresh: int, window_s: float, line: Line) -> Flags:
    slope, shift, way = line
    count = len(values)
    found = np.zeros(count - fresh, np.bool_)
    queue = np.empty(len(near) + 1, np.int64)
    tails = np.empty(BLOCK)
    first = last = taken = begin = core = 0
    tail_of = -1
    for block in range(fresh // BLOCK, len(near)):
        low, high = max(block * BLOCK, fresh), min(block * BLOCK + BLOCK, count)
        begin_edge, core_edge = (times[low] - window_s) + EDGE_S, (times[high - 1] - window_s) + EDGE_S
        while times[begin] <= begin_edge:
            begin += 1
        core = max(core, begin // BLOCK)
        while core < block and times[core * BLOCK] <= core_edge:
            core += 1
        taken = max(taken, begin // BLOCK)
        inner = loosest = np.inf
        while taken <= block:
            if taken == block:
                place = _first_from(queue, first, last, core)
                inner = way * near[queue[place]] if place < last else np.inf
            while last > first and way * near[queue[last - 1]] >= way * near[taken]:
                last -= 1
            queue[last] = taken
            last += 1
            taken += 1
        while queue[first] < begin // BLOCK:
            first += 1
        loosest = way * (slope * near[queue[first]] + shift)
        if way * far[block] - loosest < -SLACK * abs(loosest):
            continue
        if inner < np.inf:
            strictest = way * (slope * (way * inner) + shift)
            if way * near[block] - strictest > SLACK * abs(strictest):
                found[low - fresh : high - fresh] = True
                continue
        own = np.inf
        for at in range(block * BLOCK, low):
            own = min(own, way * values[at])
        start = begin
        for at in range(low, high):
            value = way * values[at]
            own = min(own, value)
            if value - loosest < -SLACK * abs(loosest):
                continue
            edge = (times[at] - window_s) + EDGE_S
            while times[start] <= edge:
                start += 1
            start_block = start // BLOCK
            least = own
            if start_block == block:
                least = value
                for other in range(start, at):
                    least = min(least, way * values[other])
            else:
                if tail_of != start_block:
                    tail_of = start_block
                    _fill_tails(tails, values, start_block, way)
                least = min(min(own, inner), tails[start - start_block * BLOCK])
                for whole in range(start_block + 1, core):
                    least = min(least, way * near[whole])
            bound = way * (slope * (way * least) + shift)
            difference = value - bound
            found[at - fresh] = difference > 0 or abs(difference) <= RELATIVE * max(abs(value), abs(bound))
    return found
