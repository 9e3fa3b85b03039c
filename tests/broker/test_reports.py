"""Order messages joined into reports, whatever order they come in."""

from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest

from rules_engine.broker.library import UNSET_DOUBLE, CommissionReport, Contract, Order, OrderState
from rules_engine.broker.numbers import decimal_of
from rules_engine.broker.reports import OrderReader, StatusMessage, commission_report, completed_report
from rules_engine.model.reports import BrokerStatus, OrderReport


def _order(status: str = "Submitted") -> tuple[Contract, Order, OrderState]:
    order = Order(orderId=7, clientId=1, permId=900, action="SELL", totalQuantity=100.0, orderRef="key", account="DU1")
    order.ocaGroup = "tws 5"
    return Contract(conId=42), order, OrderState(status=status)


def _status(word: str = "Submitted", filled: float = 0.0, **changes: int) -> StatusMessage:
    ids = {"order_id": 7, "client_id": 1, "perm_id": 900, **changes}
    return StatusMessage(**ids, status=word, filled=filled, remaining=100 - filled, average_price=filled and 10.5)


def test_status_takes_the_key_of_the_open_order_and_the_open_order_its_fills() -> None:
    reader = OrderReader()
    opened = reader.opened(7, *_order())
    assert (opened.order_ref, opened.filled, opened.remaining) == ("key", Decimal(0), Decimal(100))
    partly = reader.status(_status(filled=40.0))
    assert (partly.order_ref, partly.filled, partly.average_price) == ("key", Decimal(40), Decimal("10.5"))
    again = reader.opened(7, *_order())
    assert (again.filled, again.remaining) == (Decimal(40), Decimal(60))
    known = [(one.contract_id, one.side, one.account, one.group) for one in (opened, partly)]
    assert known == [(42, "sell", "DU1", "tws 5")] * 2


def test_only_what_says_nothing_new_of_its_order_is_a_repetition() -> None:
    reader = OrderReader()
    reader.placed(7, 1, "key", Decimal(100), 42)
    repeated, reports = list[bool](), list[OrderReport]()
    for say in (_order, _status, _order, _status, partial(_status, filled=40.0), _order, partial(_status, "Cancelled")):
        said = say()
        reports.append(reader.status(said) if isinstance(said, StatusMessage) else reader.opened(7, *said))
        repeated.append(reader.is_repeated)
    assert repeated == [False, True, True, True, False, True, False]
    # Of very many orders that are told again and again only one report each is kept.
    assert [now is before for before, now in pairwise(reports)] == repeated[1:]
    assert reader.each_latest(reports) == (reports[-1],)


def test_status_before_its_open_order_is_known_by_what_we_placed() -> None:
    reader = OrderReader()
    reader.placed(7, 1, "key", Decimal(100), 42)
    report = reader.status(_status())
    assert (report.order_ref, report.perm_id, report.contract_id) == ("key", 900, 42)


def test_status_of_an_order_that_was_never_heard_of_is_told_without_a_key() -> None:
    report = OrderReader().status(_status("Filled", 100.0))
    assert (report.order_ref, report.order_id, report.status) == ("", 7, BrokerStatus.FILLED)


def test_cancel_by_another_client_is_about_our_order() -> None:
    reader = OrderReader()
    reader.opened(7, *_order())
    report = reader.status(_status("Cancelled", client_id=2, order_id=0))
    assert (report.order_ref, report.client_id, report.order_id) == ("key", 1, 7)
    assert report.status is BrokerStatus.CANCELLED


def test_order_placed_by_hand_has_no_order_id() -> None:
    assert OrderReader().opened(-3, *_order()).order_id == 0


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ApiPending", BrokerStatus.PENDING),
        ("PendingSubmit", BrokerStatus.PENDING),
        ("PreSubmitted", BrokerStatus.HELD),
        ("Submitted", BrokerStatus.WORKING),
        ("PendingCancel", BrokerStatus.WORKING),
        ("Filled", BrokerStatus.FILLED),
        ("Cancelled", BrokerStatus.CANCELLED),
        ("ApiCancelled", BrokerStatus.CANCELLED),
        ("Inactive", BrokerStatus.INACTIVE),
    ],
)
def test_words_of_ib_are_statuses(word: str, status: BrokerStatus) -> None:
    assert OrderReader().opened(7, *_order(word)).status is status


def test_word_that_we_do_not_know_changes_nothing() -> None:
    reader = OrderReader()
    reader.opened(7, *_order("Submitted"))
    assert reader.status(_status("Sideways")).status is BrokerStatus.WORKING


def test_completed_order_says_what_was_filled_but_not_its_id() -> None:
    contract, order, state = _order("Cancelled")
    order.filledQuantity = 30.0
    report = completed_report(contract, order, state)
    assert (report.order_id, report.perm_id, report.filled, report.remaining) == (0, 900, Decimal(30), Decimal(70))
    assert report.completed and report.contract_id == 42
    order.filledQuantity = UNSET_DOUBLE
    assert completed_report(contract, order, state).filled == 0


def test_commission_that_is_not_worked_out_is_not_told() -> None:
    assert commission_report(CommissionReport("1.2.01", UNSET_DOUBLE, "USD")) is None
    told = commission_report(CommissionReport("1.2.01", 1.05, "USD"))
    assert told is not None
    assert (told.commission, told.currency) == (Decimal("1.05"), "USD")


@pytest.mark.parametrize(("value", "text"), [(100.0, "100"), (0.1, "0.1"), (200.05, "200.05"), (5e-7, "5E-7")])
def test_floats_become_the_decimals_that_people_write(value: float, text: str) -> None:
    assert str(decimal_of(value)) == text
