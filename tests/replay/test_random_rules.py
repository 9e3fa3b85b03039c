"""Whatever rules say, and whatever prices come, the engine on columns finds what the streaming engine finds."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.replay.comparing import compare
from tests.replay.playing import play
from tests.replay.test_backtest_firings import RULES, STEPS, in_files

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("hundred", range(4))
def test_random_rules_do_the_same_on_random_prices(hundred: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path) for seed in range(hundred * 100, hundred * 100 + 100)) > 100


@pytest.mark.parametrize("first", [0, 80])
def test_random_rules_that_read_positions_orders_and_the_account_do_the_same(first: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, holds=True) for seed in range(first, first + 80)) > 80


@pytest.mark.parametrize("kind", [{}, {"tells": True}, {"holds": True}])
def test_random_rules_on_values_that_go_in_steps_do_the_same(kind: dict[str, bool], tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, steps=True, **kind) for seed in range(80)) > 40


@pytest.mark.parametrize(
    "kind", [{}, {"tells": True}, {"holds": True}, {"steps": True, "tells": True}, {"steps": True, "holds": True}]
)
def test_random_moves_of_what_is_built_of_means_bars_and_holdings_do_the_same(
    kind: dict[str, bool], tmp_path: Path
) -> None:
    assert sum(compare(seed, tmp_path, builds=True, **kind) for seed in range(80)) > 40


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("first", [0, 100])
def test_random_rules_that_only_tell_do_the_same_on_random_prices(first: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, tells=True) for seed in range(first, first + 100)) > 100


@ANY
@given(steps=STEPS, slice_rows=st.sampled_from([1, 5, 1 << 20]))
def test_many_rules_on_two_instruments_fire_alike(
    tmp_path: Path, steps: list[tuple[int, str, int]], slice_rows: int
) -> None:
    files, _ = in_files(steps)
    expected = play(tmp_path, RULES, files, engine="streaming")
    assert play(tmp_path, RULES, files, engine="columns", slice_rows=slice_rows).outcomes == expected.outcomes
