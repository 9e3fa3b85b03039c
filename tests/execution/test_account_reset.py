"""An account whose positions are all gone without a trade: nothing more is sent before its user has looked."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from rules_engine.model.action import Side
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import ExecutionReport
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, V, decision, draft

State = IntentState


async def bought(bench: Bench) -> str:
    """100 MA of our own, and 5 TSLA of somebody else's making, as IB last told them."""
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    bench.ib.positions |= {"MA": Decimal(100), "TSLA": Decimal(5)}
    await bench.desk.reconcile()
    return key


async def connected_again(bench: Bench) -> None:
    """Long enough for IB to be asked twice."""
    bench.desk.detach()
    bench.accepting(await bench.connect())
    await bench.later(15)


def by_hand(name: str, at_s: float = NOW_S) -> ExecutionReport:
    return ExecutionReport("f.1.01", "", 77, 5, 0, name, 7, "sell", Decimal(100), Decimal(400), at_s)


def alarms(bench: Bench) -> list[str]:
    return [text for kind, text in zip(bench.told("desk"), bench.texts("desk"), strict=True) if kind == "alarm"]


async def test_all_positions_gone_halts_and_asks_once_until_it_is_resumed(bench: Bench) -> None:
    await bought(bench)
    bench.ib.positions.clear()
    await connected_again(bench)
    [alarm] = alarms(bench)
    assert "all positions of the account are gone and no trade explains it: MA, TSLA" in alarm
    assert alarm.endswith("rules resume")
    assert bench.desk.waiting_for.startswith("all positions of the account are gone")
    late = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    assert bench.state(late) is State.INTENT
    assert bench.desk.go_on() and not bench.desk.go_on()
    await bench.desk.dispatch()
    assert bench.state(late) is State.WORKING
    await connected_again(bench)
    assert (len(alarms(bench)), bench.desk.waiting_for) == (1, "")


async def test_the_halt_survives_a_restart_and_is_not_told_again(bench: Bench) -> None:
    await bought(bench)
    bench.ib.positions.clear()
    await connected_again(bench)
    for _ in range(2):
        bench.restart()
        await connected_again(bench)
    assert len(alarms(bench)) == 1
    assert bench.desk.waiting_for.startswith("all positions of the account are gone")
    assert not bench.desk.adopt(), "there is nothing to adopt"


@pytest.mark.parametrize("kills", [1, 2, 3])
async def test_it_is_noticed_however_often_the_engine_dies_before_it_has_asked_twice(bench: Bench, kills: int) -> None:
    await bought(bench)
    bench.ib.positions.clear()
    for _ in range(kills):
        bench.restart()
        bench.accepting(await bench.connect())
        assert bench.desk.waiting_for.startswith("all positions of the account are gone; IB is asked")
        await bench.later(10)
    await connected_again(bench)
    assert len(alarms(bench)) == 1


async def test_nothing_leaves_while_ib_is_asked_once_more_and_what_comes_back_is_no_reset(bench: Bench) -> None:
    await bought(bench)
    before = dict(bench.ib.positions)
    bench.ib.positions.clear()
    bench.desk.detach()
    bench.accepting(await bench.connect())
    key = bench.record(decision(draft(instrument=V)))
    await bench.later(14)
    assert bench.state(key) is State.INTENT
    bench.ib.positions |= before
    await bench.later(1)
    assert (bench.state(key), bench.desk.waiting_for, alarms(bench)) == (State.WORKING, "", [])


async def test_an_answer_that_does_not_come_is_no_empty_account(bench: Bench) -> None:
    await bought(bench)
    bench.ib.positions.clear()
    bench.desk.detach()
    await bench.connect(complete=False)
    for _ in range(3):
        await bench.later(31)
    assert alarms(bench) == [] and bench.desk.waiting_for


def one_left(bench: Bench) -> None:
    del bench.ib.positions["MA"]


def sold_by_hand(bench: Bench) -> None:
    bench.ib.positions.clear()
    bench.ib.executions.append(by_hand("MA"))


def sold_by_us(bench: Bench) -> None:
    bench.ib.positions.clear()
    [key] = bench.ib.orders
    bench.ib.fill(key, "100", "402")


def perhaps_sold_by_us(bench: Bench) -> None:
    assert bench.ib.orders, "one of our orders is still at IB"
    bench.ib.positions.clear()


@pytest.mark.parametrize("change", [one_left, sold_by_hand, sold_by_us, perhaps_sold_by_us])
async def test_what_a_trade_explains_or_may_explain_or_what_is_only_less_halts_nothing(
    bench: Bench, change: Callable[[Bench], None]
) -> None:
    await bought(bench)
    if change in (sold_by_us, perhaps_sold_by_us):
        bench.market.positions["MA"] = Decimal(100)
        bench.record(decision(draft(side=Side.SELL)))
        await bench.desk.dispatch()
        del bench.ib.positions["TSLA"]
        await bench.desk.reconcile()
    change(bench)
    await connected_again(bench)
    assert (alarms(bench), bench.desk.waiting_for) == ([], "")


async def test_a_trade_of_an_earlier_day_explains_nothing(bench: Bench) -> None:
    bench.ib.executions.append(by_hand("MA", NOW_S - 3600))
    await bought(bench)
    bench.ib.positions.clear()
    await connected_again(bench)
    assert len(alarms(bench)) == 1


async def test_positions_that_our_fills_did_not_build_are_none_of_our_business(bench: Bench) -> None:
    bench.ib.positions |= {"TSLA": Decimal(5)}
    await bench.connect()
    bench.ib.positions.clear()
    await connected_again(bench)
    assert (alarms(bench), bench.desk.waiting_for) == ([], "")


async def test_what_is_closed_by_hand_while_we_look_on_halts_nothing(bench: Bench) -> None:
    await bought(bench)
    bench.ib.positions.clear()
    await bench.desk.reconcile()
    await connected_again(bench)
    assert (alarms(bench), bench.desk.waiting_for) == ([], "")


async def test_an_empty_account_that_never_held_anything_is_as_it_was(bench: Bench) -> None:
    for _ in range(3):
        await connected_again(bench)
    assert bench.told("desk") == [] and bench.told() == []
    assert NoticeKind.ALARM not in bench.told()
