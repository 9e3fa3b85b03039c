"""What columns are made of."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Sides = npt.NDArray[np.int8]
"""One small number a print: a truth, or how two values lie."""


class Line(NamedTuple):
    """A value has moved that is at or beyond ``slope * reference + shift``: above, of the lowest of its window (``way``
    1), or below, of the highest (-1)."""

    slope: float
    shift: float
    way: float


class NotColumnar(Exception):
    """Columns cannot answer for these prints or this condition: every print is to be judged."""


FALSE, UNKNOWN, TRUE = 0, 1, 2
"""Truths: of several, `and` is the least, `or` the greatest."""
BELOW, EQUAL, ABOVE, UNORDERED, NEAR = 0, 1, 2, 3, 4
"""The first value to the second; UNORDERED when one is unknown, NEAR when that cannot be told from columns."""
