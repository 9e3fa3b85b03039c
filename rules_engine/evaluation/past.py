"""The past as a series of prints."""

from collections.abc import Sequence

from rules_engine.model.tolerance import EDGE_S

Print = tuple[float, float]
"""Time and value."""

NEVER = float("-inf")


def before(history: Sequence[Print], first_s: float | None) -> Sequence[Print]:
    """What of the history is older than the first print that was seen live."""
    if first_s is None:
        return history
    return [entry for entry in history if entry[0] < first_s - EDGE_S]
