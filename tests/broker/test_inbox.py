"""The inbox keeps order, and under pressure what a rule could act on."""

import asyncio
import weakref
from decimal import Decimal
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.broker.inbox import Inbox, Item
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown, FeedUp, PositionReport
from rules_engine.model.tick import Tick
from tests.broker.conftest import DEADLINE_S


def _tick(name: str, value: float | None, at_s: float = 0.0, field: Field = Field.LAST) -> Tick:
    return Tick(name, at_s, field, value)


def test_everything_is_taken_once_in_order() -> None:
    inbox = Inbox()
    first, report, then = _tick("V", 1.0), FeedUp(0.0, "V"), _tick("MA", 2.0)
    inbox.tick(first)
    inbox.report(report)
    inbox.tick(then)
    assert list(inbox.take()) == [first, report, then]
    assert list(inbox.take()) == []


def _offer(inbox: Inbox, *values: float | None) -> None:
    for value in values:
        inbox.tick(_tick("V", value))


def _until_folded(inbox: Inbox) -> list[Item]:
    """What waits when as many more have come as it takes, and these left out."""
    while not inbox.folded:
        inbox.tick(_tick("MORE", 1.0))
    return [item for item in inbox.take() if not (isinstance(item, Tick) and item.instrument == "MORE")]


def _values(items: list[Item]) -> list[float | None]:
    return [item.value if isinstance(item, Tick) else None for item in items]


def test_too_many_ticks_fold_into_turning_points_in_place_behind_the_oldest_third() -> None:
    inbox = Inbox(ticks_max=12)
    _offer(inbox, 5.0, 5.0, 5.0, 5.0, 5.0, 2.0, 4.0, 4.0, 6.0)
    inbox.report(PositionReport("V", 0, Decimal(1), Decimal(1)))
    _offer(inbox, 8.0, 9.0, 3.0)
    assert _values(_until_folded(inbox)) == [5.0, 5.0, 5.0, 5.0, 5.0, 2.0, None, 9.0, 3.0]
    assert inbox.folded == 4
    assert [inbox.take_folded(), inbox.take_folded()] == [frozenset({"V"}), frozenset()]


def test_where_that_is_not_enough_low_high_and_last_stay() -> None:
    inbox = Inbox(ticks_max=9)
    _offer(inbox, 5.0, 6.0, 5.0, 6.0, 5.0, 1.0, 9.0, 2.0, 6.0)
    assert _values(_until_folded(inbox)) == [5.0, 6.0, 5.0, 6.0, 1.0, 9.0, 6.0]


def test_what_is_folded_leaves_its_size_to_the_next_that_stays() -> None:
    inbox = Inbox(ticks_max=9)
    _offer(inbox, 1.0, 1.0, 1.0, 1.0)
    for value, size in ((1.0, 1.0), (2.0, 2.0), (3.0, 4.0), (4.0, 8.0), (4.0, 16.0)):
        inbox.tick(Tick("V", 0.0, Field.LAST, value, size))
    assert [(item.value, item.size) for item in _until_folded(inbox)[4:] if isinstance(item, Tick)] == [
        (1.0, 1.0),
        (4.0, 14.0),
        (4.0, 16.0),
    ]


def test_what_a_lost_feed_ends_does_not_run_into_what_it_begins() -> None:
    inbox = Inbox(ticks_max=12)
    _offer(inbox, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0)
    inbox.report(FeedDown(0.0, "V"))
    _offer(inbox, 4.0, 5.0, 5.5, 6.0)
    assert _values(_until_folded(inbox))[5:] == [1.0, 3.0, None, 4.0, 6.0]


def test_a_part_is_taken_in_order_and_the_rest_is_kept_and_counted() -> None:
    inbox = Inbox(ticks_max=4)
    ticks = [_tick("V", float(value)) for value in (1, 3, 2, 4, 1)]
    for tick in ticks[:3]:
        inbox.tick(tick)
    assert (list(islice(inbox.take(), 2)), len(inbox)) == (ticks[:2], 1)
    for tick in ticks[3:]:
        inbox.tick(tick)
    assert list(islice(inbox.take(), 2)) == ticks[2:4]
    assert (list(inbox.take()), len(inbox), inbox.folded) == (ticks[4:], 0, 0)


class Price(float):
    """One that can be watched."""


def test_what_was_taken_is_let_go_though_there_is_always_something_left() -> None:
    inbox, made = Inbox(), list[weakref.ref[Price]]()
    inbox.tick(_tick("V", Price(0.0)))
    for number in range(100):
        price = Price(number)
        made.append(weakref.ref(price))
        inbox.tick(_tick("V", price))
        del price
        next(inbox.take())
    assert sum(one() is not None for one in made) == len(inbox) == 1


def test_fields_and_instruments_fold_apart() -> None:
    inbox = Inbox(ticks_max=12)
    _offer(inbox, 5.0, 5.0, 5.0, 5.0, 5.0, 1.0, 2.0)
    inbox.tick(_tick("V", 9.0, field=Field.BID))
    _offer(inbox, 3.0)
    inbox.tick(_tick("MA", 0.5))
    _offer(inbox, 4.0, 6.0)
    assert _values(_until_folded(inbox))[5:] == [1.0, 9.0, 0.5, 6.0]


def test_price_that_went_missing_survives_folding() -> None:
    inbox = Inbox(ticks_max=9)
    _offer(inbox, *[2.0] * 8, None)
    assert _values(_until_folded(inbox))[-1] is None
    assert inbox.folded > 0


@given(st.lists(st.tuples(st.sampled_from(["V", "MA"]), st.one_of(st.none(), st.integers(1, 9))), max_size=60))
def test_folding_keeps_order_extremes_and_the_last_of_each_instrument(raw: list[tuple[str, int | None]]) -> None:
    inbox = Inbox(ticks_max=60)
    offered = [_tick(name, None if value is None else float(value), at_s) for at_s, (name, value) in enumerate(raw * 5)]
    for tick in offered:
        inbox.tick(tick)
    taken = [item for item in inbox.take() if isinstance(item, Tick)]
    assert [tick.time_s for tick in taken] == sorted(tick.time_s for tick in taken)
    assert len(taken) + inbox.folded == len(offered)
    assert len(taken) <= 120
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
    list(inbox.take())
    assert inbox.report(FeedUp(0.0))


async def test_waiting_ends_when_something_arrives() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.tick(_tick("V", 1.0))
    async with asyncio.timeout(DEADLINE_S):
        await waiting
    list(inbox.take())
    again = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


async def test_who_waits_can_be_woken_once_though_nothing_came() -> None:
    inbox = Inbox()
    inbox.wake()
    async with asyncio.timeout(DEADLINE_S):
        await inbox.wait()
    again = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
