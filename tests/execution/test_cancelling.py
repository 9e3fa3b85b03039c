"""Cancellations: repeated until IB heeds them, told when that does not help, and not overtaken by what takes their
order's place."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution import reconciler
from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.slices import Result, Slices
from tests.execution.bench import Bench
from tests.execution.doubles import MA, FakeLink, Placed, V, decision, draft, stock

State = IntentState
LOW = draft(kind=OrderKind.LIMIT, limit=Decimal(390))
HIGHER = replace(LOW, limit=Decimal(395))


async def working(bench: Bench, *legs: OrderDraft, rule: str = "a") -> tuple[FakeLink, str]:
    """A connection, and an order that rests at IB."""
    link = bench.accepting(await bench.connect())
    key = bench.record(decision(*(legs or (LOW,)), rule=rule))
    await bench.desk.dispatch()
    return link, key


def replacing(bench: Bench, leg: OrderDraft, rule: str = "b") -> str:
    return bench.record(replace(decision(leg, rule=rule), cancels=(CancelOrders(rule="a"),)))


def heeds(bench: Bench, link: FakeLink, key: str) -> None:
    """From now on IB takes cancellations in."""
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(key))


async def stuck(bench: Bench) -> tuple[FakeLink, str]:
    """An order that IB has shown after two cancellations."""
    link, key = await working(bench)
    bench.desk.cancel_ours(rule="a")
    for _ in range(3):
        await bench.later(10)
    assert len(bench.ib.cancels) == 3
    return link, key


async def test_a_cancellation_that_ib_never_took_in_is_sent_again_once_ib_shows_the_order(bench: Bench) -> None:
    link, key = await working(bench)
    bench.desk.stop_trading()
    asked = link.asked
    await bench.later(0)
    assert (len(bench.ib.cancels), link.asked) == (1, asked)
    assert bench.desk.due_s() < bench.clock.now_s() + 1
    heeds(bench, link, key)
    await bench.later(1)
    assert bench.ib.cancels == [bench.intent(key).order_id] * 2
    assert (bench.state(key), link.asked) == (State.CANCELLED, asked + 1)
    assert NoticeKind.ALARM not in bench.told()


async def test_a_cancellation_that_ib_heeds_is_no_reason_to_ask_anything(bench: Bench) -> None:
    link, key = await working(bench)
    heeds(bench, link, key)
    bench.desk.stop_trading()
    asked = link.asked
    for _ in range(3):
        await bench.later(60)
    assert (bench.state(key), len(bench.ib.cancels), link.asked) == (State.CANCELLED, 1, asked)


async def test_a_second_cancellation_that_does_not_help_is_told_now_and_then_and_more_follow_slowly(
    bench: Bench,
) -> None:
    _, key = await working(bench)
    bench.desk.stop_trading()
    await bench.later(1)
    assert bench.told("desk") == []
    await bench.later(1)
    assert bench.told("desk") == [NoticeKind.ALARM]
    assert "asked twice to cancel buy 100 MA at limit 390 day" in bench.texts("desk")[0]
    assert key in bench.texts("desk")[0]
    for _ in range(10):
        await bench.later(30)
    assert len(bench.ib.cancels) == 3 + 5
    assert bench.told("desk") == [NoticeKind.ALARM]
    for _ in range(30):
        await bench.later(30)
    assert bench.told("desk") == [NoticeKind.ALARM] * 2


async def test_what_ib_does_not_show_is_not_cancelled_again_since_another_may_bear_its_number(bench: Bench) -> None:
    link, key = await working(bench)
    bench.desk.stop_trading()
    del bench.ib.orders[key]
    number = bench.intent(key).order_id
    assert number is not None
    bench.ib.accept(Placed(number, draft(), "not ours", "DU1", "", 0, True))
    asked = link.asked
    for _ in range(4):
        await bench.later(30)
    assert (bench.state(key), len(bench.ib.cancels)) == (State.UNKNOWN, 1)
    assert link.asked - asked <= 4


async def test_an_incomplete_answer_repeats_no_cancellation(bench: Bench) -> None:
    link, key = await working(bench)
    bench.desk.stop_trading()
    link.complete = False
    await bench.later(10)
    assert len(bench.ib.cancels) == 1
    link.complete = True
    heeds(bench, link, key)
    await bench.later(10)
    assert (bench.state(key), len(bench.ib.cancels)) == (State.CANCELLED, 2)


async def test_while_messages_wait_to_be_sent_a_cancellation_counts_as_not_heard_yet(bench: Bench) -> None:
    link, _ = await working(bench)
    bench.desk.stop_trading()
    link.clear = False
    asked = link.asked
    await bench.later(30)
    assert (len(bench.ib.cancels), link.asked) == (1, asked)
    link.clear = True
    await bench.later(0)
    assert (len(bench.ib.cancels), link.asked) == (2, asked + 1)


async def test_the_children_of_a_bracket_that_outlive_it_are_cancelled_again_by_themselves(bench: Bench) -> None:
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380), parent=0)
    link, entry = await working(bench, LOW, stop)
    unit = bench.journal.intents.unit("a", 1)
    child = next(leg.key for leg in unit if leg.is_child)
    bench.desk.stop_trading()
    assert bench.ib.cancels == [bench.intent(entry).order_id]
    bench.desk.on_report(bench.ib.end(entry))
    await bench.later(0)
    await bench.later(10)
    assert bench.ib.cancels[1:] == [bench.intent(child).order_id] * 2
    heeds(bench, link, child)
    await bench.later(10)
    assert bench.state(child) is State.CANCELLED


async def test_what_takes_an_order_s_place_leaves_once_a_repeated_cancellation_came_through(bench: Bench) -> None:
    link, old = await working(bench)
    new = replacing(bench, HIGHER)
    await bench.desk.dispatch()
    assert (bench.state(old), bench.state(new)) == (State.WORKING, State.INTENT)
    heeds(bench, link, old)
    await bench.later(10)
    assert (bench.state(old), bench.state(new)) == (State.CANCELLED, State.WORKING)


async def test_what_waits_for_a_cancellation_holds_up_neither_another_contract_nor_another_firing(bench: Bench) -> None:
    await working(bench)
    new = replacing(bench, HIGHER)
    other = bench.record(decision(draft(instrument=V), rule="c"))
    await bench.desk.dispatch()
    assert (bench.state(new), bench.state(other)) == (State.INTENT, State.WORKING)


async def test_another_name_of_the_contract_waits_for_the_cancellation_too(bench: Bench) -> None:
    link, old = await working(bench)
    card = replace(MA, name="CARD", contract_id=7)
    link.traded = lambda instrument: stock("MA" if instrument == "CARD" else instrument)  # type: ignore[method-assign]  # Two names, one contract.
    bench.market.contracts["CARD"] = stock("MA")
    bench.market.quotes["CARD"] = bench.market.quote("MA")
    new = replacing(bench, replace(HIGHER, instrument=card))
    await bench.desk.dispatch()
    assert bench.state(new) is State.INTENT
    heeds(bench, link, old)
    await bench.later(10)
    assert bench.state(new) is State.WORKING


async def test_nothing_opens_beside_an_order_that_two_cancellations_did_not_remove(bench: Bench) -> None:
    await working(bench)
    new = replacing(bench, HIGHER)
    for _ in range(3):
        await bench.later(10)
    assert (bench.state(new), len(bench.ib.wire)) == (State.BLOCKED, 1)
    assert f"{Reason.NOT_CANCELLED} (buy 100 MA at limit 390 day of a)" in bench.texts()[-1]


async def test_once_that_is_known_nobody_waits_for_it_and_what_closes_the_position_leaves(bench: Bench) -> None:
    await stuck(bench)
    bench.market.positions["MA"] = Decimal(50)
    opening = bench.record(decision(HIGHER, rule="b"))
    closing = bench.record(decision(draft(side=Side.SELL, quantity=Decimal(50), closes=True), rule="c"))
    await bench.desk.dispatch()
    assert (bench.state(opening), bench.state(closing)) == (State.BLOCKED, State.WORKING)


async def test_what_closes_a_position_that_a_stuck_order_may_close_too_stays_here(bench: Bench) -> None:
    bench.market.positions["MA"] = Decimal(100)
    await working(bench, draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380)))
    bench.desk.cancel_ours(rule="a")
    closing = bench.record(decision(draft(side=Side.SELL, closes=True), rule="c"))
    await bench.desk.dispatch()
    assert bench.state(closing) is State.INTENT
    for _ in range(3):
        await bench.later(10)
    assert (bench.state(closing), len(bench.ib.wire)) == (State.BLOCKED, 1)


async def test_nothing_opens_beside_an_order_of_unknown_fate_that_was_to_be_cancelled(bench: Bench) -> None:
    _, old = await working(bench)
    del bench.ib.orders[old]
    await bench.desk.reconcile()
    bench.clock.time_s += 16
    await bench.desk.reconcile()
    assert bench.state(old) is State.UNKNOWN
    new = replacing(bench, HIGHER)
    await bench.desk.dispatch()
    assert bench.state(new) is State.BLOCKED


async def test_what_waits_for_a_cancellation_is_too_late_in_the_end(bench: Bench) -> None:
    link, _ = await working(bench)
    link.clear = False
    late = replace(decision(HIGHER, rule="b", expires_s=bench.clock.now_s() + 60), cancels=(CancelOrders(rule="a"),))
    new = bench.record(late)
    await bench.later(61)
    assert (bench.state(new), len(bench.ib.wire)) == (State.EXPIRED, 1)


@pytest.mark.parametrize("again", [1, 2])
async def test_a_new_connection_asks_anew(bench: Bench, again: int) -> None:
    _, key = await stuck(bench)
    bench.ib.cancels.clear()
    for _ in range(again):
        link = bench.accepting(await bench.connect())
    heeds(bench, link, key)
    await bench.desk.dispatch()
    assert (bench.state(key), len(bench.ib.cancels)) == (State.CANCELLED, 1)


async def test_a_cancellation_leaves_at_once_while_ib_is_asked_what_it_has(bench: Bench) -> None:
    link, key = await working(bench)
    heeds(bench, link, key)

    def asked() -> None:
        bench.desk.cancel_ours(rule="a")
        assert bench.ib.cancels == [bench.intent(key).order_id]

    link.on_evidence = asked
    await bench.desk.reconcile()
    await bench.later(0)
    assert (bench.state(key), len(bench.ib.cancels)) == (State.CANCELLED, 1)


async def test_a_cancellation_leaves_at_once_while_an_order_is_under_way(bench: Bench) -> None:
    link, key = await working(bench)

    def placed(other: Placed) -> None:
        bench.desk.cancel_ours(rule="a")
        assert bench.ib.cancels == [bench.intent(key).order_id]
        bench.desk.on_report(bench.ib.accept(other))

    link.on_place = placed
    other = bench.record(decision(draft(instrument=V), rule="b"))
    await bench.desk.dispatch()
    assert (bench.state(other), len(bench.ib.cancels)) == (State.WORKING, 1)


@pytest.mark.parametrize("restarts", [False, True])
async def test_on_a_new_connection_no_cancellation_leaves_before_ib_has_shown_the_order_under_its_number(
    bench: Bench, restarts: bool
) -> None:
    _, key = await working(bench)
    if restarts:
        bench.restart()
    link = bench.accepting(FakeLink(bench.ib))
    bench.desk.attach(link)
    link.on_evidence = lambda: bool(bench.desk.cancel_ours(rule="a")) and None
    await bench.desk.reconcile()
    assert (bench.intent(key).cancel_wanted, bench.ib.cancels) == (True, [])
    await bench.desk.dispatch()
    assert bench.ib.cancels == [bench.intent(key).order_id]


async def test_what_is_under_another_client_id_is_not_cancelled_by_its_number_in_the_middle_of_a_comparison_either(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IB shows it again, and since then under another client."""
    _, key = await working(bench)
    gone = bench.ib.orders.pop(key)
    await bench.desk.reconcile()
    await bench.later(16)
    assert bench.state(key) is State.UNKNOWN
    bench.ib.orders[key] = replace(gone, client_id=18)
    states = list[IntentState]()

    async def cancelling(work: Slices[Result]) -> Result:
        while True:
            bench.desk.stop_trading()
            states.append(bench.state(key))
            try:
                next(work)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]  # What the work gave.

    monkeypatch.setattr(reconciler, "in_slices", cancelling)
    await bench.desk.reconcile()
    assert {State.UNKNOWN, State.WORKING} == set(states)
    assert bench.ib.cancels == []


