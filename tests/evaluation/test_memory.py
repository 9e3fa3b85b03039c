"""What windows keep of a day of twenty prints a second."""

import random
import sys
from array import array
from collections.abc import Sequence

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Extreme, Moments
from tests.evaluation.market import START_S

PER_S = 20
SESSION_S = 23_400
CHUNK = 4_680


def prints(seconds: int) -> list[tuple[Sequence[float], Sequence[float]]]:
    """A walk of cents, in pieces."""
    chance = random.Random(5)
    number, cents = 0, 20_000
    found: list[tuple[Sequence[float], Sequence[float]]] = []
    for _ in range(seconds * PER_S // CHUNK):
        times, values = array("d"), array("d")
        for move in chance.choices((-3, -1, 0, 0, 1, 3), k=CHUNK):
            number, cents = number + 1, max(cents + move, 100)
            times.append(START_S + number / PER_S)
            values.append(cents / 100)
        found.append((times, values))
    return found


def test_sums_of_a_session_take_less_than_fifty_megabytes_however_long_they_run() -> None:
    sums = Sums()
    window = Moments(sums, SESSION_S / 10, START_S)
    most = 0
    for times, values in prints(SESSION_S // 2):
        sums.extend(times, values)
        window.totals(times[-1])
        kept = (sums.times, sums.totals, sums.squares)
        most = max(most, sum(map(sys.getsizeof, kept)))
    assert 10 * most < 50e6


def test_extremes_of_a_session_take_less_than_a_megabyte() -> None:
    extremes = Extremes()
    highest, lowest = (Extreme(extremes, SESSION_S, way, START_S) for way in (True, False))
    number_size = sys.getsizeof(1.5)
    for times, values in prints(SESSION_S):
        extremes.extend(times, values)
        assert highest.at(times[-1]) is not None
        assert lowest.at(times[-1]) is not None
    kept = [each for stack in (extremes._lows, extremes._highs) for each in (stack.times, stack.values)]
    assert sum(sys.getsizeof(each) + number_size * len(each) for each in kept) < 1e6
