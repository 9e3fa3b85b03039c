"""Units of which only a part reached IB."""

from decimal import Decimal

import pytest

from rules_engine.model.action import Side
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from tests.execution.bench import Bench
from tests.execution.doubles import Killed, Placed, V, decision, draft

State = IntentState


async def test_half_a_unit_at_ib_is_cancelled_and_told(bench: Bench) -> None:
    link = await bench.connect()

    def die_at_the_second(placed: Placed) -> None:
        if placed.draft.instrument == V:
            raise Killed

    link.before_place = die_at_the_second
    link.on_place = lambda placed: bench.ib.accept(placed)
    bench.record(decision(draft(), draft(instrument=V)))
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    bench.restart()
    link = await bench.connect()
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(bench.ib.wire[0].key))
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id]
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.CANCELLED, State.UNKNOWN]
    assert NoticeKind.ALARM in bench.told("desk")
    assert len(bench.ib.wire) == 1


async def test_a_bracket_killed_before_its_last_leg_is_cancelled_by_its_entry(bench: Bench) -> None:
    link = await bench.connect()
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)
    profit = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=0)

    def die_at_the_stop(placed: Placed) -> None:
        if placed.draft.stop:
            raise Killed

    link.before_place = die_at_the_stop
    link.on_place = lambda placed: bench.ib.accept(placed)
    bench.record(decision(draft(), profit, stop))
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id], "IB cancels the children with it"


async def test_a_bracket_that_arrives_late_as_a_whole_keeps_its_stop(bench: Bench) -> None:
    await bench.connect()
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)
    bench.record(decision(draft(), stop))
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
