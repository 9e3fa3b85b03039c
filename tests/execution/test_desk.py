"""Intents to orders: what leaves, when, in which form, and what does not leave."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.action import Remaining, Side
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import OrderError
from rules_engine.model.settings import Mode
from tests.execution.bench import SETTINGS, UNPACED, Bench, limits
from tests.execution.doubles import MA, FakeLink, Placed, V, decision, draft

State = IntentState


async def test_a_committed_intent_leaves_once_with_its_key_as_reference(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    await bench.desk.dispatch()
    assert [(placed.key, placed.account, placed.transmit) for placed in bench.ib.wire] == [(key, "DU1", True)]
    assert bench.state(key) is State.WORKING
    assert bench.intent(key).perm_id == 9001


async def test_sending_is_on_disk_with_its_number_before_the_first_byte(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    seen = []

    def look(placed: Placed) -> None:
        assert not bench.journal.in_transaction
        intent = bench.intent(key)
        seen.append((intent.state, intent.order_id, intent.gateway_mark, bench.journal.order_id_high_water))

    link.before_place = look
    bench.accepting(link)
    await bench.desk.dispatch()
    [placed] = bench.ib.wire
    assert seen == [(State.SENDING, placed.order_id, link.mark, placed.order_id)]


async def test_order_numbers_only_ever_rise_even_when_ib_counts_back(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.record()
    await bench.desk.dispatch()
    bench.ib.next_id = 1
    bench.restart()
    bench.accepting(await bench.connect())
    bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    first, second = bench.ib.wire
    assert second.order_id > first.order_id


async def test_dry_sends_nothing_in_any_later_mode(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, mode=Mode.DRY))
    key = bench.record()
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert bench.desk.waiting_for == "the mode is dry"
    bench.stopped = True
    assert bench.desk.waiting_for == "the kill switch is on", "which holds in any later mode too"
    bench.stopped = False
    for settings in (SETTINGS, replace(SETTINGS, mode=Mode.LIVE, account="U1")):
        bench.settings = settings
        bench.restart()
        bench.accepting(await bench.connect())
        await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(key) is State.DRY


@pytest.mark.parametrize(
    "traits", [{"accounts": ("U1",)}, {"accounts": ("DU1", "U2"), "port": 7496}, {"accounts": ("DU9",)}]
)
async def test_the_wrong_account_holds_back_and_says_so(bench: Bench, traits: dict[str, object]) -> None:
    bench.accepting(await bench.connect(**traits))
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])
    assert bench.told() == [NoticeKind.HELD_BACK]
    assert Reason.WRONG_ACCOUNT in bench.texts()[0]


async def test_live_sends_only_with_the_flag(tmp_path: Path) -> None:
    settings = replace(SETTINGS, mode=Mode.LIVE, account="U1")
    for flag, state in ((False, State.BLOCKED), (True, State.WORKING)):
        bench = Bench(tmp_path / str(flag), settings, live_flag=flag)
        bench.accepting(await bench.connect(accounts=("U1",), port=7496))
        key = bench.record()
        await bench.desk.dispatch()
        assert bench.state(key) is state


async def test_a_limit_at_the_moment_of_sending_blocks_and_does_not_use_up_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_order_quantity=99.0))
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])
    assert "max_order_quantity is 99" in bench.texts()[0]
    [end] = bench.ears.ends
    assert (end.state, end.used) == (State.BLOCKED, False)


async def test_what_is_reserved_by_one_firing_counts_against_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_position_value=100_000.0))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(draft(quantity=Decimal(100 + number)))) for number in range(5)]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING] * 2 + [State.BLOCKED] * 3


async def test_the_same_order_from_another_firing_is_held_back_for_a_minute(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(rule="a")), bench.record(decision(rule="b"))]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING, State.BLOCKED]
    await bench.later(60)
    third = bench.record(decision(rule="b"))
    await bench.desk.dispatch()
    assert bench.state(third) is State.WORKING


async def test_the_kill_switch_blocks_what_was_not_sent(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.stopped = True
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.ib.wire) == (State.BLOCKED, [])


async def test_units_leave_one_at_a_time(bench: Bench) -> None:
    link, on_the_wire = await bench.connect(), asyncio.Event()
    link.on_place = lambda placed: on_the_wire.set()
    first, second = bench.record(), bench.record(decision(draft(instrument=V)))
    sending = asyncio.create_task(bench.desk.dispatch())
    await asyncio.wait_for(on_the_wire.wait(), 30)
    assert [placed.key for placed in bench.ib.wire] == [first]
    assert bench.state(second) is State.INTENT
    bench.accepting(link)
    bench.desk.on_report(bench.ib.accept(bench.ib.wire[0]))
    await asyncio.wait_for(sending, 30)
    assert [placed.key for placed in bench.ib.wire] == [first, second]


async def test_a_bracket_goes_out_as_one_family_whose_last_leg_transmits(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    profit = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=1)
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=1)
    bench.record(decision(draft(instrument=V), draft(), profit, stop))
    await bench.desk.dispatch()
    alone, entry, *children = bench.ib.wire
    assert [placed.transmit for placed in bench.ib.wire] == [True, False, False, True]
    assert (alone.parent_id, entry.parent_id) == (0, 0)
    assert [child.parent_id for child in children] == [entry.order_id] * 2
    assert len({placed.key for placed in bench.ib.wire}) == 4


async def test_the_name_of_a_group_is_its_firing_s_own(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    legs = [draft(quantity=Decimal(count), group="g0", remaining=Remaining.CANCEL) for count in (1, 2)]
    keys = [bench.record(decision(*legs)), bench.record(decision(*[replace(leg, instrument=V) for leg in legs]))]
    await bench.desk.dispatch()
    names = [placed.group for placed in bench.ib.wire]
    assert names[0] == names[1] != names[2] == names[3]
    assert names[0] == keys[0].removesuffix(".0") + ".g0"
    assert all(placed.transmit for placed in bench.ib.wire)


async def test_a_link_that_breaks_in_the_middle_of_a_unit_leaves_it_to_the_evidence(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())

    def fail(placed: Placed) -> None:
        if placed.draft.instrument == V:
            raise LinkDown("broken pipe")

    link.before_place = fail
    bench.record(decision(draft(), draft(instrument=V)))
    await bench.desk.dispatch()
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.WORKING, State.SENDING]
    assert bench.desk.waiting_for == "broken pipe"


async def test_reports_on_foreign_orders_are_none_of_our_business(bench: Bench) -> None:
    link = bench.accepting(await bench.connect())
    foreign = bench.ib.accept(Placed(77, draft(), "my own order", "DU1", "", 0, True))
    bench.desk.on_report(foreign)
    bench.desk.on_report(bench.ib.fill("my own order", "100", "1"))
    bench.desk.on_report(OrderError(77, 201, "rejected"))
    bench.desk.cancel_ours(instrument=draft().instrument)
    await bench.desk.reconcile()
    await bench.desk.dispatch()
    assert (bench.told(), bench.told("desk"), bench.ib.cancels, link.asked) == ([], [], [], 2)


async def test_serve_sends_what_is_recorded_while_it_runs(bench: Bench) -> None:
    link, working = FakeLink(bench.ib), asyncio.Event()

    def accept(placed: Placed) -> None:
        bench.desk.on_report(bench.ib.accept(placed))
        working.set()

    link.on_place = accept
    serving = asyncio.create_task(bench.desk.serve())
    keys = []
    for instrument in (MA, V):
        keys.append(bench.record(decision(draft(instrument=instrument))))
        if instrument == MA:
            bench.desk.attach(link)
        bench.desk.wake()
        await asyncio.wait_for(working.wait(), 30)
        working.clear()
    assert [bench.state(key) for key in keys] == [State.WORKING] * 2
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 30)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"limits": UNPACED, "mode": Mode.LIVE}, ("the account is not of the kind that the mode names", "")),
        (
            {"limits": replace(UNPACED, max_order_quantity=Decimal(1))},
            ("a limit would be exceeded", "max_order_quantity"),
        ),
        ({"limits": replace(UNPACED, instruments=frozenset())}, ("a limit would be exceeded", "limits.instruments")),
    ],
)
async def test_what_is_refused_at_the_moment_of_sending_is_named_and_counted(
    tmp_path: Path, changes: dict[str, object], expected: tuple[str, str]
) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, **changes))  # type: ignore[arg-type]  # Fields by name.
    await bench.connect()
    for number in range(3):
        bench.record(decision(draft(quantity=Decimal(10 + number))))
    await bench.desk.dispatch()
    refused = bench.journal.ledger.refusals()
    assert [(one.reason, one.limit, one.count) for one in refused] == [(*expected, 3)]
    assert bench.journal.ledger.fates()["held back"] == 3
    assert [fire.reason for fire in bench.journal.ledger.fires()] == [expected[0]] * 3
    assert bench.told() == [NoticeKind.HELD_BACK] * 3
