"""The short form of `make fuzz`."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.connections import try_connections
from tests.fuzz.reloads import try_edits
from tests.fuzz.sentences import SECONDS_MAX, memory_of, try_texts

MEMORY_MAX = 20_000_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(2))
def test_sentences_are_refused_with_a_place_or_are_what_they_say(seed: int) -> None:
    found = try_texts(500, seed)
    assert found.broken == [] and found.accepted > 0 and len(found.codes) > 5
    assert found.seconds_max < 10 * SECONDS_MAX


def test_sentences_take_little_memory() -> None:
    try_texts(100, 1)
    assert memory_of(100, 2) < MEMORY_MAX


async def test_saved_whole_or_torn_all_rules_come_into_force_or_none_and_those_that_stay_hear_every_price(
    tmp_path: Path,
) -> None:
    found = await try_edits(tmp_path, 60, seed=1)
    assert found.broken == [] and found.taken > 0 and found.refused > 0
    assert found.amid > found.edits and found.firings > 0


async def test_bytes_damaged_on_their_way_never_make_the_connection_fall_over() -> None:
    found = await try_connections(5, seed=1)
    assert found.broken == [] and found.opened > 0
