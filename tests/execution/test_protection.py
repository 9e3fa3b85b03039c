"""Exits that stop protecting what their entry filled, and what is told of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.model.action import Remaining, Side
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, OrderError
from tests.execution.bench import Bench
from tests.execution.doubles import GTC, MA, FakeLink, decision, draft

State = IntentState
ENTRY = draft(kind=OrderKind.LIMIT, limit=Decimal(402))
PROFIT = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(405), parent=0, time_in_force=GTC)
STOP = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(395), parent=0, time_in_force=GTC)
TRAILING = replace(STOP, kind=OrderKind.TRAILING, stop=None, trail_amount=Decimal(5))
GROUP = [replace(leg, parent=None, group="g0", remaining=Remaining.CANCEL) for leg in (PROFIT, STOP)]


async def placed(bench: Bench, *legs: OrderDraft) -> list[str]:
    """The keys of orders that IB has. What IB is asked to cancel ends at once, an entry with its exits."""
    bench.market.positions["MA"] = Decimal(100 if legs[0].side is Side.SELL else 0)
    link = bench.accepting(await bench.connect())
    first = bench.record(decision(*legs))
    await bench.desk.dispatch()
    obeys(bench, link)
    return [first[:-1] + str(leg) for leg in range(len(legs))]


def obeys(bench: Bench, link: FakeLink) -> None:
    def cancel(order_id: int) -> None:
        [gone] = [one for one in bench.ib.wire if one.order_id == order_id]
        for one in bench.ib.wire:
            if one.key in bench.ib.orders and (one is gone or one.parent_id == order_id):
                bench.desk.on_report(bench.ib.end(one.key))

    link.on_cancel = cancel


def fill(bench: Bench, key: str, quantity: int) -> None:
    bench.desk.on_report(bench.ib.fill(key, str(quantity), "401"))


def alarms(bench: Bench) -> list[str]:
    waiting = bench.journal.outbox.waiting("desk", 100)
    return [message.text for message in waiting if message.kind is NoticeKind.ALARM]


def states(bench: Bench) -> list[State]:
    return [leg.state for leg in bench.journal.intents.unit("r", 1)]


@pytest.mark.parametrize("stop", [STOP, TRAILING, replace(STOP, kind=OrderKind.STOP_LIMIT, limit=Decimal(394))])
async def test_a_stop_that_is_cancelled_in_tws_after_the_entry_filled_is_an_alarm(
    bench: Bench, stop: OrderDraft
) -> None:
    keys = await placed(bench, ENTRY, PROFIT, stop)
    fill(bench, keys[0], 100)
    bench.desk.on_report(bench.ib.end(keys[2]))
    [alarm] = alarms(bench)
    assert alarm.startswith("r: 100 MA of buy 100 MA at limit 402 day have no stop at IB any more: sell 100 MA ")
    assert alarm.endswith("good till cancelled is cancelled. Look in TWS")
    assert bench.told() == [NoticeKind.FILLED, NoticeKind.ALARM], "one message, and to all channels there are"
    assert states(bench) == [State.FILLED, State.WORKING, State.CANCELLED]


async def test_a_stop_that_went_while_the_engine_was_away_is_an_alarm_too(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    bench.kill()
    bench.ib.end(keys[2])
    bench.start()
    await bench.connect()
    assert len(alarms(bench)) == 1
    bench.restart()
    await bench.connect()
    assert len(alarms(bench)) == 1


async def test_a_profit_taker_that_is_cancelled_alone_is_told(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    bench.desk.on_report(bench.ib.end(keys[1]))
    assert bench.texts()[1:] == ["r: cancelled by IB or in TWS: sell 100 MA at limit 405 good till cancelled"]
    assert alarms(bench) == []


async def test_only_a_complete_fill_explains_the_end_of_the_other_exit(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    fill(bench, keys[1], 30)
    bench.desk.on_report(bench.ib.end(keys[2]))
    assert [text[:33] for text in alarms(bench)] == ["r: 70 MA of buy 100 MA at limit 4"]


@pytest.mark.parametrize(("winner", "loser"), [(1, 2), (2, 1)])
async def test_the_exit_that_the_other_one_ended_is_no_news_also_where_ib_tells_it_first(
    bench: Bench, winner: int, loser: int
) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    bench.kill()
    bench.ib.end(keys[loser])
    bench.ib.fill(keys[winner], "100", "401")
    bench.ib.executions.pop()  # Of the exit's fill only the completed order is left.
    bench.start()
    await bench.connect()
    assert (bench.told(), alarms(bench)) == ([NoticeKind.FILLED] * 2, [])


async def test_exits_that_shared_the_position_leave_nothing_without_a_stop(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    fill(bench, keys[1], 30)
    fill(bench, keys[2], 70)
    bench.desk.on_report(replace(bench.ib.end(keys[2]), status=BrokerStatus.CANCELLED))
    bench.desk.on_report(bench.ib.end(keys[1]))
    assert alarms(bench) == []


async def test_exits_that_end_with_an_entry_that_never_filled_are_no_news(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    for key in keys:
        bench.desk.on_report(bench.ib.end(key))
    assert (bench.texts(), alarms(bench)) == (["r: cancelled by IB or in TWS: buy 100 MA at limit 402 day"], [])


async def test_exits_that_were_cancelled_as_asked_are_one_message_and_no_alarm(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    bench.desk.cancel_ours(instrument=MA)
    await bench.desk.dispatch()
    assert states(bench) == [State.FILLED, State.CANCELLED, State.CANCELLED]
    assert bench.texts()[1:] == ["r: cancelled as asked: sell 100 MA at limit 405 good till cancelled"]
    assert alarms(bench) == []


@pytest.mark.parametrize("exit_", [1, 2])
async def test_an_entry_whose_exit_ib_rejects_is_cancelled_and_told(bench: Bench, exit_: int) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    rejected(bench, keys[exit_])
    await bench.desk.step()
    assert bench.ib.cancels == [bench.ib.wire[0].order_id]
    assert states(bench)[0] is State.CANCELLED and states(bench)[exit_] is State.REJECTED
    [alarm] = alarms(bench)
    assert alarm.startswith("r: cancelling buy 100 MA at limit 402 day: IB rejected its exit sell 100 MA at ")
    assert bench.told() == [NoticeKind.REJECTED, NoticeKind.ALARM, NoticeKind.CANCELLED]


async def test_the_cancellation_of_an_entry_without_its_stop_survives_a_kill(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    rejected(bench, keys[2])
    await bench.desk.reconcile()
    bench.restart()
    obeys(bench, await bench.connect())
    await bench.desk.step()
    assert states(bench) == [State.CANCELLED, State.CANCELLED, State.REJECTED]
    assert len(alarms(bench)) == 1


async def test_what_fills_of_an_entry_whose_stop_was_rejected_is_an_alarm(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    rejected(bench, keys[2])
    await bench.desk.reconcile()
    fill(bench, keys[0], 40)
    assert [text[:11] for text in alarms(bench)] == ["r: cancelli", "r: 40 MA of"]
    fill(bench, keys[0], 20)
    fill(bench, keys[0], 40)
    assert [text[:12] for text in alarms(bench)[2:]] == ["r: 100 MA of"], "once more, when it is over"
    assert alarms(bench)[2].endswith("sell 100 MA at stop 395 good till cancelled is rejected. Look in TWS")


async def test_a_stop_that_is_rejected_after_the_entry_filled_is_an_alarm(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    rejected(bench, keys[2])
    await bench.desk.step()
    assert [text[:12] for text in alarms(bench)] == ["r: 100 MA of"]
    assert (bench.ib.cancels, states(bench)[1]) == ([], State.WORKING)


async def test_an_entry_that_ib_rejects_together_with_its_exits_is_told_once(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    for key in reversed(keys):
        rejected(bench, key)
    await bench.desk.step()
    assert states(bench) == [State.REJECTED] * 3
    assert (alarms(bench), bench.ib.cancels) == ([], [])


async def test_a_stop_that_ib_never_had_says_the_user_leaves_the_position_bare(bench: Bench) -> None:
    keys = await placed(bench, ENTRY, PROFIT, STOP)
    fill(bench, keys[0], 100)
    bench.ib.orders.pop(keys[2])
    await bench.desk.reconcile()
    await bench.later(15)
    assert (states(bench)[2], alarms(bench)) == (State.UNKNOWN, [])
    assert bench.desk.resolve(keys[2], placed=False)
    assert [text[:12] for text in alarms(bench)] == ["r: 100 MA of"]


async def test_an_order_of_a_group_that_ends_beside_a_part_is_told_with_that_part(bench: Bench) -> None:
    keys = await placed(bench, *GROUP)
    fill(bench, keys[0], 40)
    bench.desk.on_report(bench.ib.end(keys[1]))
    assert bench.told() == []
    await bench.later(30)
    beside = "cancelled beside it: sell 100 MA at stop 395 good till cancelled"
    assert bench.texts() == [f"r: sold 40 of 100 MA at 401 so far; {beside}"]
    bench.restart()
    await bench.connect()
    await bench.later(120)
    assert len(bench.texts()) == 1
    bench.desk.on_report(bench.ib.end(keys[0]))
    assert bench.texts()[1].endswith(f"sold 40 of 100 MA at 401; {beside}")


async def test_an_order_of_a_group_that_ends_long_after_a_part_filled_is_told_all_the_same(bench: Bench) -> None:
    keys = await placed(bench, *GROUP)
    fill(bench, keys[0], 40)
    await bench.later(30)
    await bench.later(3600)
    assert bench.texts() == ["r: sold 40 of 100 MA at 401 so far"]
    bench.desk.on_report(bench.ib.end(keys[1]))
    await bench.later(90)
    assert len(bench.texts()) == 2 and "cancelled beside it: sell 100 MA at stop 395" in bench.texts()[1]


async def test_an_order_of_a_group_that_ends_by_itself_is_told_whatever_ended_before(bench: Bench) -> None:
    keys = await placed(bench, *GROUP)
    for key in keys:
        bench.desk.on_report(bench.ib.end(key))
    assert bench.told() == [NoticeKind.CANCELLED] * 2


async def test_an_order_that_outlives_its_filled_group_is_cancelled_and_told(bench: Bench) -> None:
    """It came to IB after the fill, say, and joined nobody."""
    keys = await placed(bench, *GROUP)
    fill(bench, keys[0], 100)
    await bench.later(10)
    assert (states(bench), alarms(bench)) == ([State.FILLED, State.WORKING], [])
    await bench.later(10)
    assert states(bench) == [State.FILLED, State.CANCELLED]
    left = "another order of its group has filled, and IB has not cancelled sell 100 MA at stop 395 good till cancelled"
    assert alarms(bench) == [f"r: {left}: cancelling it"]


async def test_an_order_that_outlives_its_filled_group_is_cancelled_also_after_a_restart(bench: Bench) -> None:
    keys = await placed(bench, *GROUP)
    fill(bench, keys[0], 100)
    bench.restart()
    obeys(bench, await bench.connect())
    await bench.later(90)
    assert states(bench) == [State.FILLED, State.CANCELLED] and len(alarms(bench)) == 1


async def test_an_order_that_ib_cancels_with_its_group_is_no_news(bench: Bench) -> None:
    keys = await placed(bench, *GROUP)
    fill(bench, keys[0], 100)
    bench.desk.on_report(bench.ib.end(keys[1]))
    await bench.later(30)
    assert (states(bench), alarms(bench)) == ([State.FILLED, State.CANCELLED], [])


async def test_an_order_of_a_group_that_only_reduces_works_on_beside_a_fill(bench: Bench) -> None:
    small, large = (replace(GROUP[0], quantity=Decimal(of), remaining=Remaining.REDUCE) for of in (40, 100))
    keys = await placed(bench, small, large)
    fill(bench, keys[0], 40)
    await bench.later(90)
    assert (states(bench), alarms(bench)) == ([State.FILLED, State.WORKING], [])


def rejected(bench: Bench, key: str) -> None:
    """IB's 201, and its lists that show the order no more."""
    [order_id] = [one.order_id for one in bench.ib.wire if one.key == key]
    bench.ib.orders.pop(key)
    bench.desk.on_report(OrderError(order_id, 201, "Order rejected - reason: margin"))
