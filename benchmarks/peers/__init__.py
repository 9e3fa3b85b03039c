"""`S moves 5% in 5m` in other people's libraries, those that are installed: the optional group `peers`."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

from benchmarks.ticks import Print

Play = Callable[[Sequence[Print]], tuple[list[float], float]]
"""Lets a contender hear the prints; gives the times at which it fired and the CPU seconds that it took."""
LIBRARIES = ("numba", "simpleeval", "rule_engine", "river", "bytewax", "nautilus_trader")
"""Each is driven by the module here that ends in its name."""


def installed() -> dict[str, Play]:
    """Name of a library -> how it plays."""
    return {
        name: import_module(f"benchmarks.peers.in_{name}").play for name in LIBRARIES if find_spec(name) is not None
    }
