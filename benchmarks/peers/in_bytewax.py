"""bytewax: a dataflow whose stateful step is the deque loop: its own windows close once, they do not slide by the print."""

import time
from collections.abc import Sequence

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from benchmarks.moves import DequeLoop
from benchmarks.ticks import Print

BATCH = 1_000
Heard = tuple[float, float]


def play(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took, in batches of a thousand prints."""
    heard = [("S", (each.time_s, each.price)) for each in prints]
    fired: list[tuple[str, float]] = []

    def step(loop: DequeLoop | None, heard: Heard) -> tuple[DequeLoop, list[float]]:
        loop = loop or DequeLoop()
        return loop, [heard[0]] if loop.tick(*heard) else []

    flow = Dataflow("moves")
    stream = op.input("prints", flow, TestingSource(heard, batch_size=BATCH))
    op.output("fired", op.stateful_flat_map("rule", stream, step), TestingSink(fired))
    start_s = time.process_time()
    run_main(flow)
    return [time_s for _, time_s in fired], time.process_time() - start_s
