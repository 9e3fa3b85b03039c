"""What IB says against an order: when that ends it, and when it only makes us ask."""

from dataclasses import replace
from decimal import Decimal
from sqlite3 import Cursor

import pytest

from rules_engine.execution.codes import CODES, Meaning
from rules_engine.execution.database import Value
from rules_engine.execution.session import Complaint
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import BrokerStatus, OrderError
from rules_engine.model.settings import Mode
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, FakeLink, Killed, Placed, V, decision, draft

State = IntentState


def rejecting(bench: Bench, link: FakeLink, *, seen: bool = False) -> None:
    """IB answers each order with 201, having taken it in (and shown it) before or not."""

    def reject(placed: Placed) -> None:
        if seen:
            bench.desk.on_report(bench.ib.accept(placed, BrokerStatus.PENDING))
        for _ in range(2):
            bench.desk.on_report(OrderError(placed.order_id, 201, "Order rejected - reason: no margin"))

    link.on_place = reject


async def rejected_though_seen(bench: Bench, link: FakeLink) -> str:
    """The key of an order that IB has shown before it says 201."""
    rejecting(bench, link, seen=True)
    key = bench.record()
    await bench.desk.dispatch()
    return key


async def test_a_rejection_is_told_once_and_does_not_use_up_once(bench: Bench) -> None:
    link = await bench.connect()
    rejecting(bench, link)
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.REJECTED
    assert bench.texts() == ["r: IB rejected: buy 100 MA at market day. Order rejected - reason: no margin (201)"]
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.REJECTED, False)]
    assert link.asked == 2, "IB's answers are read before an order is called over"


async def test_a_rejection_ends_nothing_before_ib_s_answers_are_complete(bench: Bench) -> None:
    link = await bench.connect()
    rejecting(bench, link)
    link.complete = False
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.told(), bench.ears.ends) == (State.SENDING, [], [])
    link.complete = True
    await bench.later(2)
    assert (bench.state(key), bench.told()) == (State.REJECTED, [NoticeKind.REJECTED])


@pytest.mark.parametrize("listed", [BrokerStatus.INACTIVE, None])
async def test_a_rejected_order_that_ib_shows_inactive_or_no_more_is_over(
    bench: Bench, listed: BrokerStatus | None
) -> None:
    key = await rejected_though_seen(bench, await bench.connect())
    assert bench.state(key) is State.ACKED, "it was alive when IB was asked"
    shown = bench.ib.orders.pop(key)
    if listed:
        bench.ib.orders[key] = replace(shown, status=listed)
    await bench.later(15)
    assert (bench.state(key), bench.told()) == (State.REJECTED, [NoticeKind.REJECTED])
    assert "no margin (201)" in bench.texts()[0]


async def test_a_rejection_in_the_list_of_completed_orders_carries_ib_s_reason(bench: Bench) -> None:
    key = await rejected_though_seen(bench, await bench.connect())
    bench.ib.end(key, BrokerStatus.INACTIVE)
    await bench.desk.step()
    assert (bench.state(key), bench.told()) == (State.REJECTED, [NoticeKind.REJECTED])
    assert "no margin (201)" in bench.texts()[0]


async def test_a_rejection_of_an_order_that_lives_on_is_not_believed(bench: Bench) -> None:
    link = await bench.connect()
    key = await rejected_though_seen(bench, link)
    for _ in range(3):
        await bench.later(16)
    assert (bench.state(key), bench.told(), bench.ears.ends) == (State.ACKED, [], [])
    asked = link.asked
    await bench.later(60)
    assert link.asked == asked, "it was asked about often enough"
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert (bench.state(key), bench.told()) == (State.FILLED, [NoticeKind.FILLED])


async def test_a_rejection_after_a_part_has_filled_ends_the_rest(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "40", "401"))
    bench.ib.orders.pop(key)
    bench.desk.on_report(OrderError(bench.ib.wire[0].order_id, 201, "no margin for the rest"))
    await bench.desk.step()
    assert (bench.state(key), bench.intent(key).filled) == (State.CANCELLED, Decimal(40))


async def test_a_doubt_takes_a_rejection_not_back(bench: Bench) -> None:
    link = await bench.connect()

    def reject(placed: Placed) -> None:
        for code in (201, 10147):
            bench.desk.on_report(OrderError(placed.order_id, code, "no"))

    link.on_place = reject
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.REJECTED


