"""The kill switch: nothing new leaves, ours goes, what is not ours stays; with and without an engine."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus, OrderReport
from rules_engine.model.slices import at_once
from tests.execution.bench import Bench
from tests.execution.doubles import Placed, V, decision, draft

State = IntentState


def switch(folder: Path) -> KillSwitch:
    return KillSwitch(folder / "STOPPED")


def test_it_is_a_file_that_outlives_whoever_pulled_it(tmp_path: Path) -> None:
    assert not switch(tmp_path).is_on
    switch(tmp_path).pull()
    assert switch(tmp_path).is_on
    assert switch(tmp_path).path.stat().st_mode & 0o777 == 0o600
    assert switch(tmp_path).release()
    assert not switch(tmp_path).is_on
    assert not switch(tmp_path).release()


@pytest.mark.parametrize("keep", [True, False])
def test_it_says_whether_orders_at_ib_may_stay(tmp_path: Path, keep: bool) -> None:
    switch(tmp_path).pull(keep_orders=keep)
    assert switch(tmp_path).keeps_orders is keep


@pytest.mark.parametrize("content", [b"", b"whatever", b"\xff\xfe"])
def test_any_file_of_that_name_stops_all(tmp_path: Path, content: bytes) -> None:
    switch(tmp_path).path.write_bytes(content)
    assert (switch(tmp_path).is_on, switch(tmp_path).keeps_orders) == (True, False)


def test_a_dangling_link_a_folder_and_what_cannot_be_looked_at_count_as_on(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "link", tmp_path / "folder", tmp_path / "file" / "below"):
        assert KillSwitch(path).is_on
        assert not KillSwitch(path).keeps_orders


async def test_fifty_orders_are_on_their_way_out_before_anything_is_awaited(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    keys = [bench.record(decision(draft(quantity=100 + number), held=bool(number % 2))) for number in range(50)]
    await bench.desk.dispatch()
    foreign = bench.ib.accept(Placed(777, draft(), "not ours", "DU1", "", 0, True))
    bench.desk.on_report(foreign)
    marked = bench.desk.stop_trading()
    assert sorted(intent.key for intent in marked) == sorted(keys)
    assert sorted(bench.ib.cancels) == sorted(placed.order_id for placed in bench.ib.wire)
    assert 777 not in bench.ib.cancels
    assert bench.desk.stop_trading() == []
    await bench.desk.step()
    assert len(bench.ib.cancels) == 50
    assert link.asked == 1


async def test_cancellations_do_not_wait_for_the_acknowledgement_of_an_order_under_way(bench: Bench) -> None:
    link, on_the_wire = bench.accepting(await bench.connect()), asyncio.Event()
    first = bench.record()
    await bench.desk.dispatch()
    link.on_place = lambda placed: on_the_wire.set()
    second = bench.record(decision(draft(instrument=V)))
    sending = asyncio.create_task(bench.desk.dispatch())
    await asyncio.wait_for(on_the_wire.wait(), 30)
    bench.stopped = True
    bench.desk.stop_trading()
    assert bench.ib.cancels == [bench.intent(first).order_id]
    bench.desk.on_report(bench.ib.accept(bench.ib.wire[1]))
    await asyncio.wait_for(sending, 30)
    assert bench.ib.cancels == [bench.intent(first).order_id, bench.intent(second).order_id]


async def test_an_order_that_was_pulled_while_it_was_being_sent_is_found_first_and_then_cancelled(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.SENDING
    bench.stopped = True
    bench.desk.stop_trading()
    assert bench.ib.cancels == [], "IB has confirmed no number of ours yet"
    bench.desk.on_report(bench.ib.accept(bench.ib.wire[0]))
    await bench.desk.step()
    assert bench.ib.cancels == [bench.intent(key).order_id]


async def test_the_exits_of_an_entry_that_fills_before_its_cancellation_go_at_once_whatever_is_under_way(
    bench: Bench,
) -> None:
    bench.accepting(await bench.connect())
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380), parent=0)
    bench.record(decision(draft(), stop))
    await bench.desk.dispatch()
    entry, exit_ = bench.ib.wire
    bench.stopped = True
    bench.desk.stop_trading()
    assert bench.ib.cancels == [entry.order_id], "IB cancels the exit with its entry"
    async with bench.desk._dispatcher.flight:
        bench.desk.on_report(bench.ib.fill(entry.key, "100", "400"))
        assert bench.ib.cancels == [entry.order_id, exit_.order_id]


async def test_what_works_again_while_very_many_are_being_cancelled_is_cancelled_too(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    filled = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390))))
    for number in range(60):
        bench.record(decision(draft(quantity=200 + number), rule="other"))
    await bench.desk.dispatch()
    larger = replace(bench.ib.orders[filled], remaining=Decimal(200), filled=Decimal(100))
    bench.desk.on_report(bench.ib.fill(filled, "100", "390"))
    bench.stopped = bool(bench.journal.want_cancelled(CancelOrders(rule="other")))
    stopping = bench.desk.stopping_trading()
    next(stopping)
    assert len(bench.ib.cancels) == 50
    bench.desk.on_report(larger)
    at_once(stopping)
    assert sorted(bench.ib.cancels) == sorted(placed.order_id for placed in bench.ib.wire)


async def test_a_leg_that_ib_shows_is_cancelled_at_once_although_the_other_one_is_still_unanswered(
    bench: Bench,
) -> None:
    link, on_the_wire = await bench.connect(), asyncio.Event()
    link.on_place = lambda placed: on_the_wire.set()
    bench.record(decision(draft(), draft(instrument=V)))
    sending = asyncio.create_task(bench.desk.dispatch())
    await asyncio.wait_for(on_the_wire.wait(), 30)
    bench.stopped = True
    bench.desk.stop_trading()
    assert bench.ib.cancels == []
    first, second = bench.ib.wire
    for placed in (first, second):
        bench.desk.on_report(bench.ib.accept(placed))
        assert bench.ib.cancels[-1] == placed.order_id
    assert len(bench.ib.cancels) == 2
    await sending


@pytest.mark.parametrize("keep_orders", [False, True])
async def test_what_was_still_to_be_sent_never_leaves_although_the_switch_is_lifted(
    bench: Bench, keep_orders: bool
) -> None:
    key = bench.record()
    bench.stopped = True
    bench.desk.stop_trading(keep_orders=keep_orders)
    bench.stopped = False
    bench.accepting(await bench.connect())
    await bench.desk.step()
    assert (bench.state(key), bench.ib.wire) == (State.CANCELLED, [])
    later = bench.record(decision(draft(instrument=V)))
    await bench.desk.step()
    assert [placed.key for placed in bench.ib.wire] == [later]


async def test_pulled_between_probe_and_wire_nothing_leaves(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())

    async def pulled_meanwhile(deadline_s: float = 1.0) -> None:
        bench.stopped = True

    link.probe = pulled_meanwhile  # type: ignore[method-assign]  # Somebody stops the engine just then.
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])
    assert Reason.STOPPED in bench.texts()[0]


async def test_what_was_to_be_cancelled_is_cancelled_after_a_restart(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.detach()
    bench.desk.stop_trading()
    bench.restart()
    bench.stopped = True
    await bench.connect()
    assert bench.desk.waiting_for == Reason.STOPPED
    await bench.desk.step()
    assert bench.ib.cancels == [bench.intent(key).order_id]
    bench.desk.on_report(bench.ib.end(key))
    assert bench.state(key) is State.CANCELLED


async def test_a_number_that_ib_has_given_to_another_order_is_not_cancelled(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    number = bench.intent(key).order_id
    assert number is not None
    bench.restart()
    foreign = Placed(number, draft(), "not ours", "DU1", "", 0, True)
    bench.ib.accept(foreign)
    await bench.connect()
    bench.desk.stop_trading()
    await bench.later(61)
    assert (bench.state(key), bench.ib.cancels) == (State.UNKNOWN, [])


async def ended(bench: Bench, ending: BrokerStatus) -> tuple[str, OrderReport]:
    """An order that IB said was over, and the order as it was before."""
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    alive = bench.ib.orders[key]
    bench.desk.on_report(bench.ib.end(key, ending))
    await bench.desk.reconcile()
    assert bench.state(key).is_over
    del bench.ib.completed[key]
    return key, alive


@pytest.mark.parametrize("ending", [BrokerStatus.CANCELLED, BrokerStatus.INACTIVE])
@pytest.mark.parametrize("restarts", [False, True])
async def test_an_order_that_comes_back_to_life_is_cancelled_until_ib_lets_it_go_and_told(
    bench: Bench, ending: BrokerStatus, restarts: bool
) -> None:
    key, alive = await ended(bench, ending)
    bench.clock.time_s += 1
    bench.stopped = True
    if restarts:
        bench.restart()
    assert bench.desk.stop_trading() == []
    bench.ib.orders[key] = alive
    if restarts:
        await bench.connect()
    else:
        bench.desk.on_report(alive)
        assert bench.ib.cancels == [], "the report may only be late"
        await bench.later(0)
    assert bench.ib.cancels == [alive.order_id]
    assert any("cancelling buy 100 MA at market day, which works again" in text for text in bench.texts())
    bench.desk.on_report(alive)
    assert len(bench.ib.cancels) == 1, "the first is on its way"
    await bench.later(11)
    assert bench.ib.cancels == [alive.order_id] * 2
    bench.desk.on_report(bench.ib.end(key))
    for _ in range(10):
        await bench.later(60)
    assert len(bench.ib.cancels) == 2


async def test_a_late_report_of_an_order_that_is_over_cancels_nothing(bench: Bench) -> None:
    _, alive = await ended(bench, BrokerStatus.CANCELLED)
    bench.clock.time_s += 1
    bench.stopped = True
    bench.desk.stop_trading()
    bench.desk.on_report(alive)
    for _ in range(3):
        await bench.later(60)
    assert (bench.ib.cancels, bench.told("desk")) == ([], [])


async def test_what_another_client_holds_alive_is_not_cancelled_by_a_number_that_means_another_order(
    bench: Bench,
) -> None:
    key, alive = await ended(bench, BrokerStatus.CANCELLED)
    bench.clock.time_s += 1
    bench.stopped = True
    bench.desk.stop_trading()
    bench.ib.orders[key] = replace(alive, client_id=18)
    await bench.desk.reconcile()
    assert bench.ib.cancels == []
    assert any("alive although it was cancelled" in text for text in bench.texts())


async def test_without_the_switch_an_order_that_comes_back_to_life_is_only_told(bench: Bench) -> None:
    key, alive = await ended(bench, BrokerStatus.CANCELLED)
    bench.clock.time_s += 1
    bench.ib.orders[key] = alive
    await bench.desk.reconcile()
    assert (bench.ib.cancels, bench.told("desk")) == ([], [NoticeKind.ALARM])
    bench.stopped = True
    assert [intent.key for intent in bench.desk.stop_trading()] == [key]
    assert bench.ib.cancels == [alive.order_id]


@pytest.mark.parametrize("keep", [False, True])
def test_where_the_folder_takes_no_file_it_is_on_for_who_pulled_it(tmp_path: Path, keep: bool) -> None:
    switch = KillSwitch(tmp_path / "gone" / "STOPPED")
    with pytest.raises(OSError):
        switch.pull(keep_orders=keep)
    assert (switch.is_on, switch.keeps_orders) == (True, keep)
    assert not KillSwitch(switch.path).is_on
    assert (switch.release(), switch.is_on, switch.release()) == (True, False, False)
    switch.path.parent.mkdir()
    switch.pull(keep_orders=keep)
    switch.path.unlink()
    assert not switch.is_on, "a file that was written is all there is to it"
