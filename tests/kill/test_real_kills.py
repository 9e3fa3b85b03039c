"""The short form of `make kill`: a few kills of real processes over real sockets."""

import asyncio

import pytest

from tests.kill.__main__ import kill_again_and_again

SEED = 7


def test_killed_and_started_again_no_order_is_doubled_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("kill")  # Not `tmp_path`: the path of a control socket must be short.
    tally, verdict = asyncio.run(kill_again_and_again(folder, 2, SEED))
    assert verdict.broken == ()
    assert tally.total >= 2 and verdict.orders > 0 and verdict.letters > 0
