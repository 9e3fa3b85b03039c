"""rule-engine: a rule is compiled once and matched at every print against the range of the window."""

import time
from collections.abc import Sequence

from rule_engine import Rule

from benchmarks.peers.features import Edge, Range
from benchmarks.ticks import Print

EXPRESSION = "cents * 100 >= low * 105 or cents * 100 <= high * 95"


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took."""
    window, edge, rule, fired = Range(), Edge(), Rule(EXPRESSION), []
    heard = [(each.time_s, each.cents) for each in prints]
    start_s = time.process_time()
    for time_s, cents in heard:
        low, high = window.push(time_s, cents)
        if edge.tick(time_s, rule.matches({"cents": cents, "low": low, "high": high})):
            fired.append(time_s)
    return fired, time.process_time() - start_s
