"""Every client gets in, is known by its number, sees what it may see, leaves and comes back."""

import pytest

from tests.clients.conftest import CLIENTS, Connect, limit_order, stock
from tests.clients.process import Failed, Session
from tests.clients.stage import NOON_S, Stage


def test_the_greeting_agrees_on_a_version_and_tells_accounts_and_the_next_id(connect: Connect, client: str) -> None:
    session = connect()
    assert session.greeting["version"] == CLIENTS[client]
    assert session.greeting["accounts"] == ["DU1"]
    assert session.greeting["nextId"] >= 1
    assert session.ask("time") == NOON_S


def test_a_greeting_ends_with_the_state_of_the_farms(session: Session) -> None:
    session.settle()
    assert [error["code"] for error in session.heard("error")] == [2104, 2106, 2158]


def test_a_number_in_use_is_refused_with_326_and_the_first_keeps_it(connect: Connect, stage: Stage) -> None:
    first = connect(7)
    second = connect.again()
    with pytest.raises(Failed):
        second.ask("connect", port=stage.port, clientId=7)
    assert second.codes() == [326]
    assert first.ask("time") == NOON_S
    assert stage.do(lambda gateway: gateway.connected_clients) == (7,)


def test_thirty_two_clients_are_served_at_once_and_no_more(connect: Connect, stage: Stage) -> None:
    sessions = [connect(clientId) for clientId in range(1, 33)]
    late = connect.again()
    with pytest.raises(Failed):
        late.ask("connect", port=stage.port, clientId=33)
    assert late.codes() == [326]
    assert {session.ask("time") for session in sessions} == {NOON_S}


def test_a_client_that_left_comes_back_under_its_number_and_finds_its_orders(connect: Connect, stage: Stage) -> None:
    first = connect(7)
    orderId = first.ask("place", contract=stock("V"), order=limit_order(150.0, orderRef="mine"))
    permId = first.wait("status", orderId=orderId)["permId"]
    first.ask("disconnect")
    stage.until(lambda gateway: not gateway.connected_clients)
    back = connect(7)
    assert back.greeting["nextId"] > orderId
    (order,) = back.ask("open_orders")
    assert (order["orderId"], order["permId"], order["orderRef"]) == (orderId, permId, "mine")
    back.ask("cancel", orderId=orderId)
    back.wait("status", orderId=orderId, status="Cancelled")


def test_a_connection_that_is_cut_is_noticed(session: Session, stage: Stage) -> None:
    stage.do(lambda gateway: gateway.drop_connections())
    session.wait("closed")


def test_replies_that_arrive_in_single_bytes_are_understood(session: Session, stage: Stage) -> None:
    whole = session.ask("details", contract=stock("V"))
    stage.do(lambda gateway: gateway.split(1))
    assert session.ask("details", contract=stock("V")) == whole


def test_news_of_a_lost_link_reaches_every_client_and_ends_no_connection(connect: Connect, stage: Stage) -> None:
    sessions = [connect(1), connect(2)]
    for code in (1100, 1102):
        stage.do(lambda gateway, code=code: gateway.send_code(code))
    for session in sessions:
        assert session.ask("time") == NOON_S
        assert session.codes() == [1100, 1102]


def test_a_field_that_cannot_be_read_is_320_and_the_session_lives(session: Session) -> None:
    session.ask("send", fields=["9", "8", "4711", "many", *[""] * 14])
    session.ask("send", fields=["59", "1", "often"])
    assert session.ask("time") == NOON_S
    assert session.codes() == [320, 320]
    assert session.codes(4711) == [320]


def test_a_message_without_an_id_ends_its_session_and_no_other(connect: Connect) -> None:
    one, two = connect(1), connect(2)
    one.ask("send", fields=["3", "no number"])
    one.wait("closed")
    assert two.ask("time") == NOON_S
