"""Clients side by side, the one that watches the others, and somebody at TWS's own window."""

from collections.abc import Callable

from tests.clients.conftest import Connect, OpenStage, limit_order, order, stock
from tests.clients.process import Session
from tests.clients.stage import Stage


def test_open_orders_are_ones_own_and_all_open_orders_are_everybodys(connect: Connect) -> None:
    one, two = connect(1), connect(2)
    one.ask("place", contract=stock("V"), order=limit_order(150.0, orderRef="of one"))
    two.ask("place", contract=stock("V"), order=limit_order(151.0, orderRef="of two"))
    one.settle()
    two.settle()
    assert [order["orderRef"] for order in one.ask("open_orders")] == ["of one"]
    everybody = {(order["clientId"], order["orderRef"]) for order in one.ask("all_open_orders")}
    assert everybody == {(1, "of one"), (2, "of two")}


def test_only_client_0_may_bind_orders(connect: Connect) -> None:
    other, zero = connect(5), connect(0)
    for session in (other, zero):
        session.ask("bind", bound=True)
        session.settle()
    assert other.codes() == [327]
    assert zero.codes() == []


def test_the_master_client_hears_of_everybodys_orders(
    open_stage: OpenStage, connect_to: Callable[..., Connect]
) -> None:
    connect = connect_to(open_stage(master_client=9))
    one, two, master = connect(1), connect(2), connect(9)
    orderId = one.ask("place", contract=stock("V"), order=order("MKT", orderRef="of one"))
    permId = one.wait("status", orderId=orderId, status="Filled")["permId"]
    master.wait("open", orderRef="of one", clientId=1)
    master.wait("status", permId=permId, status="Filled")
    fill = master.wait("fill", orderRef="of one")
    assert (fill["clientId"], fill["shares"]) == (1, 10)
    master.wait("commission", execId=fill["execId"])
    two.settle()
    assert two.heard("open") + two.heard("status") + two.heard("fill") == []


def test_an_order_of_tws_itself_is_seen_by_all_and_bound_by_client_0(connect: Connect, stage: Stage) -> None:
    other, zero = connect(5), connect(0)
    permId = stage.do(lambda gateway: gateway.place_in_tws("V", "BUY", 7, "LMT", 150.0))
    assert other.ask("open_orders") == []
    (seen,) = other.ask("all_open_orders")
    assert (seen["permId"], seen["totalQuantity"], seen["lmtPrice"]) == (permId, 7, 150.0)
    (bound,) = zero.ask("open_orders")
    assert bound["permId"] == permId
    assert bound["orderId"] != 0
    zero.ask("cancel", orderId=bound["orderId"])
    zero.wait("status", permId=permId, status="Cancelled")


def test_client_0_may_have_orders_of_tws_bound_as_they_come(connect: Connect, stage: Stage) -> None:
    zero = connect(0)
    zero.ask("bind", bound=True)
    zero.settle()
    permId = stage.do(lambda gateway: gateway.place_in_tws("V", "BUY", 7, "LMT", 150.0))
    bound = zero.wait("open", permId=permId)
    assert bound["orderId"] != 0
    stage.push("V", 149.0)
    zero.wait("status", permId=permId, status="Filled")


def test_what_somebody_does_to_an_order_in_tws_is_told(session: Session, stage: Stage) -> None:
    orderId = session.ask("place", contract=stock("V"), order=limit_order(150.0, orderRef="mine"))
    session.wait("status", orderId=orderId)
    stage.do(lambda gateway: gateway.modify_in_tws("mine", price=151.0))
    session.wait("open", orderId=orderId, lmtPrice=151.0)
    stage.do(lambda gateway: gateway.cancel_in_tws("mine"))
    session.wait("status", orderId=orderId, status="Cancelled")


def test_a_corrected_fill_is_told_under_the_next_number(session: Session, stage: Stage) -> None:
    session.ask("place", contract=stock("V"), order=order("MKT"))
    wrong = session.wait("fill")
    execId = stage.do(lambda gateway: gateway.correct(wrong["execId"], 198.0, 10))
    assert session.wait("fill", execId=execId, price=198.0)["permId"] == wrong["permId"]
    assert [(fill["execId"], fill["price"]) for fill in session.ask("executions")] == [(execId, 198.0)]
