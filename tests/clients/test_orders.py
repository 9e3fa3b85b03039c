"""Every client trades, and hears of its orders what the others hear."""

import pytest

from tests.clients.conftest import Connect, limit_order, order, stock
from tests.clients.process import Record, Session
from tests.clients.stage import Stage

V = stock("V")


def placed(session: Session, order: Record, contract: Record = V) -> int:
    """The number of an order that the gateway has answered."""
    orderId = session.ask("place", contract=contract, order=order)
    session.settle()
    return orderId


def filled(session: Session, order: Record) -> Record:
    """The last status of an order that trades at once."""
    return session.wait("status", orderId=placed(session, order), status="Filled")


def test_a_market_order_fills_and_tells_price_execution_and_commission(session: Session) -> None:
    orderId = placed(session, order("MKT", quantity=100, orderRef="key-1"))
    status = session.wait("status", orderId=orderId, status="Filled")
    assert (status["filled"], status["remaining"], status["avgFillPrice"]) == (100, 0, 199.0)
    fill = session.wait("fill", orderId=orderId)
    assert (fill["price"], fill["shares"], fill["side"], fill["orderRef"]) == (199.0, 100, "BOT", "key-1")
    assert (fill["acctNumber"], fill["permId"]) == ("DU1", status["permId"])
    commission = session.wait("commission", execId=fill["execId"])
    assert (commission["commission"], commission["currency"]) == (1.0, "USD")


@pytest.mark.parametrize(
    ("name", "contract", "price", "quantity"),
    [
        ("ESU6", {"localSymbol": "ESU6", "secType": "FUT", "exchange": "CME"}, 5_800.0, 2),
        ("EUR.USD", {"symbol": "EUR", "secType": "CASH", "exchange": "IDEALPRO", "currency": "USD"}, 1.1, 20_000),
        ("XAUUSD", {"symbol": "XAUUSD", "secType": "CFD", "exchange": "SMART", "currency": "USD"}, 2_740.0, 3),
    ],
    ids=["future", "currency pair", "contract for difference"],
)
def test_what_is_no_stock_trades_too(
    session: Session, stage: Stage, name: str, contract: Record, price: float, quantity: float
) -> None:
    stage.push(name, price)
    orderId = placed(session, order("MKT", quantity=quantity), contract)
    status = session.wait("status", orderId=orderId, status="Filled", filled=quantity)
    assert status["avgFillPrice"] == pytest.approx(price, rel=1e-3)
    fill = session.wait("fill", orderId=orderId)
    assert session.ask("positions")[0]["conId"] == fill["conId"]
    session.wait("commission", execId=fill["execId"])


def test_a_limit_order_rests_until_the_market_comes(session: Session, stage: Stage) -> None:
    orderId = placed(session, limit_order(195.0))
    assert session.wait("open", orderId=orderId)["lmtPrice"] == 195.0
    session.wait("status", orderId=orderId, status="Submitted", filled=0, remaining=10)
    stage.push("V", 194.5)
    session.wait("status", orderId=orderId, status="Filled", filled=10)
    assert session.wait("fill", orderId=orderId)["price"] <= 195.0


def test_an_order_larger_than_what_is_offered_fills_in_part_and_keeps_it_when_cancelled(
    session: Session, stage: Stage
) -> None:
    stage.quote("V", 198.5, 199.0)
    orderId = placed(session, limit_order(199.0, quantity=4_000))
    status = session.heard("status", orderId=orderId)[-1]
    assert 0 < status["filled"] < 4_000
    assert status["filled"] + status["remaining"] == 4_000
    assert sum(fill["shares"] for fill in session.heard("fill", orderId=orderId)) == status["filled"]
    session.ask("cancel", orderId=orderId)
    session.wait("status", orderId=orderId, status="Cancelled", filled=status["filled"])
    assert session.ask("positions")[0]["position"] == status["filled"]


def test_a_stop_order_waits_for_its_price(session: Session, stage: Stage) -> None:
    filled(session, order("MKT"))
    orderId = placed(session, order("STP", "SELL", auxPrice=190.0))
    session.wait("status", orderId=orderId, status="PreSubmitted", whyHeld="trigger")
    stage.push("V", 190.0)
    session.wait("status", orderId=orderId, status="Filled")


