"""An order is sent a second time only where it certainly never arrived, and then as the very same order."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import LinkChange, OrderError
from rules_engine.model.settings import Settings
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import NOW_S, FakeLink, Killed, Placed, decision, draft

State = IntentState
WANTED = replace(SETTINGS, resend_within_s=60.0)
WITH_MARKET = replace(WANTED, resend_market_within_s=60.0)
AT_LIMIT = draft(kind=OrderKind.LIMIT, limit=401)
ELSEWHERE = "127.0.0.1:7497 another process"


async def lost_on_the_way(bench: Bench, order: object = AT_LIMIT) -> str:
    """Sent, and the connection ends; the gateway never heard of it."""
    link = await bench.connect()
    key = bench.record(decision(order, expires_s=NOW_S + 45))  # type: ignore[arg-type]  # Drafts in all tests here.

    def cut(placed: Placed) -> None:
        bench.ib.next_id = placed.order_id
        bench.desk.detach()

    link.on_place = cut
    await bench.desk.dispatch()
    assert bench.state(key) is State.SENDING
    return key


def numbers(bench: Bench) -> list[tuple[int, str]]:
    return [(placed.order_id, placed.key) for placed in bench.ib.wire]


async def test_it_goes_out_once_more_under_the_same_number_and_reference(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WANTED)
    key = await lost_on_the_way(bench)
    bench.accepting(await bench.connect())
    await bench.later(14)
    assert len(bench.ib.wire) == 1, "absence has not settled"
    await bench.later(1)
    assert len(bench.ib.wire) == 2 and len(set(numbers(bench))) == 1
    assert bench.state(key) is State.WORKING
    await bench.later(61)
    assert len(bench.ib.wire) == 2


def other_process(bench: Bench, link: FakeLink) -> None:
    link.mark = ELSEWHERE


def counted(bench: Bench, link: FakeLink) -> None:
    bench.ib.next_id += 1


def outage(bench: Bench, link: FakeLink) -> None:
    bench.clock.time_s += 1
    bench.desk.on_report(LinkChange(bench.clock.now_s(), "degraded", 1100))
    bench.desk.on_report(LinkChange(bench.clock.now_s(), "up", 1102))


def too_late(bench: Bench, link: FakeLink) -> None:
    bench.clock.time_s += 46


def stopped(bench: Bench, link: FakeLink) -> None:
    bench.stopped = True


def cancelled(bench: Bench, link: FakeLink) -> None:
    bench.desk.cancel_ours(rule="r")


def no_price(bench: Bench, link: FakeLink) -> None:
    bench.market.quotes["MA"] = None


def deaf(bench: Bench, link: FakeLink) -> None:
    link.answers = False


def wrong_account(bench: Bench, link: FakeLink) -> None:
    link.accounts = ("U1",)


def incomplete(bench: Bench, link: FakeLink) -> None:
    link.complete = False


@pytest.mark.parametrize(
    "missing", [other_process, counted, outage, too_late, stopped, cancelled, no_price, deaf, wrong_account, incomplete]
)
async def test_without_every_witness_it_is_never_sent_again(
    tmp_path: Path, missing: Callable[[Bench, FakeLink], None]
) -> None:
    bench = Bench(tmp_path, WANTED)
    key = await lost_on_the_way(bench)
    link = bench.accepting(await bench.connect())
    missing(bench, link)
    for _ in range(10):
        await bench.later(16)
    assert len(bench.ib.wire) == 1
    assert bench.state(key) is (State.SENDING if missing is incomplete else State.UNKNOWN)


@pytest.mark.parametrize(
    ("settings", "order", "count"),
    [
        (SETTINGS, AT_LIMIT, 1),
        (SETTINGS, draft(), 1),
        (WANTED, draft(), 1),
        (WITH_MARKET, draft(), 2),
        (replace(SETTINGS, resend_market_within_s=60.0), AT_LIMIT, 1),
        (replace(WANTED, resend_within_s=10.0), AT_LIMIT, 1),
    ],
)
async def test_it_is_off_unless_asked_for_and_apart_for_market_orders(
    tmp_path: Path, settings: Settings, order: object, count: int
) -> None:
    bench = Bench(tmp_path, settings)
    await lost_on_the_way(bench, order)
    bench.accepting(await bench.connect())
    for _ in range(5):
        await bench.later(16)
    assert len(bench.ib.wire) == count


async def test_lost_twice_it_is_unknown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WANTED)
    key = await lost_on_the_way(bench)
    link = await bench.connect()
    link.on_place = lambda placed: setattr(bench.ib, "next_id", placed.order_id)
    for _ in range(8):
        await bench.later(16)
    assert (len(bench.ib.wire), bench.state(key)) == (2, State.UNKNOWN)


async def test_a_repetition_that_ib_refuses_is_looked_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WANTED)
    key = await lost_on_the_way(bench)
    link = await bench.connect()

    def duplicate(placed: Placed) -> None:
        bench.ib.accept(placed)
        bench.desk.on_report(OrderError(placed.order_id, 103, "Duplicate order id"))

    link.on_place = duplicate
    await bench.later(15)
    await bench.later(0)
    assert (len(bench.ib.wire), bench.state(key)) == (2, State.WORKING)


async def test_half_a_unit_is_never_sent_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WANTED)
    link = await bench.connect()
    bench.record(decision(AT_LIMIT, replace(AT_LIMIT, limit=Decimal(402)), expires_s=NOW_S + 45))

    def first_only(placed: Placed) -> None:
        if len(bench.ib.wire) == 1:
            bench.ib.accept(placed)
        bench.ib.next_id = bench.ib.wire[-1].order_id
        bench.desk.detach()

    link.on_place = first_only
    await bench.desk.dispatch()
    bench.accepting(await bench.connect())
    for _ in range(5):
        await bench.later(16)
    assert len(bench.ib.wire) == 2


async def test_what_ib_answered_with_an_error_did_arrive(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WANTED)
    link = await bench.connect()

    def refuse(placed: Placed) -> None:
        bench.ib.next_id = placed.order_id
        bench.desk.on_report(OrderError(placed.order_id, 321, "something is not valid"))

    link.on_place = refuse
    key = bench.record(decision(AT_LIMIT, expires_s=NOW_S + 45))
    await bench.desk.dispatch()
    for _ in range(5):
        await bench.later(16)
    assert (bench.state(key), len(bench.ib.wire)) == (State.UNKNOWN, 1)


def time_passes(bench: Bench, second: Placed) -> None:
    bench.clock.time_s += 50


def error_comes(bench: Bench, second: Placed) -> None:
    bench.desk.on_report(OrderError(second.order_id, 321, "something is not valid"))


def nothing_happens(bench: Bench, second: Placed) -> None:
    pass


@pytest.mark.parametrize(("meanwhile", "count"), [(nothing_happens, 2), (time_passes, 1), (error_comes, 1)])
async def test_what_waited_behind_another_one_is_looked_at_again(
    tmp_path: Path, meanwhile: Callable[[Bench, Placed], None], count: int
) -> None:
    bench = Bench(tmp_path, WANTED)
    link = await bench.connect()
    keys = [bench.record(decision(replace(AT_LIMIT, limit=Decimal(limit)))) for limit in (401, 402)]
    link.on_place = lambda placed: setattr(bench.ib, "next_id", bench.ib.wire[0].order_id)
    await bench.desk.dispatch()
    lost = list(bench.ib.wire)
    assert [placed.key for placed in lost] == keys
    bench.ib.wire.clear()
    bench.desk.detach()
    link = await bench.connect()

    def accept(placed: Placed) -> None:
        bench.desk.on_report(bench.ib.accept(placed))
        if placed.key == keys[0]:
            meanwhile(bench, lost[1])

    link.on_place = accept
    await bench.later(15)
    assert [placed.key for placed in bench.ib.wire] == keys[:count]


@pytest.mark.parametrize("first_copy", ["lost", "late, before the second", "late, after the second"])
@pytest.mark.parametrize("kill", ["never", "before the wire", "after the wire"])
async def test_whatever_dies_and_whatever_comes_late_it_is_one_order(
    tmp_path: Path, first_copy: str, kill: str
) -> None:
    bench = Bench(tmp_path, WANTED)
    key = await lost_on_the_way(bench)
    [first] = bench.ib.wire

    def arrives(placed: Placed) -> None:
        """One gateway process knows an order id once: a second one of that number changes nothing."""
        if not any(order.order_id == placed.order_id for order in bench.ib.orders.values()):
            bench.desk.on_report(bench.ib.accept(placed))

    def dies(placed: Placed) -> None:
        if kill == "before the wire":
            raise Killed

    def second(placed: Placed) -> None:
        if first_copy == "late, before the second":
            arrives(first)
        arrives(placed)
        if kill == "after the wire":
            raise Killed
        if first_copy == "late, after the second":
            arrives(first)

    link = await bench.connect()
    link.before_place, link.on_place = dies, second
    bench.clock.time_s += 15
    try:
        await bench.desk.step()
    except Killed:
        bench.restart()
        if first_copy == "late, after the second":
            arrives(first)
        again = await bench.connect()
        again.on_place = second
    for _ in range(6):
        await bench.later(16)
    assert len(set(numbers(bench))) == 1 and len(bench.ib.wire) <= 2
    assert len(bench.ib.orders) == (0 if kill == "before the wire" and first_copy != "late, after the second" else 1)
    assert bench.state(key) is (State.WORKING if bench.ib.orders else State.UNKNOWN)
