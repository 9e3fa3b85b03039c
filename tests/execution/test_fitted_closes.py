"""A position is closed for what is left of it when the order leaves, whatever happened since it was decided."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Kind
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, decision, draft, stock

State = IntentState
OUT = draft(side=Side.SELL, quantity=Decimal(300), closes=True)
TARGET = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(410), quantity=Decimal(300))


async def resting(bench: Bench) -> str:
    """300 held, and all of them for sale at a limit."""
    bench.accepting(await bench.connect())
    bench.market.positions["MA"] = bench.ib.positions["MA"] = Decimal(300)
    key = bench.record(decision(TARGET))
    await bench.desk.dispatch()
    assert bench.state(key) is State.WORKING
    return key


async def close_instead(bench: Bench) -> str:
    """`[cancel orders in MA, close MA]`, of which the closing waits for the cancellation."""
    closing = replace(decision(OUT, rule="leaves"), cancels=(CancelOrders("", MA),))
    key = bench.record(closing)
    await bench.desk.dispatch()
    assert bench.state(key) is State.INTENT
    return key


@pytest.mark.parametrize("restarts", [False, True], ids=["", "after a restart"])
@pytest.mark.parametrize("held", [300, 200, 1, 450])
async def test_what_fills_before_its_cancellation_is_not_sold_again_and_the_rest_is(
    bench: Bench, held: int, restarts: bool
) -> None:
    target = await resting(bench)
    key = await close_instead(bench)
    bench.market.positions["MA"] = Decimal(held)
    if held < 300:
        bench.desk.on_report(bench.ib.fill(target, str(300 - held), "410"))
    bench.desk.on_report(bench.ib.end(target, BrokerStatus.CANCELLED))
    if restarts:
        bench.restart()
        bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire[-1].draft.quantity) == (State.WORKING, Decimal(held))
    assert bench.intent(key).draft == replace(OUT, quantity=Decimal(held))


@pytest.mark.parametrize("held", [0, -100])
async def test_nothing_is_closed_of_what_is_gone(bench: Bench, held: int) -> None:
    target = await resting(bench)
    key = await close_instead(bench)
    bench.market.positions["MA"] = Decimal(held)
    bench.desk.on_report(bench.ib.end(target, BrokerStatus.CANCELLED))
    await bench.desk.dispatch()
    assert (bench.state(key), len(bench.ib.wire)) == (State.BLOCKED, 1)


async def test_what_goes_on_working_is_left_its_part(bench: Bench) -> None:
    await resting(bench)
    bench.market.positions["MA"] = Decimal(450)
    key = bench.record(decision(OUT, rule="leaves"))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire[-1].draft.quantity) == (State.WORKING, Decimal(150))


async def test_an_order_that_only_happens_to_close_keeps_its_size(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.market.positions["MA"] = Decimal(450)
    bench.record(decision(replace(OUT, closes=False)))
    await bench.desk.dispatch()
    assert bench.ib.wire[-1].draft.quantity == 300


async def test_a_position_that_came_back_within_a_minute_is_closed_again(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    for _ in range(2):
        bench.market.positions["MA"] = Decimal(300)
        key = bench.record(decision(OUT, rule="leaves"))
        await bench.desk.dispatch()
        assert bench.state(key) is State.WORKING
        again = bench.record(decision(OUT, rule="leaves too"))
        await bench.desk.dispatch()
        assert bench.state(again) is State.BLOCKED, "the first one still works"
        bench.market.positions["MA"] = Decimal(0)
        bench.desk.on_report(bench.ib.fill(key, "300", "400"))


def test_two_orders_of_one_firing_never_close_one_contract_twice() -> None:
    """Of stocks the second would be a short sale; of futures nothing else would hold it back."""
    front = stock("ES", contract_id=7, kind=Kind.FUTURE)
    market = FakeMarket(contracts={"MA": front, "V": front}, positions={"MA": Decimal(300), "V": Decimal(300)})
    gate = RiskGate(Limits(price_collar=None, max_spread=None), market, SteppedClock(NOW_S))
    for beside in (replace(OUT, instrument=V), replace(OUT, closes=False)):
        found = gate.check((OUT, beside), Book())
        assert found is not None and found.reason is Reason.NOTHING_TO_CLOSE


@pytest.mark.parametrize("ends", ["no price", "time"])
async def test_an_exit_that_never_leaves_after_what_it_cancelled_is_an_alarm(bench: Bench, ends: str) -> None:
    target = await resting(bench)
    key = bench.record(replace(decision(OUT, rule="leaves", expires_s=NOW_S + 60), cancels=(CancelOrders("", MA),)))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.end(target, BrokerStatus.CANCELLED))
    if ends == "time":
        bench.desk.detach()
    bench.market.quotes["MA"] = None
    for pause_s in (1.0, 31.0, 31.0 if ends == "time" else 1.0):
        await bench.later(pause_s)
    assert bench.state(key) is (State.EXPIRED if ends == "time" else State.BLOCKED)
    assert (bench.told()[-1], "The position stays open" in bench.texts()[-1]) == (NoticeKind.ALARM, True)


async def test_an_exit_for_which_nothing_is_left_alarms_nobody(bench: Bench) -> None:
    target = await resting(bench)
    await close_instead(bench)
    bench.market.positions["MA"] = Decimal(0)
    bench.desk.on_report(bench.ib.end(target, BrokerStatus.CANCELLED))
    await bench.desk.dispatch()
    assert bench.told()[-1] == NoticeKind.HELD_BACK