def test_a_trailing_stop_follows_the_price(session: Session, stage: Stage) -> None:
    orderId = placed(session, order("TRAIL", "SELL", auxPrice=2.0, trailStopPrice=197.0))
    stage.push("V", 205.0)
    stage.push("V", 203.5)
    session.settle()
    assert session.heard("status", orderId=orderId, status="Filled") == []
    stage.push("V", 203.0)
    session.wait("status", orderId=orderId, status="Filled")


def test_the_children_of_a_bracket_live_with_their_parents_fill_and_end_each_other(
    session: Session, stage: Stage
) -> None:
    parent = session.ask("place", contract=V, order=limit_order(195.0, transmit=False))
    target = session.ask("place", contract=V, order=limit_order(210.0, "SELL", parentId=parent, transmit=False))
    stop = session.ask("place", contract=V, order=order("STP", "SELL", auxPrice=180.0, parentId=parent, transmit=True))
    session.wait("status", orderId=parent, status="Submitted")
    session.wait("status", orderId=target, status="PreSubmitted")
    stage.push("V", 195.0)
    session.wait("status", orderId=parent, status="Filled")
    session.wait("status", orderId=target, status="Submitted")
    stage.push("V", 210.0)
    session.wait("status", orderId=target, status="Filled")
    session.wait("status", orderId=stop, status="Cancelled")


def test_one_of_a_group_cancels_the_others(session: Session, stage: Stage) -> None:
    low = placed(session, limit_order(190.0, ocaGroup="either", ocaType=1))
    high = placed(session, order("STP", auxPrice=205.0, ocaGroup="either", ocaType=1))
    stage.push("V", 206.0)
    session.wait("status", orderId=high, status="Filled")
    session.wait("status", orderId=low, status="Cancelled")


def test_a_change_keeps_the_order_and_may_fill_it(session: Session) -> None:
    orderId = placed(session, limit_order(150.0))
    permId = session.wait("status", orderId=orderId)["permId"]
    placed(session, limit_order(151.5, quantity=12, orderId=orderId))
    (told,) = session.ask("open_orders")
    assert (told["orderId"], told["permId"], told["lmtPrice"], told["totalQuantity"]) == (orderId, permId, 151.5, 12)
    placed(session, limit_order(200.0, quantity=12, orderId=orderId))
    session.wait("status", orderId=orderId, status="Filled", filled=12)


def test_an_order_without_a_time_in_force_is_for_the_day_whatever_the_client_makes_of_10349(
    session: Session, stage: Stage
) -> None:
    orderId = placed(session, limit_order(195.0, tif=""))
    assert session.codes(orderId) == [10349]
    (held,) = stage.do(lambda gateway: gateway.orders)
    assert held.live
    assert held.form.tif == "DAY"
    stage.push("V", 194.0)
    session.wait("status", orderId=orderId, status="Filled")


def test_a_cancel_tells_the_status_and_202(session: Session) -> None:
    orderId = placed(session, limit_order(150.0))
    session.ask("cancel", orderId=orderId)
    session.wait("status", orderId=orderId, status="Cancelled")
    session.wait("error", id=orderId, code=202)
    assert session.ask("open_orders") == []
    (ended,) = session.ask("completed_orders")
    assert (ended["status"], ended["lmtPrice"], ended["symbol"]) == ("Cancelled", 150.0, "V")


def test_cancelling_all_ends_what_is_open(connect: Connect) -> None:
    one, two = connect(1), connect(2)
    first, second = placed(one, limit_order(150.0)), placed(two, limit_order(151.0))
    one.ask("cancel_all")
    one.wait("status", orderId=first, status="Cancelled")
    two.wait("status", orderId=second, status="Cancelled")


@pytest.mark.parametrize(
    ("contract", "wanted", "code"),
    [
        (stock("NOSUCH"), order("MKT"), 200),
        (V, order("MKT", account="DU9"), 201),
        (V, order("MKT", quantity=1_000_000), 201),
        (V, limit_order(199.005), 110),
        (V, order("MAGIC"), 387),
        (V, limit_order(150.0, parentId=99), 135),
    ],
    ids=["unknown contract", "unknown account", "too large", "off the tick", "unknown type", "no parent"],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    session: Session, contract: Record, wanted: Record, code: int
) -> None:
    orderId = placed(session, wanted, contract)
    assert code in session.codes(orderId)
    assert session.ask("open_orders") == []
    assert session.heard("fill") == []


