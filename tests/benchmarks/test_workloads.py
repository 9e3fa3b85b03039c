"""The short forms of W2 to W5: who fires when, and how cost grows; never how long anything takes."""

from dataclasses import replace

import pytest

from benchmarks import lengths, levels, many
from benchmarks.engines import engine_of
from benchmarks.ticks import Print, walk
from rules_engine import Engine
from tests.benchmarks.counting import counted_calls, counted_work


@pytest.mark.parametrize("name", ["W2", "W2q", "W4", "W4q"])
def test_engine_columns_deques_and_oracle_fire_alike_on_many_symbols(name: str) -> None:
    assert many.disagreements(many.SHORT[name]) == []


@pytest.mark.parametrize("name", ["W2", "W2q", "W4", "W4q"])
@pytest.mark.parametrize("seed", [5, 6])
def test_they_do_in_other_markets(name: str, seed: int) -> None:
    short = many.SHORT[name]
    assert many.disagreements(replace(short, seed=seed, prints=min(short.prints, 8_000))) == []


@pytest.mark.parametrize("sentence", [lengths.MOVES, lengths.SCORE])
@pytest.mark.parametrize("window_s", lengths.WINDOWS_S.values())
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_engine_columns_and_oracle_fire_alike_on_windows_of_any_length(sentence: str, window_s: int, seed: int) -> None:
    assert lengths.disagreements(sentence, window_s, seed) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_engine_columns_bisection_and_oracle_pass_the_same_levels(seed: int) -> None:
    assert levels.disagreements(replace(levels.SHORT, seed=seed)) == []


MIX = (
    "S crosses above 199",
    "S moves 1% in 5s",
    "S moves 2% in 10s",
    "sma(S, 3s) crosses above sma(S, 10s)",
    "S > sma(S, 10s) + 3 * stdev(S, 10s)",
    "zscore(S, 5s) > 3",
    "S enters 199 to 201",
    "highest(S, 5s) > 1.01 * lowest(S, 5s)",
    "S changes up 1% in 5s",
    "S > 201 for 3s",
    "S[1s] > 200",
)
OVER_WINDOWS = (
    lengths.MOVES,
    lengths.SCORE,
    "sma({{S}}, 10s) crosses above sma({{S}}, {}s)",
    "{{S}} > sma({{S}}, {0}s) + 3 * stdev({{S}}, {0}s)",
    "highest({{S}}, {0}s) > 1.02 * lowest({{S}}, {0}s)",
    "{{S}} changes up 2% in {}s",
)


def mixed(*more: tuple[str, str]) -> Engine:
    """The mix on S, and other rules."""
    return engine_of([*((f"r{number}", text) for number, text in enumerate(MIX)), *more])


def test_levels_that_no_price_touches_cost_nothing() -> None:
    prints = walk(4_000, 3)
    few, many_ = (
        counted_work(levels.engine(levels.levels(count, 1, 100_000, 200_000)), prints, 3_000) for count in (10, 3_000)
    )
    assert many_.steps < 1.05 * few.steps
    assert many_.bytes < 1.05 * few.bytes


@pytest.mark.parametrize("sentence", OVER_WINDOWS)
def test_a_window_of_a_day_costs_what_one_of_a_minute_does(sentence: str) -> None:
    prints = walk(8_000, 3, per_s=0.08)
    minute, day = (counted_work(lengths.engine(sentence.format(length)), prints, 7_000) for length in (60, 86_400))
    assert day.steps < 1.05 * minute.steps
    assert day.bytes < 2 * minute.bytes


def test_a_print_costs_the_same_however_many_came_before() -> None:
    """The same five hundred again and again: once they have filled the windows, each round is the same work."""
    round_ = walk(500, 3)
    round_s = round_[-1].time_s - round_[0].time_s + 0.05

    def rounds(count: int) -> list[Print]:
        return [replace(each, time_s=each.time_s + number * round_s) for number in range(count) for each in round_]

    early, late = (counted_work(mixed(), rounds(count), 500 * (count - 2)) for count in (6, 80))
    assert late.steps < 1.01 * early.steps
    assert late.bytes < 1.05 * early.bytes


def test_rules_on_other_instruments_cost_a_print_nothing() -> None:
    prints = walk(2_000, 3)
    others = [(f"o{number}", f"X{number} moves 2% in 60s") for number in range(500)]
    alone, among = (counted_work(mixed(*more), prints, 1_000) for more in ((), others))
    assert among.steps < 1.01 * alone.steps
    assert among.bytes < 1.05 * alone.bytes


def test_a_quiet_print_costs_a_few_calls_however_many_rules() -> None:
    prints = walk(11_000, 3, volatility=0.05)
    moves = [(f"m{number}", f"S moves {3 + number % 6}% in {3 + number}m") for number in range(200)]
    levels_ = [(f"l{number}", f"S > {number}") for number in range(300, 800)]
    few, more = (counted_work(engine_of(rules), prints, 9_800) for rules in (moves[:6], [*moves, *levels_]))
    assert more.steps < 1.3 * few.steps
    assert more.bytes < 1.3 * few.bytes
    assert counted_calls(engine_of([*moves, *levels_]), prints, 9_800) < 16


def test_memory_of_a_window_does_not_grow_beyond_its_prints() -> None:
    prints = walk(30_000, 3)
    assert lengths.held_mb(lengths.MOVES.format(60), prints) < 0.1
    assert lengths.held_mb(lengths.SCORE.format(60), prints) < 0.6
