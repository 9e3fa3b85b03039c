"""Intents to orders: what leaves, when, in which form, and what does not leave."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.database import Row, Value
from rules_engine.model.action import Remaining, Side
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus, LinkChange, OrderError
from rules_engine.model.settings import Mode
from tests.execution.bench import SETTINGS, UNPACED, Bench, limits
from tests.execution.doubles import MA, NOW_S, FakeLink, Placed, V, decision, draft

State = IntentState


async def test_a_committed_intent_leaves_once_with_its_key_as_reference(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    await bench.desk.dispatch()
    assert [(placed.key, placed.account, placed.transmit) for placed in bench.ib.wire] == [(key, "DU1", True)]
    assert bench.state(key) is State.WORKING
    assert bench.intent(key).perm_id == 9001


async def test_sending_is_on_disk_with_its_number_before_the_first_byte(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    seen = []

    def look(placed: Placed) -> None:
        assert not bench.journal.in_transaction
        intent = bench.intent(key)
        seen.append((intent.state, intent.order_id, intent.gateway_mark, bench.journal.order_id_high_water))

    link.before_place = look
    bench.accepting(link)
    await bench.desk.dispatch()
    [placed] = bench.ib.wire
    assert seen == [(State.SENDING, placed.order_id, link.mark, placed.order_id)]


async def test_order_numbers_only_ever_rise_even_when_ib_counts_back(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.record()
    await bench.desk.dispatch()
    bench.ib.next_id = 1
    bench.restart()
    bench.accepting(await bench.connect())
    bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    first, second = bench.ib.wire
    assert second.order_id > first.order_id


async def test_a_fill_is_told_once_with_its_price(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fill = bench.ib.fill(key, "100", "401.25")
    for _ in range(3):
        bench.desk.on_report(fill)
    bench.desk.on_report(bench.ib.completed[key])
    assert bench.state(key) is State.FILLED
    assert bench.texts() == ["r: bought 100 MA at 401.25"]
    assert bench.ears.kinds() == [NoticeKind.PLACED, NoticeKind.FILLED]
    [end] = bench.ears.ends
    assert (end.rule, end.seq, end.state, end.used, end.held) == ("r", 1, State.FILLED, True, False)


async def test_fills_that_complete_the_order_within_moments_are_one_message(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "60", "400"))
    assert (bench.state(key), bench.told(), bench.ears.ends) == (State.PARTIAL, [], [])
    bench.desk.on_report(bench.ib.fill(key, "40", "405"))
    await bench.later(60)
    assert bench.texts() == ["r: bought 100 MA at 402"]


async def test_what_has_filled_so_far_is_told_as_it_happens_and_never_as_a_flood(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    for _ in range(3):
        bench.desk.on_report(bench.ib.fill(key, "10", "400"))
        await bench.later(1)
    assert bench.texts() == [] and bench.desk.due_s() <= bench.clock.now_s() + 2
    await bench.later(2)
    assert bench.texts() == ["r: bought 30 of 100 MA at 400 so far"]
    for _ in range(20):
        bench.desk.on_report(bench.ib.fill(key, "3", "400"))
        await bench.later(1)
    assert len(bench.texts()) == 1
    await bench.later(41)
    assert bench.texts()[1:] == ["r: bought 90 of 100 MA at 400 so far"]
    await bench.later(600)
    assert len(bench.texts()) == 2, "nothing more has filled"
    bench.desk.on_report(bench.ib.end(key))
    await bench.later(600)
    assert bench.told() == [NoticeKind.PARTLY_FILLED, NoticeKind.PARTLY_FILLED, NoticeKind.CANCELLED]
    assert "bought 90 of 100 MA at 400" in bench.texts()[2]


@pytest.mark.parametrize("told_before", [False, True])
async def test_a_crash_neither_loses_nor_repeats_what_has_filled_so_far(bench: Bench, told_before: bool) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "60", "400"))
    if told_before:
        await bench.later(5)
    bench.restart()
    await bench.connect()
    await bench.later(5)
    await bench.later(60)
    assert bench.texts() == ["r: bought 60 of 100 MA at 400 so far"]


async def test_a_correction_replaces_the_fill_and_is_told(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "100", "401", exec_id="0000e.7.01"))
    corrected = replace(bench.ib.executions[0], exec_id="0000e.7.02", price=Decimal(402))
    for _ in range(2):
        bench.desk.on_report(corrected)
    bench.desk.on_report(bench.ib.executions[0])
    assert (bench.intent(key).filled, bench.intent(key).average_price) == (100, 402)
    assert bench.told() == [NoticeKind.FILLED, NoticeKind.ALARM]


async def test_dry_sends_nothing_in_any_later_mode(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, mode=Mode.DRY))
    key = bench.record()
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert bench.desk.waiting_for == "the mode is dry"
    for settings in (SETTINGS, replace(SETTINGS, mode=Mode.LIVE, account="U1")):
        bench.settings = settings
        bench.restart()
        bench.accepting(await bench.connect())
        await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(key) is State.DRY


@pytest.mark.parametrize(
    "traits", [{"accounts": ("U1",)}, {"accounts": ("DU1", "U2"), "port": 7496}, {"accounts": ("DU9",)}]
)
async def test_the_wrong_account_holds_back_and_says_so(bench: Bench, traits: dict[str, object]) -> None:
    bench.accepting(await bench.connect(**traits))
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])
    assert bench.told() == [NoticeKind.HELD_BACK]
    assert Reason.WRONG_ACCOUNT in bench.texts()[0]


async def test_live_sends_only_with_the_flag(tmp_path: Path) -> None:
    settings = replace(SETTINGS, mode=Mode.LIVE, account="U1")
    for flag, state in ((False, State.BLOCKED), (True, State.WORKING)):
        bench = Bench(tmp_path / str(flag), settings, live_flag=flag)
        bench.accepting(await bench.connect(accounts=("U1",), port=7496))
        key = bench.record()
        await bench.desk.dispatch()
        assert bench.state(key) is state


async def test_a_limit_at_the_moment_of_sending_blocks_and_does_not_use_up_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_order_quantity=99.0))
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])
    assert "max_order_quantity is 99" in bench.texts()[0]
    [end] = bench.ears.ends
    assert (end.state, end.used) == (State.BLOCKED, False)


async def test_what_is_reserved_by_one_firing_counts_against_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_position_value=100_000.0))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(draft(quantity=Decimal(100 + number)))) for number in range(5)]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING] * 2 + [State.BLOCKED] * 3


async def test_the_same_order_from_another_firing_is_held_back_for_a_minute(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(rule="a")), bench.record(decision(rule="b"))]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING, State.BLOCKED]
    await bench.later(60)
    third = bench.record(decision(rule="b"))
    await bench.desk.dispatch()
    assert bench.state(third) is State.WORKING


async def test_nothing_leaves_without_a_connection_or_before_it_is_reconciled(bench: Bench) -> None:
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.desk.waiting_for == Reason.LINK_DOWN
    bench.desk.attach(bench.accepting(FakeLink(bench.ib)))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.INTENT, [])
    await bench.desk.step()
    assert bench.state(key) is State.WORKING


async def test_incomplete_evidence_sends_nothing_until_a_later_round_is_complete(bench: Bench) -> None:
    link = bench.accepting(await bench.connect(complete=False))
    key = bench.record()
    await bench.desk.step()
    assert (bench.state(key), bench.ib.wire) == (State.INTENT, [])
    assert "reqCompletedOrders" in bench.desk.waiting_for
    link.complete = True
    await bench.later(0.1)
    assert bench.ib.wire == [], "the next round is not due yet"
    await bench.later(2)
    assert bench.state(key) is State.WORKING


async def test_unanswered_rounds_come_ever_more_slowly(bench: Bench) -> None:
    link = await bench.connect(complete=False)
    pauses = []
    for _ in range(8):
        pauses.append(bench.desk.due_s() - bench.clock.now_s())
        await bench.later(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert link.asked == 9


async def test_a_probe_without_answer_sends_nothing_and_asks_for_evidence_first(bench: Bench) -> None:
    link = bench.accepting(await bench.connect(answers=False))
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.INTENT, [])
    assert "no answer" in bench.desk.waiting_for
    link.answers = True
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    await bench.later(1)
    assert bench.state(key) is State.WORKING


async def test_messages_waiting_in_the_client_s_queue_hold_the_next_order(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    link.clear = False
    key = bench.record()
    await bench.desk.step()
    assert bench.ib.wire == []
    assert bench.desk.due_s() - bench.clock.now_s() < 1
    link.clear = True
    await bench.desk.step()
    assert bench.state(key) is State.WORKING


async def test_a_degraded_link_sends_nothing_and_reconciles_when_it_is_back(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    bench.desk.on_report(LinkChange(NOW_S, "degraded", 1100, "Connectivity between IB and TWS has been lost"))
    key = bench.record()
    await bench.later(300)
    assert (bench.ib.wire, link.asked) == ([], 1)
    assert "Connectivity" in bench.desk.waiting_for
    bench.desk.on_report(LinkChange(NOW_S, "up", 1102))
    await bench.desk.step()
    assert link.asked == 2
    assert bench.state(key) is State.WORKING


async def test_evidence_gathered_while_the_link_breaks_proves_nothing(bench: Bench) -> None:
    link = bench.accepting(FakeLink(bench.ib))
    link.on_evidence = lambda: bench.desk.on_report(LinkChange(NOW_S, "degraded", 1100))
    bench.desk.attach(link)
    assert await bench.desk.reconcile() is None
    link.on_evidence = lambda: bench.desk.attach(FakeLink(bench.ib))
    bench.desk.on_report(LinkChange(NOW_S, "up", 1102))
    assert await bench.desk.reconcile() is None
    bench.record()
    await bench.desk.dispatch()
    assert bench.ib.wire == []


async def test_an_intent_that_waited_too_long_expires_and_is_told(bench: Bench) -> None:
    key = bench.record(decision(expires_s=NOW_S + 60))
    assert bench.desk.due_s() == NOW_S + 60
    await bench.later(60)
    assert bench.state(key) is State.EXPIRED
    assert bench.texts() == ["r: not sent: buy 100 MA at market day. Its time to be sent ran out: IB is not connected."]
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert [end.used for end in bench.ears.ends] == [False]


async def test_an_intent_whose_time_runs_out_during_the_probe_does_not_leave(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())

    async def slow(deadline_s: float = 1.0) -> None:
        bench.clock.time_s += 1

    link.probe = slow  # type: ignore[method-assign]  # A probe that takes its time.
    key = bench.record(decision(expires_s=NOW_S + 1))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.EXPIRED, [])


async def test_the_kill_switch_blocks_what_was_not_sent(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.stopped = True
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])


async def test_units_leave_one_at_a_time(bench: Bench) -> None:
    link, on_the_wire = await bench.connect(), asyncio.Event()
    link.on_place = lambda placed: on_the_wire.set()
    first, second = bench.record(), bench.record(decision(draft(instrument=V)))
    sending = asyncio.create_task(bench.desk.dispatch())
    await asyncio.wait_for(on_the_wire.wait(), 5)
    assert [placed.key for placed in bench.ib.wire] == [first]
    assert bench.state(second) is State.INTENT
    bench.accepting(link)
    bench.desk.on_report(bench.ib.accept(bench.ib.wire[0]))
    await asyncio.wait_for(sending, 5)
    assert [placed.key for placed in bench.ib.wire] == [first, second]


async def test_a_bracket_goes_out_as_one_family_whose_last_leg_transmits(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    profit = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=1)
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=1)
    bench.record(decision(draft(instrument=V), draft(), profit, stop))
    await bench.desk.dispatch()
    alone, entry, *children = bench.ib.wire
    assert [placed.transmit for placed in bench.ib.wire] == [True, False, False, True]
    assert (alone.parent_id, entry.parent_id) == (0, 0)
    assert [child.parent_id for child in children] == [entry.order_id] * 2
    assert len({placed.key for placed in bench.ib.wire}) == 4


async def test_the_name_of_a_group_is_its_firing_s_own(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    legs = [draft(quantity=Decimal(count), group="g0", remaining=Remaining.CANCEL) for count in (1, 2)]
    keys = [bench.record(decision(*legs)), bench.record(decision(*[replace(leg, instrument=V) for leg in legs]))]
    await bench.desk.dispatch()
    names = [placed.group for placed in bench.ib.wire]
    assert names[0] == names[1] != names[2] == names[3]
    assert names[0] == keys[0].removesuffix(".0") + ".g0"
    assert all(placed.transmit for placed in bench.ib.wire)


async def test_a_rejection_is_told_once_and_does_not_use_up_once(bench: Bench) -> None:
    link = await bench.connect()

    def reject(placed: Placed) -> None:
        for _ in range(2):
            bench.desk.on_report(OrderError(placed.order_id, 201, "Order rejected - reason: no margin"))

    link.on_place = reject
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.REJECTED
    assert bench.texts() == ["r: IB rejected: buy 100 MA at market day. Order rejected - reason: no margin"]
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.REJECTED, False)]
    assert link.asked == 1


@pytest.mark.parametrize("code", [10349, 399, 404, 161, 10147, 10148, 110, 103, 321, 329, 322, 202, 203, 4242])
async def test_an_error_on_an_order_that_lives_leaves_it_alive(bench: Bench, code: int) -> None:
    link = bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(OrderError(bench.ib.wire[0].order_id, code, "something"))
    await bench.desk.step()
    assert bench.state(key) is State.WORKING
    assert bench.ears.ends == []
    assert link.asked == (1 if code in (10349, 399, 404) else 2), "doubt means asking"


REFUSALS = {203: State.REJECTED, 110: State.REJECTED, 202: State.CANCELLED}


async def refused_with(bench: Bench, code: int) -> tuple[FakeLink, str]:
    """IB answers a new order with this error, and shows it nowhere."""
    link = await bench.connect()
    link.on_place = lambda placed: bench.desk.on_report(OrderError(placed.order_id, code, "bF : cause - no"))
    key = bench.record()
    await bench.desk.dispatch()
    return link, key


@pytest.mark.parametrize(("code", "state"), REFUSALS.items())
async def test_a_refusal_ends_a_new_order_once_ib_has_shown_no_trace_of_it_for_a_while(
    bench: Bench, code: int, state: IntentState
) -> None:
    link, key = await refused_with(bench, code)
    assert (link.asked, bench.state(key), bench.ears.ends) == (2, State.SENDING, [])
    await bench.later(14)
    assert (link.asked, bench.state(key)) == (2, State.SENDING), "one absence proves nothing"
    await bench.later(1)
    assert link.asked == 3
    assert (bench.state(key), bench.intent(key).reason) == (state, f"bF : cause - no ({code})")


@pytest.mark.parametrize("code", REFUSALS)
async def test_an_answer_that_is_not_complete_ends_no_refused_order(bench: Bench, code: int) -> None:
    link, key = await refused_with(bench, code)
    link.complete = False
    for _ in range(3):
        await bench.later(31)
    assert bench.state(key) is State.SENDING
    link.complete = True
    await bench.later(31)
    assert bench.state(key) is REFUSALS[code]


@pytest.mark.parametrize("code", [*REFUSALS, 321, 320])
async def test_an_error_on_an_order_that_ib_only_holds_back_ends_nothing(bench: Bench, code: int) -> None:
    _, key = await refused_with(bench, code)
    bench.ib.accept(bench.ib.wire[0])
    for _ in range(3):
        await bench.later(16)
    assert bench.state(key) is State.WORKING
    assert (bench.told("desk"), bench.ears.ends, len(bench.ib.wire)) == ([], [], 1)


@pytest.mark.parametrize("late_s", [16, 31, 400])
@pytest.mark.parametrize("code", [321, 320])
async def test_an_error_that_may_name_a_living_order_leaves_it_unknown_until_ib_shows_it(
    bench: Bench, code: int, late_s: int
) -> None:
    _, key = await refused_with(bench, code)
    await bench.later(15)
    assert (bench.state(key), bench.ears.ends) == (State.UNKNOWN, [])
    assert set(bench.told("desk")) == {NoticeKind.UNKNOWN_ORDER}
    assert f"IB answered: bF : cause - no ({code})" in bench.texts("desk")[0]
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(late_s)
    await bench.later(61)
    assert bench.state(key) is State.WORKING
    assert NoticeKind.ALARM not in bench.told("desk")


async def test_what_ib_answered_to_a_lost_order_outlives_a_crash(bench: Bench) -> None:
    _, key = await refused_with(bench, 203)
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert bench.state(key) is State.UNKNOWN, "the error was heard on another connection"
    assert "bF : cause - no (203)" in bench.texts("desk")[0]


async def test_a_refused_order_holds_up_no_other(bench: Bench) -> None:
    link, key = await refused_with(bench, 203)
    bench.accepting(link)
    other = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.state(other), link.asked) == (State.SENDING, State.WORKING, 2)


async def test_a_duplicate_number_is_never_answered_with_a_new_one(bench: Bench) -> None:
    link = await bench.connect()
    link.on_place = lambda placed: bench.desk.on_report(OrderError(placed.order_id, 103, "Duplicate order id"))
    key = bench.record()
    await bench.desk.dispatch()
    for _ in range(3):
        await bench.later(61)
    assert bench.state(key) is State.UNKNOWN
    assert len(bench.ib.wire) == 1


async def test_a_fill_after_cancelled_counts_and_is_told(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record(decision(held=True))
    await bench.desk.dispatch()
    order = bench.ib.orders[key]
    bench.desk.on_report(replace(order, status=BrokerStatus.CANCELLED))
    assert (bench.state(key), bench.told()) == (State.CANCELLED, [NoticeKind.CANCELLED])
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert (bench.state(key), bench.told()) == (State.FILLED, [NoticeKind.CANCELLED, NoticeKind.FILLED])
    assert "although IB had reported the order cancelled" in bench.texts()[1]
    assert [(end.state, end.used) for end in bench.ears.ends][-1] == (State.FILLED, True)


async def test_a_link_that_breaks_in_the_middle_of_a_unit_leaves_it_to_the_evidence(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())

    def fail(placed: Placed) -> None:
        if placed.draft.instrument == V:
            raise LinkDown("broken pipe")

    link.before_place = fail
    bench.record(decision(draft(), draft(instrument=V)))
    await bench.desk.dispatch()
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.WORKING, State.SENDING]
    assert bench.desk.waiting_for == "broken pipe"


async def test_reports_on_foreign_orders_are_none_of_our_business(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    foreign = bench.ib.accept(Placed(77, draft(), "my own order", "DU1", "", 0, True))
    bench.desk.on_report(foreign)
    bench.desk.on_report(bench.ib.fill("my own order", "100", "1"))
    bench.desk.on_report(OrderError(77, 201, "rejected"))
    bench.desk.cancel_ours(instrument=draft().instrument)
    await bench.desk.reconcile()
    await bench.desk.dispatch()
    assert (bench.told(), bench.told("desk"), bench.ib.cancels, link.asked) == ([], [], [], 2)


async def test_serve_sends_what_is_recorded_while_it_runs(bench: Bench) -> None:
    link, working = FakeLink(bench.ib), asyncio.Event()

    def accept(placed: Placed) -> None:
        bench.desk.on_report(bench.ib.accept(placed))
        working.set()

    link.on_place = accept
    serving = asyncio.create_task(bench.desk.serve())
    keys = []
    for instrument in (MA, V):
        keys.append(bench.record(decision(draft(instrument=instrument))))
        if instrument == MA:
            bench.desk.attach(link)
        bench.desk.wake()
        await asyncio.wait_for(working.wait(), 5)
        working.clear()
    assert [bench.state(key) for key in keys] == [State.WORKING] * 2
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 5)


async def test_an_order_without_a_price_to_check_it_waits_for_one_and_lets_others_go_first(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.market.quotes["MA"] = None
    key, other = bench.record(), bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.state(other)) == (State.INTENT, State.WORKING)
    assert bench.desk.due_s() - bench.clock.now_s() < 1
    await bench.later(29)
    del bench.market.quotes["MA"]
    await bench.desk.step()
    assert bench.state(key) is State.WORKING


async def test_an_order_that_gets_no_price_in_time_is_held_back_and_told(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.market.quotes["MA"] = None
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(30)
    assert bench.state(key) is State.BLOCKED
    assert Reason.NO_PRICE in bench.texts()[0]
    assert bench.desk.due_s() - bench.clock.now_s() > 1


async def test_the_wait_for_a_price_begins_with_the_connection_and_ends_with_the_time_to_send(bench: Bench) -> None:
    bench.market.quotes["MA"] = None
    key, short = bench.record(), bench.record(decision(draft(quantity=5), expires_s=NOW_S + 110))
    await bench.later(100)
    bench.accepting(await bench.connect())
    await bench.later(11)
    assert (bench.state(key), bench.state(short)) == (State.INTENT, State.EXPIRED)
    bench.stopped = True
    await bench.desk.step()
    assert bench.state(key) is State.BLOCKED


async def test_orders_beyond_what_a_second_allows_wait_and_leave_in_turn(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_orders_per_second=2))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(draft(quantity=Decimal(number)))) for number in range(1, 6)]
    await bench.desk.dispatch()
    assert len(bench.ib.wire) == 2
    assert bench.desk.due_s() == NOW_S + 1
    bench.restart()
    bench.accepting(await bench.connect())
    await bench.later(0.5)
    assert len(bench.ib.wire) == 2, "a new start is no new second"
    for already in (4, 5):
        await bench.later(1)
        assert len(bench.ib.wire) == already
    assert [placed.key for placed in bench.ib.wire] == keys


async def test_a_unit_larger_than_a_second_s_allowance_leaves_whole_after_a_quiet_second(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_orders_per_second=2))
    bench.accepting(await bench.connect())
    bench.record()
    bench.record(decision(*[draft(quantity=Decimal(number), instrument=V) for number in (1, 2, 3)]))
    await bench.desk.dispatch()
    assert len(bench.ib.wire) == 1
    await bench.later(1)
    assert len(bench.ib.wire) == 4


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"limits": UNPACED, "mode": Mode.LIVE}, ("the account is not of the kind that the mode names", "")),
        (
            {"limits": replace(UNPACED, max_order_quantity=Decimal(1))},
            ("a limit would be exceeded", "max_order_quantity"),
        ),
        ({"limits": replace(UNPACED, instruments=frozenset())}, ("a limit would be exceeded", "limits.instruments")),
    ],
)
async def test_what_is_refused_at_the_moment_of_sending_is_named_and_counted(
    tmp_path: Path, changes: dict[str, object], expected: tuple[str, str]
) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, **changes))  # type: ignore[arg-type]  # Fields by name.
    await bench.connect()
    for number in range(3):
        bench.record(decision(draft(quantity=Decimal(10 + number))))
    await bench.desk.dispatch()
    refused = bench.journal.ledger.refusals()
    assert [(one.reason, one.limit, one.count) for one in refused] == [(*expected, 3)]
    assert bench.journal.ledger.fates()["held back"] == 3
    assert [fire.reason for fire in bench.journal.ledger.fires()] == [expected[0]] * 3
    assert bench.told() == [NoticeKind.HELD_BACK] * 3


async def test_positions_are_what_was_held_at_first_and_our_fills_or_somebody_else_s(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    bench.ib.positions = {"MA": Decimal(30), "V": Decimal(5)}
    keys = [bench.record(decision(draft(instrument=one))) for one in (MA, V)]
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(keys[0], "100", "401"))
    assert bench.journal.ledger.holdings() == [], "IB has not been asked since"
    bench.ib.positions["MA"] = Decimal(130)
    await bench.desk.reconcile()
    [held] = bench.journal.ledger.holdings()
    assert (held.instrument, held.first, held.ours, held.newest, held.others) == ("MA", 30, 100, 130, 0)
    bench.ib.positions = {}
    await bench.desk.reconcile()
    [held] = bench.journal.ledger.holdings()
    assert (held.ours, held.newest, held.others) == (100, 0, -130)
    assert link.asked == 3 and bench.journal.ledger.unbalanced() == []


@pytest.mark.parametrize("count", [10, 40])
async def test_orders_that_wait_cost_each_the_same_however_many_they_are(bench: Bench, count: int) -> None:
    bench.accepting(await bench.connect())
    bench.market.quotes["MA"] = None
    bench.record(*[decision(draft(quantity=Decimal(number + 1)), rule=f"r{number}") for number in range(count)])
    last = bench.record(decision(draft(instrument=V)))
    read, rows = 0, bench.journal._database.rows

    def counted(statement: str, *values: Value) -> list[Row]:
        nonlocal read
        found = rows(statement, *values)
        read += len(found)
        return found

    bench.journal._database.rows = counted  # type: ignore[method-assign]  # What is read of the journal.
    await bench.desk.dispatch()
    assert bench.state(last) is State.WORKING
    assert read < 6 * count + 100