async def test_what_ib_s_last_complete_lists_did_not_show_waits_for_the_next_ones(bench: Bench) -> None:
    link, key = await working(bench)
    shown = bench.ib.orders.pop(key)
    await bench.desk.reconcile()
    bench.desk.cancel_ours(rule="a")
    assert bench.ib.cancels == []
    bench.ib.orders[key] = shown
    heeds(bench, link, key)
    await bench.desk.reconcile()
    await bench.desk.dispatch()
    assert (bench.state(key), len(bench.ib.cancels)) == (State.CANCELLED, 1)


async def test_very_many_are_sent_as_ib_answers_while_it_is_being_asked(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    legs = [replace(LOW, quantity=Decimal(number)) for number in range(1, 121)]
    keys = [bench.record(decision(leg, rule="a")) for leg in legs]
    await bench.desk.dispatch()
    sent = list[int]()

    def asked() -> None:
        bench.desk.cancel_ours(rule="a")
        sent.append(len(bench.ib.cancels))
        for key in keys[:2]:
            bench.desk.on_report(bench.ib.end(key))
            sent.append(len(bench.ib.cancels))

    link.on_evidence = asked
    await bench.desk.reconcile()
    assert sent == [50, 100, 120]
    assert len(set(bench.ib.cancels)) == 120


async def test_what_makes_room_for_a_close_is_not_cancelled_before_the_close_may_leave(bench: Bench) -> None:
    bench.market.positions["MA"] = Decimal(100)
    link, stop = await working(bench, draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380)))
    link.complete = False
    close = replace(decision(draft(side=Side.SELL, closes=True), rule="c"), cancels=(CancelOrders(rule="a"),))

    def asked() -> None:
        bench.record(close)
        bench.desk.cancel_at_once()

    link.on_evidence = asked
    await bench.desk.reconcile()
    assert (bench.intent(stop).cancel_wanted, bench.ib.cancels) == (True, [])
