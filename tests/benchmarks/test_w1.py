"""The short form of W1: who fires when, and how cost grows; never how long anything takes."""

from dataclasses import replace

import pytest

from benchmarks.moves import firings_by_brute_force
from benchmarks.ticks import Print, walk
from benchmarks.w1 import RULES, SHORT, disagreements, play_engine
from rules_engine import Engine
from tests.benchmarks.counting import counted_work


def test_engine_columns_peers_and_oracle_fire_alike() -> None:
    assert disagreements(SHORT, with_peers=True) == []


@pytest.mark.parametrize(("seed", "per_s"), [(2, 2.0), (3, 2.0), (3, 20.0)])
def test_they_do_in_other_markets(seed: int, per_s: float) -> None:
    assert disagreements(replace(SHORT, seed=seed, per_s_oracle=per_s, prints_naive=300)) == []


def test_repeated_prices_at_the_very_edge_of_a_move() -> None:
    cents = [20_000, 21_000, 21_000, 20_999, 21_000, 20_000, 19_950, 19_950] * 3
    prints = [Print(1_900_000_000.0 + 40.0 * number, each, 100.0) for number, each in enumerate(cents)]
    assert play_engine(prints)[0] == firings_by_brute_force(prints)


def test_cost_does_not_grow_with_the_window() -> None:
    prints = walk(14_000, 3)
    short, long = (counted_work(Engine(RULES.replace("5m", window)), prints, 13_000) for window in ("20s", "10m"))
    assert long.steps < 1.3 * short.steps
    assert long.bytes < 1.3 * short.bytes
