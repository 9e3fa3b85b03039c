"""The inbox keeps order, and under pressure what a rule could act on."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.broker.inbox import Inbox
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedUp
from rules_engine.model.tick import Tick


def _tick(name: str, value: float | None, at_s: float = 0.0, field: Field = Field.LAST) -> Tick:
    return Tick(name, at_s, field, value)


def test_everything_is_taken_once_in_order() -> None:
    inbox = Inbox()
    items = [_tick("V", 1.0), FeedUp(0.0, "V"), _tick("MA", 2.0)]
    inbox.tick(items[0])
    inbox.report(items[1])
    inbox.tick(items[2])
    assert inbox.take() == items
    assert inbox.take() == []


def test_too_many_ticks_fold_into_low_high_and_last_in_place() -> None:
    inbox = Inbox(ticks_max=6)
    for at_s, value in enumerate([5.0, 1.0, 3.0, 9.0, 4.0]):
        inbox.tick(_tick("V", value, at_s))
    inbox.report(FeedUp(0.0, "V"))
    inbox.tick(_tick("V", 6.0, 5))
    taken = inbox.take()
    assert [item.value if isinstance(item, Tick) else None for item in taken] == [1.0, 9.0, None, 6.0]
    assert inbox.folded == 3


def test_fields_and_instruments_fold_apart() -> None:
    inbox = Inbox(ticks_max=4)
    for tick in (_tick("V", 1.0), _tick("V", 2.0, field=Field.BID), _tick("MA", 3.0), _tick("V", 4.0)):
        inbox.tick(tick)
    assert len(inbox.take()) == 4


def test_price_that_went_missing_survives_folding() -> None:
    inbox = Inbox(ticks_max=5)
    for value in (2.0, 2.0, 2.0, 2.0, None):
        inbox.tick(_tick("V", value))
    assert [tick.value for tick in inbox.take() if isinstance(tick, Tick)][-1] is None
    assert inbox.folded > 0


@given(st.lists(st.tuples(st.sampled_from(["V", "MA"]), st.one_of(st.none(), st.integers(1, 9))), max_size=60))
def test_folding_keeps_order_extremes_and_the_last_of_each_instrument(raw: list[tuple[str, int | None]]) -> None:
    inbox = Inbox(ticks_max=10)
    offered = [_tick(name, None if value is None else float(value), at_s) for at_s, (name, value) in enumerate(raw)]
    for tick in offered:
        inbox.tick(tick)
    taken = [item for item in inbox.take() if isinstance(item, Tick)]
    assert [tick.time_s for tick in taken] == sorted(tick.time_s for tick in taken)
    assert len(taken) + inbox.folded == len(offered)
    assert len(taken) <= 20
    for name in ("V", "MA"):
        before = [tick.value for tick in offered if tick.instrument == name]
        after = [tick.value for tick in taken if tick.instrument == name]
        assert after[-1:] == before[-1:]
        known = [value for value in before if value is not None]
        if known:
            kept = [value for value in after if value is not None]
            assert (min(kept), max(kept), kept[-1]) == (min(known), max(known), known[-1])


def test_report_is_refused_when_nobody_takes_them() -> None:
    inbox = Inbox(reports_max=2)
    assert inbox.report(FeedUp(0.0))
    inbox.tick(_tick("V", 1.0))
    assert inbox.report(FeedUp(0.0))
    assert not inbox.report(FeedUp(0.0))
    inbox.take()
    assert inbox.report(FeedUp(0.0))


async def test_waiting_ends_when_something_arrives() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.tick(_tick("V", 1.0))
    async with asyncio.timeout(1):
        await waiting
    inbox.take()
    again = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
