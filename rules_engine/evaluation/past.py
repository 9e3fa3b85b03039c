"""The past as a series of prints."""

from collections.abc import Sequence
from math import floor

from rules_engine.model.tolerance import EDGE_S

Print = tuple[float, float]
"""Time and value."""

NEVER = float("-inf")


def before(history: Sequence[Print], first_s: float | None) -> Sequence[Print]:
    """What of the history is older than the first print that was seen live."""
    if first_s is None:
        return history
    return [entry for entry in history if entry[0] < first_s - EDGE_S]


def twins(history: Sequence[Print], times: Sequence[float], values: Sequence[float]) -> int:
    """How many of the last prints of the history are the first ones that were seen live.

    IB tells its history in whole seconds: of the second in which the live prints begin, both tell.
    """
    if not times:
        return 0
    second_s = floor(times[0])
    live = [value for time_s, value in zip(times, values, strict=False) if time_s < second_s + 1]
    told = [value for time_s, value in history[-len(live) :] if time_s == second_s]
    return next((count for count in range(len(told), 0, -1) if told[-count:] == live[:count]), 0)
