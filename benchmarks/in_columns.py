"""What the rules of a workload fire in backtests in columns, with numba and without it."""

from collections.abc import Iterable, Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np

from benchmarks.mix import Heard
from benchmarks.w6 import HEAD, Market, in_numpy, play

Fired = list[tuple[int, str]]
"""Number of the print, and name of the rule; in order."""


def fired_in_columns(sentences: Iterable[tuple[str, str]], prints: Sequence[Heard]) -> dict[str, Fired]:
    """By each way that is installed. Sentences have names and speak of S0, S1 and so on. No two prints share a time."""
    rules = HEAD + "".join(f'  - {{name: {name}, when: "{text}", do: notify desk}}\n' for name, text in sentences)
    markets = _markets(prints)
    ways = {"columns": in_numpy}
    if find_spec("numba"):
        ways["columns, numba"] = partial(play, engine="columns", looks_min=0)
    numbers = {time_s: at for at, (_, time_s, _) in enumerate(prints)}
    assert len(numbers) == len(prints), "a firing is told by its time"
    return {
        name: sorted((numbers[time_s], rule) for rule, time_s in way(rules, of=markets)()) for name, way in ways.items()
    }


def _markets(prints: Sequence[Heard]) -> list[Market]:
    """That of each symbol."""
    heard: list[tuple[list[float], list[int]]] = [([], []) for _ in range(max(symbol for symbol, *_ in prints) + 1)]
    for symbol, time_s, cents in prints:
        times, values = heard[symbol]
        times.append(time_s)
        values.append(cents)
    return [Market(np.array(times), np.array(values) / 100) for times, values in heard]
