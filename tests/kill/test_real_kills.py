"""The short form of `make kill`: a few kills of real processes over real sockets."""

import asyncio

import pytest

from tests.kill.__main__ import kill_again_and_again
from tests.kill.points import POINTS

SEED = 11
"""Three of its four kills are at a named point."""


def test_killed_and_started_again_no_order_is_doubled_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("kill")  # Not `tmp_path`: the path of a control socket must be short.
    tally, verdicts = asyncio.run(kill_again_and_again(folder, 4, SEED, pairs=2))
    assert [verdict.broken for verdict in verdicts] == [(), ()]
    assert tally.total >= 4 and tally.points.total() > 0
    assert all(verdict.orders > 0 and verdict.letters > 0 for verdict in verdicts)


def test_every_named_point_is_a_place_in_the_program() -> None:
    assert all(callable(getattr(point.owner, point.method)) for point in POINTS.values())
