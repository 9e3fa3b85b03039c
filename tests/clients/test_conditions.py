"""Every client places IB's six conditions and reads them back unchanged, wherever they are told."""

import pytest

from tests.clients.conftest import Connect, limit_order, order, stock
from tests.clients.process import Record, Session
from tests.clients.stage import Stage


@pytest.fixture
def v(session: Session) -> int:
    """The contract number of V."""
    return session.ask("details", contract=stock("V"))[0]["conId"]


def price(conId: int, level: float, up: bool = True, joined: bool = True) -> Record:
    return {
        "type": 1,
        "and": joined,
        "isMore": up,
        "price": level,
        "conId": conId,
        "exchange": "SMART",
        "triggerMethod": 2,
    }


def six(conId: int, joined: bool) -> list[Record]:
    """One condition of each type, none of which holds at noon."""
    return [
        price(conId, 250.5, joined=joined),
        {"type": 3, "and": joined, "isMore": True, "time": "20301231 23:59:59 US/Eastern"},
        {"type": 4, "and": joined, "isMore": False, "percent": 5},
        {"type": 5, "and": joined, "secType": "STK", "exchange": "SMART", "symbol": "MA"},
        {"type": 6, "and": joined, "isMore": True, "volume": 10_000_000, "conId": conId, "exchange": "SMART"},
        {"type": 7, "and": joined, "isMore": True, "changePercent": 50.25, "conId": conId, "exchange": "SMART"},
    ]


@pytest.mark.parametrize("joined", [True, False], ids=["and", "or"])
def test_six_conditions_come_back_as_they_were_sent(
    session: Session, connect: Connect, stage: Stage, v: int, joined: bool
) -> None:
    sent = {
        "conditions": six(v, joined),
        "conditionsIgnoreRth": True,
        "conditionsCancelOrder": False,
        "tif": "GTC",
        "orderRef": "six",
    }
    orderId = session.ask("place", contract=stock("V"), order=limit_order(150.0) | sent)
    session.wait("status", orderId=orderId, status="PreSubmitted")
    assert agrees(session.wait("open", orderId=orderId), sent)
    assert agrees(one(connect(2).ask("all_open_orders")), sent)

    stage.stop()
    session.wait("closed")
    stage.start()
    back = connect(1)
    assert agrees(one(back.ask("open_orders")), sent)
    back.ask("cancel", orderId=orderId)
    back.wait("status", orderId=orderId, status="Cancelled")
    assert agrees(one(back.ask("completed_orders")), sent)
    assert agrees(one(connect(3).ask("completed_orders")), sent)


def test_a_condition_that_is_met_sets_the_order_free(session: Session, stage: Stage, v: int) -> None:
    orderId = session.ask("place", contract=stock("MA"), order=order("MKT", conditions=[price(v, 200.0)]))
    session.wait("status", orderId=orderId, status="PreSubmitted")
    stage.push("V", 199.99)
    session.settle()
    assert session.heard("fill") == []
    stage.push("V", 200.0)
    session.wait("status", orderId=orderId, status="Filled", avgFillPrice=300.0)


def test_a_condition_triggers_while_nobody_is_connected(
    session: Session, connect: Connect, stage: Stage, v: int
) -> None:
    session.ask("place", contract=stock("MA"), order=order("MKT", conditions=[price(v, 200.0)], orderRef="alone"))
    session.settle()
    session.ask("disconnect")
    stage.until(lambda gateway: not gateway.connected_clients)
    stage.push("V", 201.0)
    assert [fill["orderRef"] for fill in connect(1).ask("executions")] == ["alone"]


def test_a_condition_may_cancel_an_order_that_works(session: Session, stage: Stage, v: int) -> None:
    cancels = limit_order(150.0, conditions=[price(v, 190.0, up=False)], conditionsCancelOrder=True)
    orderId = session.ask("place", contract=stock("V"), order=cancels)
    session.settle()
    stage.push("V", 189.0)
    session.wait("status", orderId=orderId, status="Cancelled")
    assert session.heard("fill") == []


def agrees(told: Record, sent: Record) -> bool:
    """Whether everything that was sent is told as it was sent."""
    assert {name: told[name] for name in sent} == sent
    return True


def one(orders: list[Record]) -> Record:
    (order,) = orders
    return order