def test_a_change_that_is_refused_leaves_the_order_as_it_was(session: Session, stage: Stage) -> None:
    orderId = placed(session, limit_order(150.0))
    placed(session, limit_order(150.001, orderId=orderId))
    assert session.codes(orderId) == [110]
    (held,) = stage.do(lambda gateway: gateway.orders)
    assert held.live
    assert held.form.lmtPrice == 150.0


def test_cancelling_nothing_is_10147_and_cancelling_what_is_filled_is_10148(session: Session) -> None:
    orderId = filled(session, order("MKT"))["orderId"]
    session.ask("cancel", orderId=777_777)
    session.ask("cancel", orderId=orderId)
    session.settle()
    assert session.codes(777_777) == [10147]
    assert session.codes(orderId) == [10148]


def test_executions_are_told_again_to_whoever_asks_as_far_as_they_match(connect: Connect) -> None:
    one, two = connect(1), connect(2)
    filled(one, order("MKT"))
    filled(one, order("MKT", "SELL", 4))
    everything = two.ask("executions")
    assert [(fill["side"], fill["shares"], fill["clientId"]) for fill in everything] == [("BOT", 10, 1), ("SLD", 4, 1)]
    assert [fill["commission"] for fill in everything] == [1.0, pytest.approx(1.0, abs=0.1)]
    assert [fill["shares"] for fill in two.ask("executions", side="SELL")] == [4]
    assert two.ask("executions", symbol="MA") == []


def test_a_trial_order_tells_margins_and_commission_and_places_nothing(session: Session) -> None:
    margins = session.ask("what_if", contract=V, order=order("MKT", quantity=100))
    assert margins["initMarginChange"] > 0
    assert margins["initMarginAfter"] == pytest.approx(margins["initMarginChange"])
    assert margins["commission"] == 1.0
    session.settle()
    assert session.ask("open_orders") == []
    assert session.ask("positions") == []


@pytest.mark.parametrize(
    "sent",
    [
        limit_order(150.25, quantity=40, outsideRth=True, displaySize=5, minQty=2, tif="GTC"),
        limit_order(
            150.0, tif="GTD", goodTillDate="20261231 12:00:00 US/Eastern", goodAfterTime="20260801 10:00:00 UTC"
        ),
        limit_order(150.0, discretionaryAmt=0.05, hidden=True, orderRef="hidden"),
        limit_order(150.0, allOrNone=True, ocaGroup="either", ocaType=2, account="DU1"),
        order("STP LMT", "SELL", auxPrice=180.0, lmtPrice=179.5, triggerMethod=4),
        order("TRAIL LIMIT", "SELL", auxPrice=2.0, trailStopPrice=197.0, lmtPriceOffset=0.5),
        order("TRAIL", "SELL", trailingPercent=5.0, trailStopPrice=189.05),
    ],
    ids=["iceberg", "timed", "hidden", "group", "stop limit", "trailing limit", "trailing percent"],
)
def test_the_fields_of_an_order_come_back_as_they_were_sent(session: Session, connect: Connect, sent: Record) -> None:
    orderId = placed(session, sent)
    assert session.codes(orderId) == []
    for told in (session.wait("open", orderId=orderId), *connect(2).ask("all_open_orders")):
        assert {name: told[name] for name in sent} == sent
    session.ask("cancel", orderId=orderId)
    session.wait("error", id=orderId, code=202)
    (ended,) = connect(3).ask("completed_orders")
    assert {name: ended[name] for name in sent} == sent


def test_orders_survive_their_client_and_the_gateway(connect: Connect, stage: Stage) -> None:
    first = connect(3)
    orderId = placed(first, limit_order(195.0, tif="GTC", orderRef="mine"))
    permId = first.wait("status", orderId=orderId)["permId"]
    stage.stop()
    first.wait("closed")
    stage.start()
    back = connect(3)
    (known,) = back.ask("open_orders")
    assert (known["orderId"], known["permId"], known["orderRef"]) == (orderId, permId, "mine")
    stage.push("V", 194.0)
    back.wait("status", orderId=orderId, status="Filled")
    assert placed(back, limit_order(150.0)) > orderId
