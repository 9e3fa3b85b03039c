"""What windows keep of a day of twenty prints a second, and what all else keeps however long it runs."""

import gc
import random
import sys
import tracemalloc
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import pytest

from rules_engine.evaluation import Evaluator, guard, sums
from rules_engine.evaluation.bars import BarSeries
from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.levels import levels_of
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Extreme, Moments
from rules_engine.model.instrument import Field
from rules_engine.model.slices import at_once
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import plan
from tests.undisturbed import other_threads_wait

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


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Gives what asks how many bytes are held of all that was made since."""

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    with other_threads_wait():
        gc.collect()
        tracemalloc.start()
        try:
            yield held
        finally:
            tracemalloc.stop()


def price(number: int) -> float:
    return (10_000 + number * 7919 % 1_009) / 100


def test_a_bar_takes_less_than_250_bytes_and_no_more_are_kept_than_are_needed() -> None:
    with measured() as held:
        series = BarSeries(60.0)
        series.need(500)
        takes = []
        for number in range(6_000):
            series.push(START_S + 15 * number, price(number), float(number), START_S)
            if number in (2_999, 5_999):
                takes.append(held())
    assert len(series.completed) == 500
    assert series.closed > 1_400
    assert max(takes) < 501 * 250
    assert abs(takes[1] - takes[0]) < 5 * 250


def test_a_function_over_bars_of_two_series_holds_only_those_however_long_it_runs() -> None:
    count = 100
    with measured() as held:
        evaluator = Evaluator([plan("pair", f"zscore(MA - 1.85 * V, {count}) > 50", bars_s=60.0)], START_S)
        takes, working_out = [held()], 0
        for number in range(1_000):
            before = held() if number >= 990 else 0
            tracemalloc.reset_peak()
            for instrument in ("MA", "V"):
                evaluator.tick(print_of(START_S + 30 * number, price(number), instrument))
            if before:
                working_out = max(working_out, tracemalloc.get_traced_memory()[1] - before)
            if number in (499, 999):
                takes.append(held())
    assert takes[-1] - takes[0] < 2 * (2 * count + 1) * 250 + 20_000
    assert abs(takes[2] - takes[1]) < 10_000
    assert 2 * count * 100 < working_out < 2 * count * 300


@pytest.mark.parametrize("ask", [Stream.moments, Stream.before])
def test_another_length_of_window_takes_less_than_250_bytes(ask: Callable[[Stream, float, float], object]) -> None:
    with measured() as held:
        stream = Stream(lambda: 100.0, (Quote(Field.LAST, START_S),), keeps=False, is_plain=True)
        before = held()
        for number in range(2_000):
            ask(stream, 60.0 + number % 1_000, START_S)
            stream.extreme(60.0 + number % 1_000, True, START_S)
        assert held() - before < 2 * 1_000 * 250


def test_a_stream_holds_its_longest_window_however_long_it_runs() -> None:
    sentences = ("V moves 50% in 60s", "zscore(V, 600s) > 50", "sma(V, 30s) > 500", "V changes up 50% in 300s")
    with measured() as held:
        evaluator = Evaluator([plan(f"r{number}", each) for number, each in enumerate(sentences)], START_S)
        before, takes = held(), []
        for number in range(60_000):
            evaluator.tick(print_of(START_S + number / 10, price(number)))
            if number % 2_500 == 2_499:
                takes.append(held() - before)
    sums, extremes = 24 * 2 * 6_000, 2 * 2 * 1_009 * 64
    assert max(takes) < sums + extremes
    assert max(takes[12:]) < 1.2 * max(takes[:12])


def test_histories_are_let_go_once_all_legs_have_theirs() -> None:
    legs = Quote(Field.LAST, START_S), Quote(Field.LAST, START_S)
    stream = Stream(lambda: legs[0].value, legs, keeps=False, is_plain=False)
    window = stream.moments(60.0, START_S)
    with measured() as held:
        takes = [held()]
        for leg in legs:
            stream.backfill(
                leg, [(START_S - 1_000 + number, price(number)) for number in range(1_000)], START_S - 1_000
            )
            takes.append(held() - takes[0])
        assert window.mean(START_S) is not None
    assert takes[1] < 1_000 * 125
    assert takes[2] < 2_000 * 30


@pytest.mark.parametrize(
    "text",
    [
        "sma(V, {}s) > 500",
        "zscore(V, {}s) > 50",
        "V moves 50% in {}s",
        "lowest(V, {}s) < 3",
        "V changes 50% in {}s",
        "V > {}",
    ],
)
def test_a_thousand_reloads_leave_nothing_behind_while_another_rule_reads_the_same(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "TRIM_MIN", 64)
    stays = [
        plan("mean", "sma(V, 9s) > 500"),
        plan("moves", "V moves 50% in 9s"),
        plan("ends", "V > 500", expires_s=START_S + 1e7),
    ]
    sets = [[*stays, plan("edited", text.format(60 + number), expires_s=START_S + 1e8)] for number in range(1_000)]
    with measured() as held:
        evaluator, takes = Evaluator(stays, START_S), []
        for number, rules in enumerate(sets):
            evaluator.replace(rules, START_S + 3 * number)
            for second in range(3):
                evaluator.tick(print_of(START_S + 3 * number + second, 99.0 + second))
            if number in (499, 999):
                evaluator.replace(stays, START_S + 3 * number + 2)
                takes.append(held())
    assert takes[1] - takes[0] < 10_000


def test_values_that_are_no_prices_take_less_than_125_bytes_a_print() -> None:
    chance, running, count = random.Random(5), Sums(), 20_000
    window = Moments(running, float(count), START_S)
    values = [chance.randrange(9_900, 10_100) / 100 - 1.85 * chance.randrange(5_000, 5_100) / 100 for _ in range(count)]
    with measured() as held:
        before = held()
        for number, value in enumerate(values):
            running.take(START_S + number, value)
        assert (held() - before) / count < 125
    assert running.wide
    assert window.mean(START_S + count) is not None


def test_a_level_takes_less_than_400_bytes() -> None:
    rules = [plan(f"r{number}", f"V > {100 + number}") for number in range(1_000)]
    evaluator = Evaluator(rules, START_S)
    evaluator.tick(print_of(START_S, 1.0, "MA"))
    watches = list(evaluator._watches())
    with measured() as held:
        before = held()
        levels = at_once(levels_of(watches))
        assert (held() - before) / len(rules) < 400
    levels.stand_at(600.0)
    assert list(levels.touched(99.0, 2_000.0)) == watches


def test_timers_that_are_put_off_again_and_again_take_no_more_room() -> None:
    with measured() as held:
        evaluator, takes = Evaluator([plan("rule", "V > 100 for 1d")], START_S), []
        for number in range(4_000):
            evaluator.tick(print_of(START_S + number, 99.0 + number % 2 * 2))
            if number in (1_999, 3_999):
                takes.append(held())
    assert takes[1] - takes[0] < 10_000


def test_all_shapes_that_are_kept_compiled_take_less_than_twenty_megabytes() -> None:
    texts = [
        f"V > 1 + {name}(V, 5s) {sign} {other}(V, 9s) * 3"
        for name, sign, other in product(
            ("sma", "stdev", "highest", "lowest"), ("+", "-", "*"), ("sma", "stdev", "zscore")
        )
    ]
    sets = [[plan("one", text)] for text in texts]
    evaluator = Evaluator([], START_S)
    guard._compiled.cache_clear()
    with measured() as held:
        for number, rules in enumerate(sets):
            evaluator.replace(rules, START_S + number)
            evaluator.tick(print_of(START_S + number, 100.0))
        took = held()
    known = guard._compiled.cache_info()
    assert known.currsize == len(sets)
    assert known.maxsize is not None
    assert took / len(sets) * known.maxsize < 20e6
