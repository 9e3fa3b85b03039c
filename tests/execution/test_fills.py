"""Fills, corrections and positions: what is counted, and what is told."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import BrokerStatus
from tests.execution.bench import Bench
from tests.execution.doubles import MA, V, decision, draft

State = IntentState


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
    assert (bench.intent(key).filled, bench.intent(key).average_price) == (Decimal(100), Decimal(402))
    assert bench.told() == [NoticeKind.FILLED, NoticeKind.ALARM]


async def test_every_correction_of_a_fill_is_told(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fill = bench.ib.fill(key, "100", "401", exec_id="0000e.7.01")
    for revision, price in (("01", "401"), ("02", "402"), ("03", "403"), ("03", "403")):
        bench.desk.on_report(replace(fill, exec_id=f"0000e.7.{revision}", price=Decimal(price)))
    assert [text.partition(" at ")[2] for text in bench.texts()] == ["401", "402", "403"]


@pytest.mark.parametrize("kept", ["60", "0"])
async def test_what_a_correction_takes_back_stays_gone_whatever_ib_s_lists_go_on_saying(
    bench: Bench, kept: str
) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "100", "401", exec_id="0000e.7.01"))
    right = replace(bench.ib.executions.pop(), exec_id="0000e.7.02", quantity=Decimal(kept), price=Decimal(399))
    bench.ib.executions.append(right)
    bench.ib.positions["MA"] = Decimal(kept)
    bench.desk.on_report(right)
    for _ in range(2):
        await bench.later(1000)
        assert (bench.state(key), bench.intent(key).filled) == (State.FILLED, Decimal(kept))
        bench.restart()
        await bench.connect()
    assert bench.intent(key).average_price == (Decimal(399) if kept == "60" else None)
    [held] = bench.journal.ledger.holdings()
    assert (held.ours, held.others) == (Decimal(kept), 0)
    assert bench.told() == [NoticeKind.FILLED, NoticeKind.ALARM]


async def test_fills_that_follow_a_correction_count(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fill = bench.ib.fill(key, "60", "401", exec_id="0000e.7.01")
    bench.desk.on_report(fill)
    bench.desk.on_report(replace(fill, exec_id="0000e.7.02", quantity=Decimal(50)))
    bench.desk.on_report(bench.ib.orders[key])
    assert (bench.state(key), bench.intent(key).filled) == (State.PARTIAL, Decimal(50))
    bench.desk.on_report(bench.ib.fill(key, "40", "402", exec_id="0000e.8.01"))
    assert (bench.state(key), bench.intent(key).filled) == (State.PARTIAL, Decimal(90))
    bench.desk.on_report(replace(bench.ib.completed[key], order_id=bench.intent(key).order_id or 0))
    assert (bench.state(key), bench.intent(key).filled) == (State.FILLED, Decimal(90))


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
    assert held.instrument == "MA"
    assert [held.first, held.ours, held.newest, held.others] == [30, 100, 130, 0]
    bench.ib.positions = {}
    await bench.desk.reconcile()
    [held] = bench.journal.ledger.holdings()
    assert [held.ours, held.newest, held.others] == [100, 0, -130]
    assert link.asked == 3 and bench.journal.ledger.unbalanced() == []
