"""What IB's complete answers prove about an order, and what they do not."""

from dataclasses import replace

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from tests.execution.bench import Bench
from tests.execution.doubles import FakeLink, Placed

State = IntentState


async def test_an_order_that_was_over_and_lives_is_told_not_touched(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(replace(bench.ib.orders[key], status=bench.ib.end(key).status))
    assert bench.state(key) is State.CANCELLED
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(900)
    assert bench.state(key) is State.CANCELLED
    assert NoticeKind.ALARM in bench.told("desk")


async def test_a_completed_order_without_reference_is_found_by_its_permanent_number(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.ib.end(key)
    bench.ib.completed[key] = replace(bench.ib.completed[key], order_ref="")
    bench.restart()
    await bench.connect()
    assert bench.state(key) is State.CANCELLED


async def test_something_alike_without_our_reference_proves_nothing(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    bench.ib.accept(replace(link.ib.wire[0], key=""))
    await bench.later(60)
    assert bench.state(key) is State.UNKNOWN


async def test_silence_after_an_order_is_answered_by_asking_not_by_sending(bench: Bench) -> None:
    link = await bench.connect()
    link.on_place = lambda placed: bench.ib.accept(placed)
    key = bench.record()
    await bench.desk.dispatch()
    assert link.asked == 2
    assert bench.state(key) is State.WORKING
    assert len(bench.ib.wire) == 1


@pytest.mark.parametrize("breaks", ["detach", "attach"])
async def test_a_connection_lost_while_waiting_for_the_answer_leaves_it_to_the_next_one(
    bench: Bench, breaks: str
) -> None:
    link = await bench.connect()
    following = FakeLink(bench.ib)

    def cut(placed: Placed) -> None:
        bench.ib.accept(placed)
        bench.desk.detach()
        if breaks == "attach":
            bench.desk.attach(following)

    link.on_place = cut
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.SENDING
    bench.desk.attach(following)
    await bench.desk.step()
    assert bench.state(key) is State.WORKING
