"""Full collections of garbage, which look through every price that waits, come when few of them do."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.daemon.collector import WAITING_MAX, FullCollections
from rules_engine.daemon.daemon import Daemon
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick
from tests.daemon.alone import Alone

RULE = (
    "version: 1\ntimezone: UTC\nrules:\n  - name: r\n    when: S crosses above 200\n    do: buy 1 MA\n    run: here\n"
)
START_S = 1_780_000_000.0
OFTEN = (50, 2, 2)


class Passing(SteppedClock):
    """Time passes with each look, so that a step hears only some of what waits."""

    def now_s(self) -> float:
        self.time_s += 0.0002
        return self.time_s


@pytest.fixture
def often() -> Iterator[None]:
    """Whatever is new is looked through whenever a little was made."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(*OFTEN)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("often")
def test_while_very_many_prices_wait_only_what_is_young_is_collected() -> None:
    seen = set[int]()
    kept = list[list[int]]()

    def note(phase: str, info: dict[str, int]) -> None:
        seen.add(info["generation"])

    def collected(waiting: int) -> set[int]:
        collections.look(waiting)
        seen.clear()
        kept.extend([] for _ in range(5_000))
        return {*seen}

    collections = FullCollections()
    gc.callbacks.append(note)
    try:
        assert collected(WAITING_MAX) == {0, 1, 2}
        assert collected(WAITING_MAX + 1) == collected(2 * WAITING_MAX) == {0, 1}
        assert collected(WAITING_MAX) == {0, 1, 2}
    finally:
        gc.callbacks.remove(note)
    assert gc.get_threshold() == OFTEN


async def more_wait(daemon: Daemon) -> None:
    """More than those at which full collections are put off; until the engine has seen them."""
    for number in range(WAITING_MAX + 15_000):
        daemon.inbox.tick(Tick("S", START_S, Field.LAST, 100.0 + number % 7, 1.0))
    while len(daemon.inbox) >= WAITING_MAX + 15_000:
        await asyncio.sleep(0)
    assert len(daemon.inbox) > WAITING_MAX


@pytest.mark.usefixtures("often")
async def test_an_engine_puts_them_off_until_it_has_heard_most_of_what_waits(tmp_path: Path) -> None:
    alone = Alone(tmp_path, Passing(START_S))
    alone.write(RULE)
    async with alone.running() as daemon:
        await more_wait(daemon)
        while len(daemon.inbox) > WAITING_MAX:
            assert gc.get_threshold() > OFTEN
            await asyncio.sleep(0)
        assert gc.get_threshold() == OFTEN


@pytest.mark.usefixtures("often")
async def test_an_engine_that_stops_meanwhile_puts_them_off_no_longer(tmp_path: Path) -> None:
    alone = Alone(tmp_path, Passing(START_S))
    alone.write(RULE)
    async with alone.running() as daemon:
        await more_wait(daemon)
        assert gc.get_threshold() > OFTEN
    assert gc.get_threshold() == OFTEN
