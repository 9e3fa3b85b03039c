"""Sums over values that are in no price steps: means, deviations and scores, each with how far it may be off."""

from dataclasses import dataclass
from math import frexp, log10, sqrt

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index, NotColumnar

Error = float | Column
"""How far a value may lie from what the streaming evaluator finds: for all moments, or for each."""

_ROUNDING = 2.0**-50
"""What a few operations on floats lose, of the largest number in them."""
_STEPS_MAX = 2.0**31
"""Of the root of the sum of squares: 64 bits hold these."""
_RANGE_MAX = 1e100
_PLACES_MAX = 15
_STREAMING_DIGITS, _STREAMING_PLACES = 14, (9, 100)
"""How finely the streaming sums count such values, at least, and at most."""


@dataclass(frozen=True, slots=True)
class Rough:
    """Prints counted in steps from a base. Entry n of ``totals`` and ``squares`` is the sum of the first n.

    ``error`` is how far a print may lie from its steps, here or in the streaming sums.
    """

    totals: Index
    squares: Index
    base: float
    scale: float
    error: float
    largest: float


def rough(values: Column, largest: float) -> Rough:
    """In the finest decimal steps of which 64 bits hold the squares. Raises NotColumnar for numbers beyond these.

    ``largest`` is the size of the largest one so far, here or before.
    """
    base = float(values[0])
    away = values - base
    farthest = float(np.abs(away).max())
    if not max(farthest, largest) < _RANGE_MAX:
        raise NotColumnar("numbers are too large")
    room = _STEPS_MAX / sqrt(len(values)) - 1
    if room < 1:
        raise NotColumnar("too many prints")
    places = int(min(np.floor(log10(room / farthest)), _PLACES_MAX)) if farthest else 0
    scale = 10.0**places
    steps = np.rint(away * scale)
    lost = float(np.abs(away - steps / scale).max())
    whole = steps.astype(np.int64)
    totals, squares = (np.zeros(len(whole) + 1, dtype=np.int64) for _ in range(2))
    np.cumsum(whole, out=totals[1:])
    np.cumsum(whole * whole, out=squares[1:])
    # The streaming sums begin to count finely with some value seen so far, and the largest one lets them be coarsest;
    # nothing at all counts as a half there.
    least, most = _STREAMING_PLACES
    counted = min(max(_STREAMING_DIGITS - frexp(max(largest, 0.5))[1] * 3 // 10, least), most)
    error = lost + 0.5 * 10.0**-counted + _ROUNDING * largest
    return Rough(totals, squares, base, scale, error, largest)


def means(of: Rough, starts: Index, ends: Index) -> tuple[Column, Error]:
    """The mean of each window; nan where it is empty."""
    counts = ends - starts
    found = of.base + (of.totals[ends] - of.totals[starts]) / counts / of.scale
    return found, of.error + _ROUNDING * of.largest


def deviations(of: Rough, starts: Index, ends: Index) -> tuple[Column, Error]:
    """The deviation of each window; nan where it has none."""
    counts = ends - starts
    totals, squares = of.totals[ends] - of.totals[starts], of.squares[ends] - of.squares[starts]
    variances = (squares - totals * (totals / counts)) / (counts - 1)
    found = np.sqrt(np.maximum(variances, 0.0))
    # Terms that nearly cancel leave what floats lose of each.
    lost = 4 * _ROUNDING * squares / (counts - 1)
    root = np.sqrt(lost)
    rounding = np.where(found > root, lost / np.maximum(found, root), root)
    found[counts < 2] = np.nan
    # Prints that are each off by so much move the root of the sum of their squares by no more than the root of two.
    return found / of.scale, rounding / of.scale + 1.5 * of.error


def scores(of: Rough, starts: Index, ends: Index) -> tuple[Column, Error]:
    """The score of the last print of each window; nan where it surely has none."""
    deviation, off = deviations(of, starts, ends)
    mean, mean_off = means(of, starts, ends)
    lasts = of.base + (of.totals[ends] - of.totals[np.maximum(ends - 1, 0)]) / of.scale
    least = deviation - off
    # A flat window has no score; where that cannot be told, anything may be.
    is_doubtful = least <= deviation / 2
    found = np.where(is_doubtful, 0.0, (lasts - mean) / deviation)
    errors = np.where(is_doubtful, np.inf, (of.error + mean_off + np.abs(found) * off) / least)
    found[ends - starts < 2] = np.nan
    return found, errors


def combined(operator: str, left: Column, left_off: Error, right: Column, right_off: Error) -> tuple[Column, Error]:
    """What arithmetic makes of two values that may be off."""
    match operator:
        case "+":
            return left + right, left_off + right_off
        case "-":
            return left - right, left_off + right_off
        case "*":
            # Nothing times what may be anything is not known to be nothing.
            off = np.abs(left) * right_off + np.abs(right) * left_off + left_off * right_off
            return left * right, np.where(off == off, off, np.inf)
        case _:
            size = np.abs(right)
            is_doubtful = (size <= 2 * right_off) & (np.asarray(right_off) > 0)
            found = np.where(is_doubtful, 0.0, left / np.where(size > 0, right, np.nan))
            off = (left_off + np.abs(found) * right_off) / np.maximum(size - right_off, size / 2)
            found[(left != left) | (right != right)] = np.nan
            return found, np.where(is_doubtful | (off != off), np.inf, off)
