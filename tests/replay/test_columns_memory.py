"""What the engine on columns holds: a slice, and what windows still read."""

import gc
from pathlib import Path
from typing import Any

import pytest

from rules_engine.evaluation.columnar.moments import Moments
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.recordings.slices import Slice
from tests.replay.playing import play
from tests.replay.walks import over_days, walk


def test_no_more_rows_are_held_than_a_slice_and_two_pieces_of_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 4_000)
    rules = "rules:\n  - {name: both, when: V moves 1% in 5s or MA moves 1% in 5s, do: notify desk}\n"
    files = {"V": walk(20_000, 1), "MA": walk(20_000, 2)}
    held = []

    def held_rows(count: int) -> int:
        cut = {name: "\n".join(text.splitlines()[:count]) for name, text in files.items()}
        backtest = play(tmp_path, rules, cut, engine="columns", slice_rows=1_000)
        held.append(backtest.rows_held_max)
        return backtest.rows_held_max

    assert held_rows(20_001) < 1_000 + 4 * 200
    assert held_rows(20_001) <= held_rows(5_001) * 1.1


@pytest.mark.parametrize(
    "rule",
    [
        "V moves 1% in 5m",
        "V - MA moves 1 points in 5m",
        "'V > sma(V, 5m) using midpoint'",
        "'sma(V.mid, 60s) moves 1% in 5m'",
        "V - position(V) moves 1 points in 5m",
    ],
)
def test_what_windows_hold_does_not_grow_with_the_days(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    turn_over = Scene.turn_over

    def counted(self: Scene, *piece: Any) -> None:
        turn_over(self, *piece)
        held.append(self.prints_held)

    monkeypatch.setattr(Scene, "turn_over", counted)
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 4_000)
    rules = f"rules:\n  - {{name: one, when: {rule}, do: notify desk}}\n"

    def most_held(days: int) -> int:
        held.clear()
        files = {name: over_days(days, seed) for name, seed in (("V", 1), ("MA", 2)) if name in rule}
        play(tmp_path, rules, files, engine="columns", slice_rows=500)
        return max(held)

    few = most_held(4)
    assert most_held(12) <= few * 1.1


@pytest.mark.parametrize("do", ["notify desk", "buy 10 V"])
@pytest.mark.parametrize(
    "when",
    [
        "V > sma(V, 60s) + stdev(V, 60s)",
        "V - MA moves 1 points in 5m",
        "V > sma(V, 5m) using midpoint",
        "sma(V, 60s) moves 1% in 5m",
        "V - position(V) moves 1 points in 5m",
    ],
)
def test_columns_go_with_their_slice_though_nobody_collects_circles(do: str, when: str, tmp_path: Path) -> None:
    rules = f"rules:\n  - {{name: one, when: '{when}', do: {do}}}\n"
    files = {name: walk(5_000, seed) for name, seed in (("V", 1), ("MA", 2)) if name in when}
    gc.collect()
    gc.disable()
    try:
        backtest = play(tmp_path, rules, files, engine="columns", slice_rows=500)
        held = [one for one in gc.get_objects() if isinstance(one, Slice | Columns | Moments)]
    finally:
        gc.enable()
    assert backtest.rows_held_max
    assert not [one for one in held if len(one)]
