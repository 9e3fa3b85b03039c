"""The short form of W6: who fires when, never how long anything takes."""

from dataclasses import replace

import pytest

from benchmarks import w6


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_columns_streaming_and_peers_fire_alike(seed: int) -> None:
    assert w6.disagreements(replace(w6.SHORT, seed=seed)) == []
