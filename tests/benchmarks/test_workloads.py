"""The short forms of W2 to W5: who fires when, and how cost grows; never how long anything takes."""

from dataclasses import replace

import pytest

from benchmarks import lengths, levels, many
from benchmarks.engines import engine_of
from benchmarks.ticks import walk
from tests.benchmarks.counting import counted_calls


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


def test_levels_that_no_price_touches_cost_nothing() -> None:
    prints = walk(4_000, 3)
    few, many_ = (
        counted_calls(levels.engine(levels.levels(count, 1, 100_000, 200_000)), prints, 2_000) for count in (10, 3_000)
    )
    assert many_ < 1.05 * few


@pytest.mark.parametrize("sentence", [lengths.MOVES, lengths.SCORE])
def test_a_window_of_a_day_costs_what_one_of_a_minute_does(sentence: str) -> None:
    prints = walk(8_000, 3, per_s=0.08)
    minute, day = (counted_calls(lengths.engine(sentence.format(length)), prints, 7_200) for length in (60, 86_400))
    assert day < 1.3 * minute


def test_a_quiet_print_costs_a_few_calls_however_many_rules() -> None:
    prints = walk(11_000, 3, volatility=0.05)
    moves = [(f"m{number}", f"S moves {number}% in {number}m") for number in range(3, 9)]
    levels_ = [(f"l{number}", f"S > {number}") for number in range(300, 800)]
    assert counted_calls(engine_of([*moves, *levels_]), prints, 9_800) < 16


def test_memory_of_a_window_does_not_grow_beyond_its_prints() -> None:
    prints = walk(30_000, 3)
    assert lengths.held_mb(lengths.MOVES.format(60), prints) < 0.1
    assert lengths.held_mb(lengths.SCORE.format(60), prints) < 0.6
