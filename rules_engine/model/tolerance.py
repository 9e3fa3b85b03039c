"""Two floats compared as the decimal numbers that people wrote."""

from math import inf, nextafter

RELATIVE = 1e-12
EDGE_S = 1e-6
"""Times closer than a microsecond are one instant: POSIX seconds as floats resolve a quarter of that."""


def order(left: float, right: float, size: float = 0.0) -> int:
    """-1, 0 or 1 as ``left`` is below, equal to or above ``right``.

    Numbers that differ by less than a part in 1e12 are equal, so that float dust never decides. ``size`` is the
    largest term that was added or subtracted on the way to either side: cancellation leaves dust in its proportion.
    """
    difference, largest, other = left - right, abs(left), abs(right)
    if other > largest:
        largest = other
    if size > largest:
        largest = size
    if abs(difference) <= RELATIVE * largest:
        return 0
    return 1 if difference > 0 else -1


def least_at(level: float) -> float:
    """The least number that is not below the level."""
    return _least(level, 0, level - abs(level) * RELATIVE)


def least_above(level: float) -> float:
    """The least number that is above the level."""
    return _least(level, 1, level + abs(level) * RELATIVE)


def _least(level: float, side: int, near: float) -> float:
    """From a number near it: the next one down that is not on that side, then up to the first one that is."""
    while order(near, level) >= side:
        near = nextafter(near, -inf)
    while order(near, level) < side:
        near = nextafter(near, inf)
    return near