@pytest.mark.parametrize(
    "code", [10349, 399, 404, 161, 10147, 10148, 109, 110, 200, 103, 321, 329, 322, 201, 202, 203, 4242]
)
async def test_an_error_on_an_order_that_lives_leaves_it_alive(bench: Bench, code: int) -> None:
    link = bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(OrderError(bench.ib.wire[0].order_id, code, "something"))
    await bench.desk.step()
    assert bench.state(key) is State.WORKING
    assert bench.ears.ends == []
    assert link.asked == (1 if code in (10349, 399, 404) else 2), "doubt means asking"


REFUSALS = {203: State.REJECTED, 202: State.CANCELLED}
DOUBTS = [row.code for row in CODES if row.meaning is Meaning.REREAD]


async def refused_with(bench: Bench, code: int) -> tuple[FakeLink, str]:
    """IB answers a new order with this error, and shows it nowhere."""
    link = await bench.connect()
    link.on_place = lambda placed: bench.desk.on_report(OrderError(placed.order_id, code, "bF : cause - no"))
    key = bench.record()
    await bench.desk.dispatch()
    return link, key


@pytest.mark.parametrize(("code", "state"), REFUSALS.items())
async def test_a_refusal_ends_a_new_order_once_ib_has_shown_no_trace_of_it_for_a_while(
    bench: Bench, code: int, state: IntentState
) -> None:
    link, key = await refused_with(bench, code)
    assert (link.asked, bench.state(key), bench.ears.ends) == (2, State.SENDING, [])
    await bench.later(14)
    assert (link.asked, bench.state(key)) == (2, State.SENDING), "one absence proves nothing"
    await bench.later(1)
    assert link.asked == 3
    assert (bench.state(key), bench.intent(key).reason) == (state, f"bF : cause - no ({code})")


@pytest.mark.parametrize("code", REFUSALS)
async def test_an_answer_that_is_not_complete_ends_no_refused_order(bench: Bench, code: int) -> None:
    link, key = await refused_with(bench, code)
    link.complete = False
    for _ in range(3):
        await bench.later(31)
    assert bench.state(key) is State.SENDING
    link.complete = True
    await bench.later(31)
    assert bench.state(key) is REFUSALS[code]


@pytest.mark.parametrize("code", [*REFUSALS, 109, 110, 200, 321, 320])
async def test_an_error_on_an_order_that_ib_only_holds_back_ends_nothing(bench: Bench, code: int) -> None:
    _, key = await refused_with(bench, code)
    bench.ib.accept(bench.ib.wire[0])
    for _ in range(3):
        await bench.later(16)
    assert bench.state(key) is State.WORKING
    assert (bench.told("desk"), bench.ears.ends, len(bench.ib.wire)) == ([], [], 1)


@pytest.mark.parametrize("code", DOUBTS)
async def test_no_other_error_ends_an_order_that_ib_does_not_show(bench: Bench, code: int) -> None:
    _, key = await refused_with(bench, code)
    for _ in range(20):
        await bench.later(61)
    assert (bench.state(key), bench.ears.ends, len(bench.ib.wire)) == (State.UNKNOWN, [], 1)
    assert f"IB answered: bF : cause - no ({code})" in bench.texts("desk")[0]
    assert bench.desk.resolve(key, placed=False), "its user can end it"


@pytest.mark.parametrize("late_s", [16, 31, 400])
@pytest.mark.parametrize("code", [109, 110, 200, 321, 320])
async def test_an_error_that_may_name_a_living_order_leaves_it_unknown_until_ib_shows_it(
    bench: Bench, code: int, late_s: int
) -> None:
    _, key = await refused_with(bench, code)
    await bench.later(15)
    assert (bench.state(key), bench.ears.ends) == (State.UNKNOWN, [])
    assert set(bench.told("desk")) == {NoticeKind.UNKNOWN_ORDER}
    assert f"IB answered: bF : cause - no ({code})" in bench.texts("desk")[0]
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(late_s)
    await bench.later(61)
    assert bench.state(key) is State.WORKING
    assert NoticeKind.ALARM not in bench.told("desk")


async def test_what_ib_answered_to_a_lost_order_outlives_a_crash(bench: Bench) -> None:
    _, key = await refused_with(bench, 203)
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert bench.state(key) is State.UNKNOWN, "the error was heard on another connection"
    assert "bF : cause - no (203)" in bench.texts("desk")[0]


