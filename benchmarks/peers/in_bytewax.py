"""bytewax: dataflows whose stateful step is written by hand: its own windows close once, they do not slide."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from benchmarks.mix import Figures, Fired, Hand, Heard, mix
from benchmarks.moves import DequeLoop
from benchmarks.ticks import Print

BATCH = 1_000
State = TypeVar("State")
In = TypeVar("In")
Out = TypeVar("Out")


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took, in batches of a thousand prints."""

    def step(loop: DequeLoop | None, heard: tuple[float, float]) -> tuple[DequeLoop, Iterable[float]]:
        loop = loop or DequeLoop()
        return loop, [heard[0]] if loop.tick(*heard) else []

    return _run([("S", (each.time_s, each.price)) for each in prints], step)


def play_mix(rules: Sequence[Figures], prints: Sequence[Heard]) -> tuple[Fired, float]:
    """Ten rules a symbol, which is the key of the stream."""

    def step(hands: list[Hand] | None, heard: tuple[int, Heard]) -> tuple[list[Hand], Fired]:
        at, (symbol, time_s, cents) = heard
        hands = hands or [rule.by_hand() for rule in mix(rules[symbol])]
        return hands, [(at, symbol, number) for number, hand in enumerate(hands) if hand.tick(time_s, cents)]

    return _run([(str(heard[0]), (at, heard)) for at, heard in enumerate(prints)], step)


def _run(
    heard: Sequence[tuple[str, In]], step: Callable[[State | None, In], tuple[State, Iterable[Out]]]
) -> tuple[list[Out], float]:
    fired: list[tuple[str, Out]] = []
    flow = Dataflow("rules")
    stream = op.input("prints", flow, TestingSource(heard, batch_size=BATCH))
    op.output("fired", op.stateful_flat_map("rule", stream, step), TestingSink(fired))
    start_s = time.process_time()
    run_main(flow)
    return [out for _, out in fired], time.process_time() - start_s
