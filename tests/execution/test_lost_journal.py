"""A journal that is gone takes with it what was sent: a new one does not trade past the orders of the old one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from tests.execution.bench import Bench
from tests.execution.doubles import V, decision, draft

State = IntentState


def works_on(bench: Bench, key: str) -> None:
    """The order stays open."""


def fills(bench: Bench, key: str) -> None:
    bench.ib.fill(key, "100", "400")
    bench.ib.completed.clear()


def lose_journal(bench: Bench) -> None:
    """Another start, in an empty state folder."""
    bench.kill()
    for left in bench.path.parent.glob("journal.db*"):
        left.unlink()
    bench.start()


async def sent_and_lost(bench: Bench, fate: Callable[[Bench, str], None]) -> str:
    """An order went out, the journal is gone, and a firing of the new one waits. The key of that."""
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fate(bench, key)
    lose_journal(bench)
    bench.accepting(await bench.connect())
    waiting = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    return waiting


@pytest.mark.parametrize("fate", [works_on, fills])
async def test_orders_of_a_lost_journal_stop_all_sending_until_they_are_adopted(
    bench: Bench, fate: Callable[[Bench, str], None]
) -> None:
    waiting = await sent_and_lost(bench, fate)
    [before] = [placed.key for placed in bench.ib.wire]
    for _ in range(2):
        await bench.later(900)
        assert (bench.state(waiting), len(bench.ib.wire)) == (State.INTENT, 1)
    assert before in bench.desk.waiting_for
    [alarm] = bench.texts("desk")
    assert bench.told("desk") == [NoticeKind.ALARM]
    assert before in alarm and "journal" in alarm and alarm.endswith("rules adopt")
    bench.restart()
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert (bench.state(waiting), len(bench.ib.wire)) == (State.INTENT, 1), "a restart is no answer"
    assert bench.desk.adopt()
    await bench.desk.step()
    assert (bench.state(waiting), bench.desk.waiting_for) == (State.WORKING, "")
    await bench.later(900)
    assert (bench.desk.waiting_for, len(bench.texts("desk"))) == ("", 1), "what was adopted is known"


async def test_an_engine_under_another_client_id_is_no_reason_to_refuse(bench: Bench) -> None:
    def changed(bench: Bench, key: str) -> None:
        bench.ib.orders[key] = replace(bench.ib.orders[key], client_id=18)

    key = await sent_and_lost(bench, changed)
    assert bench.state(key) is State.WORKING


async def test_orders_of_other_programs_under_our_client_id_are_no_reason_to_refuse(bench: Bench) -> None:
    def changed(bench: Bench, key: str) -> None:
        bench.ib.orders[key] = replace(bench.ib.orders[key], order_ref="my own note")

    key = await sent_and_lost(bench, changed)
    assert bench.state(key) is State.WORKING
