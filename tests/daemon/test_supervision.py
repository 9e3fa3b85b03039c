"""Parts that only tell and listen may fail; the order path may not."""

import asyncio
import contextlib

import pytest

from rules_engine.daemon import supervision
from rules_engine.daemon.supervision import all_cancelled, kept_going
from tests.daemon.house import DEADLINE_S, ON_FALL, House


async def test_a_failed_part_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "RESTART_S", 0.0)
    starts = 0
    thrice = asyncio.Event()

    async def part() -> None:
        nonlocal starts
        starts += 1
        if starts == 3:
            thrice.set()
        raise RuntimeError("it failed")

    task = asyncio.create_task(kept_going(part))
    await asyncio.wait_for(thrice.wait(), DEADLINE_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_part_that_fails_as_it_is_cancelled_ends_all_the_same() -> None:
    """Found on a disk with errors: the control socket could not be removed, and the engine stayed, half dead."""
    running = asyncio.Event()

    async def part() -> None:
        running.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise OSError("input/output error")

    task = asyncio.create_task(kept_going(part))
    await running.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=DEADLINE_S)
    assert task.cancelled()


async def test_a_part_that_swallows_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "CANCEL_AGAIN_S", 0.0)
    running = asyncio.Event()

    async def part() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            running.set()
            await asyncio.get_running_loop().create_future()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(part())
    await running.wait()
    async with asyncio.timeout(DEADLINE_S):
        await all_cancelled([task])
    assert task.cancelled()


async def test_a_journal_that_cannot_be_written_stops_the_engine_before_anything_is_sent(house: House) -> None:
    with pytest.raises(ExceptionGroup) as failed:
        async with house.engine(ON_FALL) as engine:
            await engine.until_state("buys-the-fall", "armed")
            engine.break_journal()
            house.quote("V", 187.0)
            await asyncio.wait_for(engine.ended(), DEADLINE_S)
    assert "journal" in str(failed.value.exceptions[0])
    assert house.orders() == []
