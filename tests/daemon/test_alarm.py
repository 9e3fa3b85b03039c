"""A timer that stays set: it rings in time, once, and not after it was taken back."""

import asyncio

import pytest

from rules_engine.daemon.alarm import Alarm

AGES_S = 10_000.0


class Bell:
    """How often an alarm has rung."""

    def __init__(self) -> None:
        self.rung = 0
        self.alarm = Alarm(self._ring)

    def _ring(self) -> None:
        self.rung += 1

    async def turns(self) -> int:
        """Until what is due has been called."""
        for _ in range(5):
            await asyncio.sleep(0)
        return self.rung


@pytest.mark.parametrize(
    ("pauses_s", "rung"),
    [
        ([0.0], 1),
        ([AGES_S], 0),
        ([0.0, AGES_S], 1),
        ([AGES_S, 0.0], 1),
        ([0.0, 0.0, 0.0], 1),
        ([AGES_S, AGES_S + 1], 0),
    ],
)
async def test_it_rings_once_and_at_the_earliest_moment_that_it_was_set_for(pauses_s: list[float], rung: int) -> None:
    bell = Bell()
    for pause_s in pauses_s:
        bell.alarm.within(pause_s)
    assert await bell.turns() == rung
    bell.alarm.cancel()


async def test_after_it_has_rung_it_can_be_set_again() -> None:
    bell = Bell()
    for count in range(1, 4):
        bell.alarm.within(0.0)
        assert await bell.turns() == count


async def test_it_does_not_ring_after_it_was_taken_back() -> None:
    bell = Bell()
    bell.alarm.cancel()
    bell.alarm.within(0.0)
    bell.alarm.cancel()
    assert await bell.turns() == 0


async def test_it_leaves_one_timer_in_the_loop_however_often_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, made = asyncio.get_running_loop(), list[float]()
    call_at = loop.call_at

    def counted(at_s: float, *arguments: object, **options: object) -> asyncio.TimerHandle:
        made.append(at_s)
        return call_at(at_s, *arguments, **options)

    monkeypatch.setattr(loop, "call_at", counted)
    bell = Bell()
    for _ in range(100):
        bell.alarm.within(AGES_S)
    bell.alarm.cancel()
    assert len(made) == 1
