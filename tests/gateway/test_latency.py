"""Orders, changes and cancels that take time to reach the exchange."""

from tests.gateway.hall import Hall

QUOTE = "99.99x300/100.00x300"


def late_hall() -> Hall:
    hall = Hall(latency_s=0.25)
    hall.quote(QUOTE)
    return hall


def test_an_order_is_acknowledged_at_once_and_trades_when_it_arrives() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=100.0)
    assert hall.reports.lives(order.orderId) == ["open PreSubmitted", "PreSubmitted 0 of 10"]
    hall.quote("99.90x300/99.95x300")
    assert order.filled == 0
    hall.quote("99.90x300/99.96x300")
    hall.step(0.25)
    assert hall.fills(order) == [(99.96, 10)]


def test_an_order_that_rests_is_submitted_when_it_arrives() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.0)
    hall.step(0.25)
    assert hall.reports.lives(order.orderId)[2:] == ["open Submitted", "Submitted 0 of 10"]


def test_a_cancel_can_lose_the_race_against_a_fill() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5)
    hall.step(0.25)
    hall.desk.cancel(1, order.orderId)
    hall.quote("99.4/99.5")
    hall.step(0.25)
    assert hall.reports.lives(order.orderId)[4:] == [
        "PendingCancel 0 of 10",
        "10 at 99.5",
        "open Filled",
        "Filled 10 of 10",
        "commission",
        "error 10148",
    ]


def test_a_cancel_that_wins_is_told_when_it_arrives() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5)
    hall.step(0.25)
    hall.desk.cancel(1, order.orderId)
    assert order.live
    hall.step(0.25)
    assert hall.reports.lives(order.orderId)[4:] == ["PendingCancel 0 of 10", "Cancelled 0 of 10", "error 202"]


def test_a_cancel_never_overtakes_its_order() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "MKT")
    hall.desk.cancel(1, order.orderId)
    hall.step(0.25)
    assert (order.status, hall.codes()) == ("Filled", [10148])


def test_the_old_order_works_until_its_change_arrives() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5)
    hall.step(0.25)
    hall.send(order.orderId, "BUY", 10, "LMT", lmtPrice=99.0)
    hall.quote("99.4/99.5")
    assert hall.fills(order) == [(99.5, 10)]
    hall.step(0.25)
    assert hall.codes() == [104]


def test_a_change_counts_when_it_arrives() -> None:
    hall = late_hall()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5)
    hall.step(0.25)
    hall.send(order.orderId, "BUY", 10, "LMT", lmtPrice=100.0)
    assert order.filled == 0
    hall.step(0.25)
    assert hall.fills(order) == [(100.0, 10)]


def test_without_latency_nothing_is_pending() -> None:
    hall = Hall()
    hall.quote(QUOTE)
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5)
    hall.desk.cancel(1, order.orderId)
    assert hall.reports.lives(order.orderId) == [
        "open Submitted",
        "Submitted 0 of 10",
        "Cancelled 0 of 10",
        "error 202",
    ]
