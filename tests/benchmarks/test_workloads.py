"""The short forms of W2 to W5: who fires when, and how cost grows; never how long anything takes."""

from dataclasses import replace

import pytest

from benchmarks import lengths, levels, many
from benchmarks.engines import engine_of
from benchmarks.oracle import truths_by_brute_force
from benchmarks.ticks import walk
from rules_engine import Engine
from tests.benchmarks.counting import counted_calls


@pytest.mark.parametrize("name", ["W2", "W2q", "W4", "W4q"])
def test_engine_deques_and_oracle_fire_alike_on_many_symbols(name: str) -> None:
    assert many.disagreements(many.SHORT[name]) == []


@pytest.mark.parametrize("name", ["W2", "W4"])
@pytest.mark.parametrize("seed", [5, 6])
def test_they_do_in_other_markets(name: str, seed: int) -> None:
    assert many.disagreements(replace(many.SHORT[name], seed=seed, prints=8_000)) == []


@pytest.mark.parametrize("window_s", [1, 60, 3_600])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_windows_of_any_length_fire_alike(window_s: int, seed: int) -> None:
    prints = walk(5_000, seed, volatility=40.0, per_s=20.0 if window_s < 60 else 1.0)
    sentence = f"{{S}} moves {2 if window_s < 60 else 5}% in {window_s}s"
    tick = Engine(lengths.RULES.format(sentence.format(S="S"))).tick
    fired = [each.time_s for each in prints if tick("S", each.time_s, each.price)]
    times, cents = [each.time_s for each in prints], [each.cents for each in prints]
    expected = truths_by_brute_force(sentence, times, cents)
    assert fired == [times[at] for at in expected]
    assert fired


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_engine_bisection_and_oracle_pass_the_same_levels(seed: int) -> None:
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
    minute, day = (
        counted_calls(Engine(lengths.RULES.format(sentence.format(length))), prints, 7_200) for length in (60, 86_400)
    )
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
