"""Units that wait at the broker, and cancellations."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.model.action import CancelOrders, Remaining, Side
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, OrderError
from rules_engine.model.trigger_method import TriggerMethod
from tests.execution.bench import Bench
from tests.execution.doubles import GTC, MA, FakeLink, Placed, V, decision, draft

State = IntentState
TRIGGER = HeldPrice(V, True, Decimal(200), TriggerMethod.LAST)


def waiting(**changes: object) -> OrderDraft:
    return draft(**{"conditions": (TRIGGER,), "time_in_force": GTC, **changes})


def holding(bench: Bench, link: FakeLink) -> None:
    """IB takes orders in and waits for their triggers; it obeys cancellations."""
    link.on_place = lambda placed: bench.desk.on_report(bench.ib.accept(placed, BrokerStatus.HELD))

    def cancel(order_id: int) -> None:
        [key] = [placed.key for placed in bench.ib.wire if placed.order_id == order_id]
        bench.desk.on_report(bench.ib.end(key))

    link.on_cancel = cancel


async def placed(bench: Bench, *legs: OrderDraft) -> str:
    holding(bench, await bench.connect())
    key = bench.record(decision(*(legs or (waiting(),)), held=True))
    await bench.desk.dispatch()
    return key


async def test_placing_is_shown_but_nobody_is_called_before_the_trigger(bench: Bench) -> None:
    key = await placed(bench)
    assert (bench.state(key), bench.told(), bench.ears.kinds()) == (State.ACKED, [], [NoticeKind.PLACED])
    assert bench.journal.ledger.fires() == []
    assert bench.ib.wire[0].draft.conditions == (TRIGGER,)


async def test_a_trigger_is_told_and_becomes_the_firing(bench: Bench) -> None:
    key = await placed(bench)
    bench.desk.on_report(replace(bench.ib.orders[key], status=BrokerStatus.WORKING))
    assert (bench.state(key), bench.told()) == (State.WORKING, [NoticeKind.TRIGGERED])
    [fire] = bench.journal.ledger.fires()
    assert (fire.rule, fire.at_broker, fire.fate) == ("r", True, "placed")
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.told() == [NoticeKind.TRIGGERED, NoticeKind.FILLED]
    assert [(end.held, end.used, end.state) for end in bench.ears.ends] == [(True, True, State.FILLED)]


async def test_a_cancellation_in_tws_is_told_and_was_not_wanted(bench: Bench) -> None:
    key = await placed(bench)
    bench.desk.on_report(bench.ib.end(key))
    assert bench.texts() == ["r: cancelled by IB or in TWS: buy 100 MA at market good till cancelled"]
    assert [(end.state, end.used, end.wanted) for end in bench.ears.ends] == [(State.CANCELLED, False, False)]


async def test_our_cancellation_is_wanted_and_sent_once(bench: Bench) -> None:
    key = await placed(bench)
    assert [intent.key for intent in bench.desk.cancel_ours(rule="r")] == [key]
    assert bench.desk.cancel_ours(rule="r") == []
    for _ in range(3):
        await bench.desk.dispatch()
    assert bench.ib.cancels == [bench.ib.wire[0].order_id]
    assert [(end.state, end.used, end.wanted) for end in bench.ears.ends] == [(State.CANCELLED, False, True)]


async def test_a_rejection_at_the_trigger_ends_it(bench: Bench) -> None:
    key = await placed(bench)
    bench.desk.on_report(OrderError(bench.ib.wire[0].order_id, 201, "no margin"))
    bench.ib.end(key, BrokerStatus.INACTIVE)
    await bench.desk.step()
    assert (bench.state(key), bench.told()) == (State.REJECTED, [NoticeKind.REJECTED])
    assert [(end.held, end.used, end.state) for end in bench.ears.ends] == [(True, False, State.REJECTED)]


async def test_the_branches_of_an_or_end_together(bench: Bench) -> None:
    legs = [waiting(group="g0", remaining=Remaining.CANCEL)] * 2
    key = await placed(bench, *legs)
    other = key[:-1] + "1"
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.ears.ends == []
    bench.desk.on_report(bench.ib.end(other))
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.FILLED, True)]
    assert bench.told() == [NoticeKind.FILLED], "the branch that lost is no news"


async def test_a_bracket_ends_with_its_entry_while_its_children_work_on(bench: Bench) -> None:
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0, time_in_force=GTC)
    profit = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=0, time_in_force=GTC)
    key = await placed(bench, waiting(), profit, stop)
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert [end.state for end in bench.ears.ends] == [State.FILLED]
    bench.desk.on_report(replace(bench.ib.orders[key[:-1] + "1"], status=BrokerStatus.WORKING))
    assert NoticeKind.TRIGGERED not in bench.told(), "a child that begins to work is no trigger"
    bench.desk.on_report(bench.ib.fill(key[:-1] + "1", "100", "440"))
    bench.desk.on_report(bench.ib.end(key[:-1] + "2"))
    assert bench.texts() == ["r: bought 100 MA at 401", "r: sold 100 MA at 440"]
    assert len(bench.ears.ends) == 1


async def test_a_cancellation_is_remembered_over_a_restart(bench: Bench) -> None:
    key = await placed(bench)
    bench.desk.detach()
    bench.desk.cancel_ours(rule="r")
    await bench.desk.dispatch()
    assert bench.ib.cancels == []
    bench.restart()
    holding(bench, await bench.connect())
    await bench.desk.step()
    assert bench.state(key) is State.CANCELLED


async def test_what_was_not_sent_yet_is_cancelled_without_asking_ib(bench: Bench) -> None:
    key = bench.record()
    bench.desk.cancel_ours(instrument=MA)
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire, bench.ib.cancels) == (State.CANCELLED, [], [])
    assert [(end.used, end.wanted) for end in bench.ears.ends] == [(False, True)]
    assert bench.journal.ledger.fates()["expired"] == 1


async def test_cancelling_a_bracket_leaves_the_children_to_ib_while_the_entry_lives(bench: Bench) -> None:
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0, time_in_force=GTC)
    key = await placed(bench, waiting(), stop)
    bench.desk.cancel_ours(rule="r")
    await bench.desk.dispatch()
    assert bench.ib.cancels[0] == bench.ib.wire[0].order_id
    assert bench.state(key) is State.CANCELLED


async def test_an_orphaned_child_is_cancelled_by_itself(bench: Bench) -> None:
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0, time_in_force=GTC)
    key = await placed(bench, waiting(), stop)
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    bench.desk.cancel_ours(instrument=MA)
    await bench.desk.dispatch()
    assert bench.ib.cancels == [bench.ib.wire[1].order_id]


OUT = replace(decision(draft(side=Side.SELL, closes=True), rule="out"), cancels=(CancelOrders(instrument=MA),))
"""Cancels what there is in MA, and closes."""


async def guarded(bench: Bench) -> tuple[FakeLink, str]:
    """A position with a stop at IB, and its key."""
    bench.market.positions["MA"] = Decimal(100)
    link = await bench.connect()
    holding(bench, link)
    stop = bench.record(decision(draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390)), rule="guard"))
    await bench.desk.dispatch()
    return link, stop


async def test_a_closing_order_waits_for_the_cancellations_before_it(bench: Bench) -> None:
    link, stop = await guarded(bench)
    link.on_cancel = lambda order_id: None
    key = bench.record(OUT)
    await bench.desk.dispatch()
    assert (bench.state(key), len(bench.ib.cancels)) == (State.INTENT, 1)
    bench.desk.on_report(bench.ib.end(stop))
    await bench.desk.step()
    assert [placed.key for placed in bench.ib.wire] == [stop, key]


@pytest.mark.parametrize("fills_first", [True, False])
async def test_a_closing_order_is_held_back_when_what_it_cancels_will_not_go(bench: Bench, fills_first: bool) -> None:
    link, stop = await guarded(bench)

    def refuse(order_id: int) -> None:
        if fills_first:
            bench.desk.on_report(bench.ib.fill(stop, "100", "389"))
            bench.market.positions["MA"] = Decimal(0)

    link.on_cancel = refuse
    key = bench.record(OUT)
    for _ in range(3):
        await bench.later(10)
    assert bench.state(key) is State.BLOCKED
    assert len(bench.ib.wire) == 1


async def test_foreign_orders_are_never_cancelled(bench: Bench) -> None:
    await placed(bench)
    bench.ib.accept(Placed(500, draft(), "mine", "DU1", "", 0, True))
    bench.desk.cancel_ours(instrument=MA)
    await bench.desk.step()
    assert 500 not in bench.ib.cancels
