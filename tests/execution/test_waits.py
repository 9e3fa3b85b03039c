"""What is to be sent and has to wait: for the link, for evidence, for a price, for its turn."""

from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.database import Row, Value
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.reports import LinkChange
from tests.execution.bench import Bench, limits
from tests.execution.doubles import NOW_S, FakeLink, V, decision, draft

State = IntentState


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
