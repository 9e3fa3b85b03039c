"""Cost as a count of function calls: a number that no other program on the machine changes."""

import sys
from collections.abc import Sequence
from types import FrameType

from benchmarks.ticks import Print
from rules_engine import Engine


def counted_calls(engine: Engine, prints: Sequence[Print], warm: int) -> float:
    """Function calls a print, after the first ``warm`` of them."""
    tick = engine.tick
    for each in prints[:warm]:
        tick("S", each.time_s, each.price)
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        for each in prints[warm:]:
            tick("S", each.time_s, each.price)
    finally:
        sys.setprofile(None)
    return calls / (len(prints) - warm)
