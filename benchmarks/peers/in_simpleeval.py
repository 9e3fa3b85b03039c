"""simpleeval: the expression is parsed once and evaluated at every print over the range of the window."""

import time
from collections.abc import Sequence

from simpleeval import SimpleEval

from benchmarks.peers.features import Edge, Range
from benchmarks.ticks import Print

EXPRESSION = "cents * 100 >= low * 105 or cents * 100 <= high * 95"


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took."""
    window, edge, evaluator, fired = Range(), Edge(), SimpleEval(), []
    parsed = evaluator.parse(EXPRESSION)
    heard = [(each.time_s, each.cents) for each in prints]
    start_s = time.process_time()
    for time_s, cents in heard:
        low, high = window.push(time_s, cents)
        evaluator.names = {"cents": cents, "low": low, "high": high}
        if edge.tick(time_s, evaluator.eval(EXPRESSION, previously_parsed=parsed)):
            fired.append(time_s)
    return fired, time.process_time() - start_s
