"""simpleeval: expressions are parsed once and evaluated at every print."""

import time
from collections.abc import Sequence

from simpleeval import SimpleEval

from benchmarks.peers.features import Edge, Range
from benchmarks.ticks import Print

EXPRESSION = "cents * 100 >= low * 105 or cents * 100 <= high * 95"


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took; the range of the window is kept by hand."""
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


def play_levels(rules: Sequence[tuple[str, int]], prints: Sequence[Print]) -> tuple[list[tuple[int, int]], float]:
    """Print and rule of each firing, and the CPU seconds that it took."""
    evaluator, fired = SimpleEval(), []
    texts = [f"cents {side} {level}" for side, level in rules]
    parsed = [evaluator.parse(text) for text in texts]
    evaluator.names = {"cents": prints[0].cents}
    held = [evaluator.eval(text, previously_parsed=tree) for text, tree in zip(texts, parsed, strict=True)]
    start_s = time.process_time()
    for at, each in enumerate(prints):
        evaluator.names["cents"] = each.cents
        for number, tree in enumerate(parsed):
            holds = evaluator.eval(texts[number], previously_parsed=tree)
            if holds and not held[number]:
                fired.append((at, number))
            held[number] = holds
    return fired, time.process_time() - start_s
