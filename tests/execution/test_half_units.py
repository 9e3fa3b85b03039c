"""Units of which only a part reached IB."""

from decimal import Decimal

import pytest

from rules_engine.model.action import Side
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderDraft, OrderKind
from tests.execution.bench import Bench
from tests.execution.doubles import Killed, Placed, V, decision, draft

State = IntentState
STOP = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)
PROFIT = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=0)
OTHER = draft(instrument=V)


async def killed_before(bench: Bench, last: OrderDraft, *unit: OrderDraft) -> str:
    """The orders of a firing reach IB one by one, until the engine is killed before that one. The key of the first."""
    link = await bench.connect()

    def die_at_the_last(placed: Placed) -> None:
        if placed.draft == last:
            raise Killed

    link.before_place = die_at_the_last
    link.on_place = lambda placed: bench.ib.accept(placed)
    key = bench.record(decision(*unit))
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    return key


async def test_half_a_unit_at_ib_is_cancelled_and_told(bench: Bench) -> None:
    await killed_before(bench, OTHER, draft(), OTHER)
    bench.restart()
    link = await bench.connect()
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(bench.ib.wire[0].key))
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id]
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.CANCELLED, State.UNKNOWN]
    assert NoticeKind.ALARM in bench.told("desk")
    assert len(bench.ib.wire) == 1


async def test_a_bracket_killed_before_its_last_leg_is_cancelled_by_its_entry(bench: Bench) -> None:
    await killed_before(bench, STOP, draft(), PROFIT, STOP)
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id], "IB cancels the children with it"


async def test_a_bracket_that_arrives_late_as_a_whole_keeps_its_stop(bench: Bench) -> None:
    await bench.connect()
    bench.record(decision(draft(), STOP))
    await bench.desk.dispatch()
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.UNKNOWN] * 2
    assert NoticeKind.ALARM not in bench.told("desk"), "nothing of it was shown, so no part of it either"
    for placed in bench.ib.wire:
        bench.ib.accept(placed)
    await bench.later(60)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.WORKING] * 2
    assert bench.ib.cancels == []


async def test_exits_that_live_at_ib_without_their_entry_are_left_to_protect_what_it_filled(bench: Bench) -> None:
    link = await bench.connect()
    link.on_place = lambda placed: bench.ib.accept(placed)
    entry = bench.record(decision(draft(), PROFIT, STOP))
    await bench.desk.dispatch()
    bench.kill()
    bench.ib.fill(entry, "100", "401")
    bench.ib.executions.clear()  # IB's day is over: it has forgotten what filled.
    bench.ib.completed.clear()
    bench.start()
    await bench.connect()
    await bench.later(15)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.UNKNOWN, State.WORKING, State.WORKING]
    await bench.later(60)
    assert bench.ib.cancels == []
    [alarm] = [text for text in bench.texts("desk") if "seems to have filled" in text]
    assert "IB holds its exits (sell 100 MA at limit 440 day; sell 100 MA at stop 390 day)" in alarm


async def test_a_bracket_that_ib_forgot_as_a_whole_is_only_unknown(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.record(decision(draft(), PROFIT, STOP))
    await bench.desk.dispatch()
    bench.ib.orders.clear()
    await bench.desk.reconcile()
    await bench.later(15)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.UNKNOWN] * 3
    assert (NoticeKind.ALARM in bench.told("desk"), bench.ib.cancels) == (False, [])


async def test_exits_of_a_filled_entry_stay_when_another_order_of_their_firing_never_arrived(bench: Bench) -> None:
    entry = await killed_before(bench, OTHER, draft(), STOP, OTHER, draft(kind=OrderKind.LIMIT, limit=Decimal(380)))
    bench.ib.fill(entry, "100", "401")
    bench.restart()
    await bench.connect()
    await bench.later(15)
    states = [leg.state for leg in bench.journal.intents.unit("r", 1)]
    assert states == [State.FILLED, State.WORKING, State.UNKNOWN, State.UNKNOWN]
    assert bench.ib.cancels == [], "the stop protects what filled"
