"""What moves an intent: IB's reports through the table, and nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.codes import CODES, Meaning, meaning_of
from rules_engine.execution.order_states import (
    MOVES,
    Fill,
    OrderEvent,
    exec_parts,
    executed,
    move,
    reported,
    supersedes,
    unit_state,
    uses_once,
)
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import BrokerStatus, ExecutionReport, OrderReport
from tests.execution.doubles import NOW_S, draft

State = IntentState
NEVER_SENT = (State.INTENT, State.DRY, State.BLOCKED)
OVER = (State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED)


def intent(state: IntentState = State.SENDING, filled: str = "0", **changes: object) -> Intent:
    values = {"sent_s": NOW_S, **changes}
    return Intent("k", "r", 1, 0, draft(), NOW_S, state, filled=Decimal(filled), **values)  # type: ignore[arg-type]  # By name.


def report(status: BrokerStatus, filled: str = "0", **changes: object) -> OrderReport:
    done = Decimal(filled)
    values = {"completed": False, **changes}
    return OrderReport("k", 9, 5, 17, status, done, 100 - done, Decimal(401) if done else None, **values)  # type: ignore[arg-type]  # By name.


def sized(status: BrokerStatus, filled: str, remaining: str) -> OrderReport:
    return replace(report(status, filled), remaining=Decimal(remaining))


def execution(exec_id: str = "a.b.01", quantity: str = "100") -> ExecutionReport:
    return ExecutionReport(exec_id, "k", 9, 5, 17, "MA", 7, "buy", Decimal(quantity), Decimal(401), NOW_S)


def test_the_table_knows_every_state() -> None:
    assert set(MOVES) == set(State)


@pytest.mark.parametrize("state", NEVER_SENT)
@pytest.mark.parametrize("event", OrderEvent)
def test_what_was_never_sent_never_moves(state: IntentState, event: OrderEvent) -> None:
    assert move(state, event) is state


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("event", sorted(set(OrderEvent) - {OrderEvent.FILLED_ALL, OrderEvent.ENLARGED}))
def test_what_is_over_stays_so_except_for_a_fill(state: IntentState, event: OrderEvent) -> None:
    assert move(state, event) is state
    assert move(state, OrderEvent.FILLED_ALL) is State.FILLED


@pytest.mark.parametrize("state", sorted(set(State) - {State.FILLED}))
def test_only_what_counted_as_filled_is_opened_again_by_a_larger_size(state: IntentState) -> None:
    assert move(state, OrderEvent.ENLARGED) is state
    assert move(State.FILLED, OrderEvent.ENLARGED) is State.PARTIAL


@pytest.mark.parametrize("state", [State.SENDING, State.ACKED, State.WORKING, State.PARTIAL])
def test_losing_sight_of_an_order_is_never_taken_for_its_end(state: IntentState) -> None:
    assert move(state, OrderEvent.LOST) is State.UNKNOWN


@pytest.mark.parametrize("state", [State.UNKNOWN, State.ADOPTED, State.ABANDONED])
@pytest.mark.parametrize(
    ("status", "after"),
    [
        (BrokerStatus.HELD, State.ACKED),
        (BrokerStatus.WORKING, State.WORKING),
        (BrokerStatus.CANCELLED, State.CANCELLED),
        (BrokerStatus.FILLED, State.FILLED),
    ],
)
def test_later_evidence_settles_an_unknown_order(state: IntentState, status: BrokerStatus, after: IntentState) -> None:
    filled = "100" if status is BrokerStatus.FILLED else "0"
    assert reported(intent(state), report(status, filled)).state is after


@pytest.mark.parametrize("status", [BrokerStatus.PENDING, BrokerStatus.HELD, BrokerStatus.INACTIVE])
def test_a_first_report_acknowledges_and_gives_the_permanent_number(status: BrokerStatus) -> None:
    after = reported(intent(), report(status))
    assert (after.state, after.perm_id, after.order_id) == (State.ACKED, 9, 5)


def test_inactive_ends_an_order_only_in_the_list_of_completed_ones() -> None:
    assert reported(intent(State.WORKING), report(BrokerStatus.INACTIVE)).state is State.WORKING
    completed = report(BrokerStatus.INACTIVE, completed=True)
    assert reported(intent(State.WORKING), completed).state is State.REJECTED
    assert reported(intent(State.PARTIAL, "40"), completed).state is State.CANCELLED


def test_a_cancelled_order_keeps_what_had_filled() -> None:
    after = reported(intent(State.WORKING), report(BrokerStatus.CANCELLED, "40"))
    assert (after.state, after.filled, after.average_price) == (State.CANCELLED, Decimal(40), Decimal(401))


def test_a_status_never_takes_fills_back() -> None:
    after = reported(intent(State.PARTIAL, "40"), report(BrokerStatus.WORKING, "0"))
    assert (after.state, after.filled) == (State.PARTIAL, Decimal(40))


def test_executions_alone_fill_an_order() -> None:
    after = executed(
        intent(), [Fill(Decimal(60), Decimal(400)), Fill(Decimal(40), Decimal(405))], execution(), corrects=False
    )
    assert (after.state, after.filled, after.average_price) == (State.FILLED, Decimal(100), Decimal(402))


def test_an_execution_that_comes_after_the_status_changes_no_quantity() -> None:
    after = executed(intent(State.FILLED, "100"), [Fill(Decimal(60), Decimal(400))], execution(), corrects=False)
    assert (after.state, after.filled) == (State.FILLED, Decimal(100))


@pytest.mark.parametrize("state", [State.WORKING, State.PARTIAL, State.UNKNOWN, State.CANCELLED])
def test_an_order_that_ib_calls_filled_has_what_ib_says_and_not_what_we_sent(state: IntentState) -> None:
    less = reported(intent(state), sized(BrokerStatus.FILLED, "40", "0"))
    assert (less.state, less.filled, less.quantity) == (State.FILLED, Decimal(40), Decimal(100))
    more = reported(intent(state), sized(BrokerStatus.FILLED, "300", "0"))
    assert (more.state, more.filled, more.quantity) == (State.FILLED, Decimal(300), Decimal(300))


def test_an_order_that_ib_calls_filled_without_saying_by_how_much_has_all_of_it() -> None:
    unsaid = reported(intent(State.PARTIAL, "40"), sized(BrokerStatus.FILLED, "0", "0"))
    assert (unsaid.state, unsaid.filled) == (State.FILLED, Decimal(100))
    larger = reported(intent(State.WORKING), sized(BrokerStatus.WORKING, "0", "300"))
    assert reported(larger, sized(BrokerStatus.FILLED, "0", "0")).filled == Decimal(300)


@pytest.mark.parametrize("filled", ["0", "40"])
def test_an_open_order_called_filled_waits_for_the_status_that_says_by_how_much(filled: str) -> None:
    after = reported(intent(State.PARTIAL, filled), report(BrokerStatus.FILLED, filled))
    assert (after.state, after.filled) == (State.PARTIAL, Decimal(filled))
    whole = reported(after, report(BrokerStatus.FILLED, "100"))
    assert (whole.state, whole.filled) == (State.FILLED, Decimal(100))


def test_a_completed_order_may_have_filled_by_less_than_its_size() -> None:
    after = reported(intent(State.WORKING), report(BrokerStatus.FILLED, "40", completed=True))
    assert (after.state, after.filled) == (State.FILLED, Decimal(40))


def test_a_filled_order_s_status_takes_no_fills_back() -> None:
    after = reported(intent(State.PARTIAL, "60"), sized(BrokerStatus.FILLED, "40", "0"))
    assert (after.state, after.filled) == (State.FILLED, Decimal(60))


def test_an_order_made_larger_at_ib_is_complete_when_all_of_that_has_filled() -> None:
    larger = reported(intent(State.WORKING), sized(BrokerStatus.WORKING, "0", "300"))
    assert (larger.state, larger.quantity, larger.remaining) == (State.WORKING, Decimal(300), Decimal(300))
    part = executed(larger, [Fill(Decimal(100), Decimal(400))], execution(), corrects=False)
    assert (part.state, part.remaining) == (State.PARTIAL, Decimal(200))
    whole = executed(part, [Fill(Decimal(300), Decimal(400))], execution(), corrects=False)
    assert (whole.state, whole.remaining) == (State.FILLED, Decimal(0))


def test_what_counted_as_filled_works_on_where_ib_shows_more_of_it() -> None:
    again = reported(intent(State.FILLED, "100"), sized(BrokerStatus.WORKING, "100", "200"))
    assert (again.state, again.filled, again.remaining) == (State.PARTIAL, Decimal(100), Decimal(200))


@pytest.mark.parametrize("state", [State.CANCELLED, State.REJECTED, State.EXPIRED, *NEVER_SENT])
def test_a_larger_size_changes_nothing_about_what_is_over_otherwise(state: IntentState) -> None:
    before = intent(state)
    after = reported(before, sized(BrokerStatus.WORKING, "0", "300"))
    assert (after.state, after.quantity) == (state, Decimal(100))


def test_what_was_made_larger_and_small_again_is_as_it_was_sent() -> None:
    larger = reported(intent(State.WORKING), sized(BrokerStatus.WORKING, "0", "300"))
    again = reported(larger, sized(BrokerStatus.WORKING, "0", "100"))
    assert (again.state, again.quantity) == (State.WORKING, Decimal(100))


@pytest.mark.parametrize("status", [BrokerStatus.WORKING, BrokerStatus.HELD, BrokerStatus.PENDING])
def test_a_smaller_size_at_ib_frees_nothing_before_the_order_is_over(status: BrokerStatus) -> None:
    """IB may show less of an order for a while, such as none of what is still to be worked."""
    smaller = reported(intent(State.WORKING), sized(status, "0", "40"))
    assert (smaller.quantity, smaller.remaining) == (Decimal(100), Decimal(100))


def test_a_report_from_before_the_fills_opens_nothing_again() -> None:
    after = reported(intent(State.FILLED, "100"), sized(BrokerStatus.WORKING, "40", "60"))
    assert (after.state, after.filled) == (State.FILLED, Decimal(100))


def test_a_late_fill_after_cancelled_counts() -> None:
    part = executed(intent(State.CANCELLED), [Fill(Decimal(40), Decimal(400))], execution(), corrects=False)
    assert (part.state, part.filled) == (State.CANCELLED, Decimal(40))
    whole = executed(part, [Fill(Decimal(100), Decimal(400))], execution(), corrects=False)
    assert whole.state is State.FILLED


@pytest.mark.parametrize(
    ("exec_id", "parts"), [("0000e.5f.01.02", ("0000e.5f.01", "02")), ("plain", ("plain", "")), ("a.1", ("a", "1"))]
)
def test_an_execution_id_is_a_name_and_a_revision(exec_id: str, parts: tuple[str, str]) -> None:
    assert exec_parts(exec_id) == parts


@pytest.mark.parametrize(
    ("revision", "known", "newer"),
    [
        ("02", "01", True),
        ("01", "01", False),
        ("01", "02", False),
        ("10", "9", True),
        ("", "", False),
        ("b", "a", True),
    ],
)
def test_the_highest_revision_counts(revision: str, known: str, newer: bool) -> None:
    assert supersedes(revision, known) is newer


@pytest.mark.parametrize("code", [10349, 399, 404, 2109, 2150])
def test_news_leaves_an_order_alone(code: int) -> None:
    assert meaning_of(code) is Meaning.LEAVE


@pytest.mark.parametrize(
    "code", [100, 103, 109, 110, 133, 161, 200, 320, 321, 322, 329, 10147, 10148, 10185, 10318, 65000]
)
def test_doubtful_codes_only_make_us_ask(code: int) -> None:
    assert meaning_of(code) is Meaning.REREAD


def test_three_codes_can_end_an_order_and_no_other() -> None:
    ending = {row.code: row.meaning for row in CODES if row.meaning not in (Meaning.REREAD, Meaning.LEAVE)}
    assert ending == {201: Meaning.REJECTS, 202: Meaning.CANCELS, 203: Meaning.REFUSES}


def test_the_code_table_is_sorted_without_repetition_and_names_its_sources() -> None:
    codes = [row.code for row in CODES]
    assert codes == sorted(set(codes))
    assert all(row.says and row.source for row in CODES)


@pytest.mark.parametrize(
    ("states", "held", "used"),
    [
        ([State.REJECTED], False, False),
        ([State.BLOCKED], False, False),
        ([State.EXPIRED], False, False),
        ([State.CANCELLED], False, True),
        ([State.CANCELLED], True, False),
        ([State.ABANDONED], True, True),
        ([State.REJECTED, State.CANCELLED], False, True),
    ],
)
def test_what_uses_up_once(states: list[IntentState], held: bool, used: bool) -> None:
    assert uses_once([intent(state, held=held) for state in states]) is used


def test_any_fill_makes_the_unit_filled_and_uses_it_up() -> None:
    legs = [intent(State.CANCELLED, "1", held=True), intent(State.REJECTED)]
    assert unit_state(legs) is State.FILLED
    assert uses_once(legs)
    assert unit_state([intent(State.CANCELLED), intent(State.REJECTED)]) is State.REJECTED
