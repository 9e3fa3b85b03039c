"""A firing that cancels orders and sends others in their place: what is being cancelled still works until IB says."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from tests.execution.bench import Bench
from tests.execution.doubles import MA, FakeLink, V, decision, draft

State = IntentState
STOP = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380))
HIGHER = replace(STOP, stop=Decimal(390))


async def resting(bench: Bench) -> tuple[FakeLink, str]:
    """All of the position is to be sold by an order that works."""
    link = bench.accepting(await bench.connect())
    bench.market.positions["MA"] = Decimal(100)
    key = bench.record(decision(STOP))
    await bench.desk.dispatch()
    assert bench.state(key) is State.WORKING
    return link, key


def soon(act: Callable[[], object]) -> Callable[[int], None]:
    """What IB does to a cancellation in one of the next turns."""

    def on_cancel(order_id: int) -> None:
        asyncio.get_running_loop().call_soon(act)

    return on_cancel


async def turns(bench: Bench) -> None:
    """The desk's turn, IB's, and the desk's again."""
    await bench.desk.dispatch()
    await asyncio.sleep(0)
    await bench.desk.step()


def replacing(bench: Bench, *legs: OrderDraft) -> str:
    return bench.record(replace(decision(*legs), cancels=(CancelOrders(instrument=MA),)))


async def test_a_stop_that_takes_another_s_place_leaves_once_that_one_is_gone(bench: Bench) -> None:
    link, old = await resting(bench)
    link.on_cancel = soon(lambda: bench.desk.on_report(bench.ib.end(old)))
    new = replacing(bench, HIGHER)
    await turns(bench)
    assert (bench.state(old), bench.state(new)) == (State.CANCELLED, State.WORKING)


async def test_what_fills_instead_of_being_cancelled_stands_against_what_was_to_follow(bench: Bench) -> None:
    link, old = await resting(bench)

    def fill() -> None:
        bench.market.positions["MA"] = Decimal(0)
        bench.desk.on_report(bench.ib.fill(old, "100", "380"))

    link.on_cancel = soon(fill)
    new = replacing(bench, HIGHER)
    await turns(bench)
    assert (bench.state(old), bench.state(new)) == (State.FILLED, State.BLOCKED)
    assert "allow_short is false" in bench.texts()[-1]


@pytest.mark.parametrize(
    ("leg", "at_once", "after"),
    [(HIGHER, State.INTENT, State.BLOCKED), (draft(instrument=V), State.WORKING, State.WORKING)],
)
async def test_a_cancellation_that_never_comes_does_not_hold_up_others_and_is_not_waited_for_without_end(
    bench: Bench, leg: OrderDraft, at_once: IntentState, after: IntentState
) -> None:
    _, old = await resting(bench)
    new = replacing(bench, leg)
    await bench.desk.dispatch()
    assert bench.state(new) is at_once
    for _ in range(3):
        await bench.later(10)
    assert (bench.state(old), bench.state(new)) == (State.WORKING, after)
