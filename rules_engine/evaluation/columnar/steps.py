"""`floor` and `round` over columns, also of values that may be off."""

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column

_TIE, _SCALED_MAX = 1e-4, 2.0**39
"""So near to the middle between two, or so large, all digits of a number count."""


def step(values: Column, digits: int | None) -> Column:
    """`round` to so many digits, `floor` where these are None."""
    return np.floor(values) if digits is None else _rounded(values, digits)


def stepped(values: Column, off: Column, digits: int | None) -> tuple[Column, Column]:
    """The same of values that may each be ``off`` by so much, and how far the result may be.

    Neither ever falls while its argument rises: where the least and the most that this may be come to one step, that is
    the value, and elsewhere it is no farther off than these two.
    """
    found = step(values, digits)
    apart = np.maximum(step(values + off, digits) - found, found - step(values - off, digits))
    apart[apart != apart] = 0.0
    return found, apart


def _rounded(values: Column, digits: int) -> Column:
    """As Python does it: to the nearest number of so many digits, decided by all digits that a float has."""
    scale = 10.0**digits
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * scale
        found = np.rint(scaled) / scale
        is_near = np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < _TIE
    is_large = (np.abs(scaled) > _SCALED_MAX) & np.isfinite(values)
    for place in np.flatnonzero(is_near | is_large).tolist():
        found[place] = round(float(values[place]), digits)
    return found
