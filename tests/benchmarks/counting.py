"""Cost as a count of work done: a number that no other program on the machine changes."""

import builtins
import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import BuiltinFunctionType, FrameType
from typing import Any, Protocol
from unittest.mock import patch

from benchmarks.ticks import Print
from tests.undisturbed import other_threads_wait

_OVER_ALL = ("min", "max", "sum", "any", "all", "sorted")
"""Built-in functions that look through what they are given."""
_THROUGH_ALL = frozenset(
    {"index", "count", "remove", "insert", "sort", "reverse", "copy", "rotate", "tolist", "tobytes"}
)
"""Methods that look through, or move, what they belong to."""


class Ticking(Protocol):
    """An engine, as far as it is counted."""

    def tick(self, symbol: str, time_s: float, price: float, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What one print takes: ``steps`` of the interpreter and values that functions written in C look through, such as
    the `min` of a list or its `sort`; and the ``bytes`` that it needs for a while, such as the copy of a list."""

    steps: float
    bytes: float


def counted_work(engine: Ticking, prints: Sequence[Print], warm: int) -> Work:
    """Of the prints after the first ``warm``: steps of one half of them, bytes of the other. Not seen is ``in`` on a
    list."""
    for each in prints[:warm]:
        engine.tick("S", each.time_s, each.price)
    half = (warm + len(prints)) // 2
    with _no_collections(), other_threads_wait():
        return Work(_steps(engine, prints[warm:half]), _bytes(engine, prints[half:]))


@contextmanager
def _no_collections() -> Iterator[None]:
    """Libraries hang functions of their own on collections, whose steps and numbers would be counted too."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _steps(engine: Ticking, prints: Sequence[Print]) -> float:
    tick, done = engine.tick, 0

    def step(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal done
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        done += event == "opcode"
        return step

    def called(frame: FrameType, event: str, function: object) -> None:
        nonlocal done
        if event == "c_call" and isinstance(function, BuiltinFunctionType) and function.__name__ in _THROUGH_ALL:
            done += len(function.__self__)

    def weighed(function: Callable[..., object]) -> Callable[..., object]:
        def weigh(*arguments: Any, **words: Any) -> object:
            nonlocal done
            if len(arguments) == 1 and hasattr(arguments[0], "__len__"):
                done += len(arguments[0])
            return function(*arguments, **words)

        return weigh

    before = sys.gettrace(), sys.getprofile()
    with patch.multiple(builtins, **{name: weighed(getattr(builtins, name)) for name in _OVER_ALL}):
        # Python 3.12 looks only here whether steps are wanted at all.
        sys._getframe().f_trace_opcodes = True
        sys.setprofile(called)
        sys.settrace(step)
        try:
            for each in prints:
                tick("S", each.time_s, each.price)
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
    return done / len(prints)


def _bytes(engine: Ticking, prints: Sequence[Print]) -> float:
    tick, taken = engine.tick, 0
    tracemalloc.start()
    try:
        for each in prints:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            tick("S", each.time_s, each.price)
            taken += tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return taken / len(prints)


def counted_calls(engine: Ticking, prints: Sequence[Print], warm: int) -> float:
    """Function calls a print, after the first ``warm`` of them."""
    tick = engine.tick
    for each in prints[:warm]:
        tick("S", each.time_s, each.price)
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    with _no_collections():
        sys.setprofile(count)
        try:
            for each in prints[warm:]:
                tick("S", each.time_s, each.price)
        finally:
            sys.setprofile(None)
    return calls / (len(prints) - warm)
