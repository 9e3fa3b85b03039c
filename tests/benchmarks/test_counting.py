"""What is counted as work grows with whatever a print looks through, or a flat count would show nothing."""

import gc
import time
from array import array
from bisect import bisect
from collections.abc import Callable

import pytest

from benchmarks.ticks import walk
from tests.benchmarks.counting import counted_work

Look = Callable[[list[float]], object]

_ONE_OBJECT = 64.0
"""Bytes. Whether the interpreter has a spare one at hand depends on what ran before."""


def loop(window: list[float]) -> None:
    for _ in window:
        pass


def of_moves(window: list[float]) -> None:
    lowest = window[0]
    for price in window:
        if price < lowest:
            lowest = price


LINEAR: dict[str, Look] = {
    "a loop": loop,
    "a loop that compares": of_moves,
    "a comprehension": lambda window: [price for price in window if price < 0],
    "a generator": lambda window: sum(price for price in window),
    "the lowest": lambda window: min(window),
    "the sum": lambda window: sum(window),
    "sorted": lambda window: sorted(window),
    "sort": lambda window: window.sort(),
    "a place": lambda window: window.index(window[-1]),
    "one at the beginning": lambda window: window.insert(0, window.pop()),
    "a copy": lambda window: window.copy(),
    "a list of it": lambda window: list(window),
    "a slice": lambda window: window[1:],
    "an array": lambda window: array("d", window),
}


class Planted:
    """Does the same at each print."""

    def __init__(self, look: Look, length: int) -> None:
        self._look, self._window = look, [float(number) for number in range(length)]

    def tick(self, symbol: str, time_s: float, price: float) -> None:
        self._look(self._window)


def growth(look: Look) -> float:
    """How many times the work of a short window a long one takes, in steps or in bytes."""
    prints = walk(20, 1)
    short, long = (counted_work(Planted(look, length), prints, 10) for length in (100, 2_000))
    return max(long.steps / short.steps, long.bytes / max(short.bytes, _ONE_OBJECT))


@pytest.mark.parametrize("what", LINEAR)
def test_work_that_grows_with_a_window_is_seen_to_grow(what: str) -> None:
    assert growth(LINEAR[what]) > 5


@pytest.mark.parametrize(
    "look", [lambda window: window[-1], lambda window: bisect(window, 7.0), lambda window: min(1, 2)]
)
def test_work_that_does_not_is_not(look: Look) -> None:
    assert growth(look) < 1.05


def test_what_is_done_at_collections_is_no_work_of_a_print() -> None:
    """Test libraries take the time of each collection, and one may come at any print."""
    times: list[float] = []

    def take_time(phase: str, info: dict[str, int]) -> None:
        times.append(time.perf_counter())

    def lists(window: list[float]) -> object:
        return [[] for _ in range(10)]

    alone = counted_work(Planted(lists, 1), walk(20, 1), 10)
    threshold = gc.get_threshold()
    gc.callbacks.append(take_time)
    gc.set_threshold(2)
    try:
        among = counted_work(Planted(lists, 1), walk(20, 1), 10)
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(take_time)
    assert times
    assert among.steps == alone.steps