async def lost_after_rejection(bench: Bench, *, restarts: bool, hears_last: bool) -> str:
    """IB says 201 of a new order and the link is gone, before or right after that; then there is another one."""
    link = await bench.connect()
    bench.record()
    rejection = OrderError(1, 201, "Order rejected - reason: no margin")

    def lose(placed: Placed) -> None:
        if hears_last:
            bench.desk.detach()
        bench.desk.on_report(rejection)
        bench.desk.detach()

    link.on_place = lose
    await bench.desk.dispatch()
    key = bench.ib.wire[0].key
    assert (bench.ib.wire[0].order_id, bench.state(key)) == (rejection.order_id, State.SENDING)
    if restarts:
        bench.restart()
    return key


@pytest.mark.parametrize("hears_last", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_rejection_heard_as_the_link_was_lost_ends_the_order_once_ib_shows_no_trace_of_it(
    bench: Bench, restarts: bool, hears_last: bool
) -> None:
    key = await lost_after_rejection(bench, restarts=restarts, hears_last=hears_last)
    link = await bench.connect(complete=False)
    await bench.later(20)
    assert bench.state(key) is State.SENDING, "no answer was complete"
    link.complete = True
    await bench.later(31)
    assert (bench.state(key), bench.told()) == (State.REJECTED, [NoticeKind.REJECTED])
    assert "no margin (201)" in bench.texts()[0]
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.REJECTED, False)]
    assert bench.desk._rejections.open() == {}


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_rejection_of_an_order_that_the_next_connection_shows_alive_is_not_believed_later_either(
    bench: Bench, restarts: bool
) -> None:
    key = await lost_after_rejection(bench, restarts=restarts, hears_last=False)
    bench.ib.accept(bench.ib.wire[0])
    await bench.connect()
    await bench.later(16)
    assert bench.state(key) is State.WORKING
    bench.ib.orders.pop(key)
    bench.restart()
    await bench.connect()
    await bench.later(16)
    assert (bench.state(key), len(bench.ib.wire)) == (State.UNKNOWN, 1)


async def test_a_refused_order_holds_up_no_other(bench: Bench) -> None:
    link, key = await refused_with(bench, 203)
    bench.accepting(link)
    other = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    assert (bench.state(key), bench.state(other), link.asked) == (State.SENDING, State.WORKING, 2)


async def test_a_duplicate_number_is_never_answered_with_a_new_one(bench: Bench) -> None:
    link = await bench.connect()
    link.on_place = lambda placed: bench.desk.on_report(OrderError(placed.order_id, 103, "Duplicate order id"))
    key = bench.record()
    await bench.desk.dispatch()
    for _ in range(3):
        await bench.later(61)
    assert bench.state(key) is State.UNKNOWN
    assert len(bench.ib.wire) == 1


async def test_a_rejection_is_written_and_forgotten_by_itself_however_many_there_are(bench: Bench) -> None:
    written, execute = list[int](), bench.journal._database.execute

    def counted(statement: str, *values: Value) -> Cursor:
        written.append(sum(len(value) for value in values if isinstance(value, str)))
        return execute(statement, *values)

    def heard(number: int) -> int:
        written.clear()
        bench.desk._rejections.heard(f"key{number:04}", Complaint(Meaning.REJECTS, "no margin (201)", NOW_S + number))
        return sum(written)

    bench.journal._database.execute = counted  # type: ignore[method-assign]  # What is written to the journal.
    lengths = {heard(number) for number in range(200)}
    assert len(lengths) == 1
    bench.restart()
    bench.journal.enter(Mode.PAPER, "DU2")
    assert bench.desk._rejections.open() == {}
    bench.journal.enter(Mode.PAPER, "DU1")
    found = bench.desk._rejections.open()
    assert len(found) == 200
    assert found["key0007"] == Complaint(Meaning.REJECTS, "no margin (201)", NOW_S + 7)
    bench.desk._rejections.only({"key0007"})
    assert list(bench.desk._rejections.open()) == ["key0007"]
    bench.restart()
    assert list(bench.desk._rejections.open()) == ["key0007"]


async def test_a_rejection_that_is_forgotten_in_what_came_to_nothing_is_still_known(bench: Bench) -> None:
    rejections = bench.desk._rejections
    rejections.heard("a", Complaint(Meaning.REJECTS, "no", NOW_S))
    with pytest.raises(Killed), bench.journal.transaction():
        rejections.only(())
        rejections.heard("b", Complaint(Meaning.REJECTS, "no", NOW_S))
        raise Killed
    assert list(rejections.open()) == ["a"]
