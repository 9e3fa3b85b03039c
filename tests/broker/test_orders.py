"""Orders of every kind, as the gateway received them, and what it reports of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.gateway import Gateway
from rules_engine.gateway.messages import order_form as wire
from rules_engine.model.action import Duration, Remaining, Side, TimeInForce
from rules_engine.model.order import (
    HeldCondition,
    HeldExecution,
    HeldMargin,
    HeldPercentChange,
    HeldPrice,
    HeldTime,
    HeldVolume,
    OrderDraft,
    OrderKind,
)
from rules_engine.model.reports import (
    BrokerStatus,
    CommissionReport,
    ExecutionReport,
    OrderError,
    OrderReport,
    PositionReport,
)
from rules_engine.model.trigger_method import TriggerMethod
from tests.broker.conftest import MA, Connect, Heard, V

DAY = TimeInForce(Duration.DAY)
GTC = TimeInForce(Duration.GOOD_TILL_CANCELLED)
BUY_MA = OrderDraft(MA, Side.BUY, Decimal(100), OrderKind.MARKET, DAY)
LIMIT = replace(BUY_MA, kind=OrderKind.LIMIT, limit=Decimal("250.25"))
KEY = "re1.abcd.xyz.12345678.1.0"
NOON_S = 1_922_356_800.0
"""1 December 2030, noon in UTC."""
V_ID, MA_ID = 49462172, 38685693

DRAFTS = {
    "market": (BUY_MA, {"orderType": "MKT", "action": "BUY", "totalQuantity": 100.0, "tif": "DAY"}),
    "limit": (LIMIT, {"orderType": "LMT", "lmtPrice": 250.25}),
    "sell": (replace(LIMIT, side=Side.SELL, limit=Decimal("900")), {"action": "SELL", "lmtPrice": 900.0}),
    "stop": (replace(BUY_MA, kind=OrderKind.STOP, stop=Decimal("400.5")), {"orderType": "STP", "auxPrice": 400.5}),
    "stop limit": (
        replace(BUY_MA, kind=OrderKind.STOP_LIMIT, stop=Decimal(400), limit=Decimal(401)),
        {"orderType": "STP LMT", "auxPrice": 400.0, "lmtPrice": 401.0},
    ),
    "trailing amount": (
        replace(BUY_MA, side=Side.SELL, kind=OrderKind.TRAILING, trail_amount=Decimal("2.5")),
        {"orderType": "TRAIL", "auxPrice": 2.5},
    ),
    "trailing percent": (
        replace(BUY_MA, side=Side.SELL, kind=OrderKind.TRAILING, trail_percent=Decimal(2)),
        {"orderType": "TRAIL", "trailingPercent": 2.0},
    ),
    "midpoint": (replace(BUY_MA, kind=OrderKind.MIDPRICE, limit=Decimal(250)), {"orderType": "MIDPRICE"}),
    "good till cancelled": (replace(LIMIT, time_in_force=GTC), {"tif": "GTC"}),
    "good till date": (
        replace(LIMIT, time_in_force=TimeInForce(Duration.GOOD_TILL_DATE, NOON_S, "2030-12-01 12:00")),
        {"tif": "GTD", "goodTillDate": "20301201 12:00:00 UTC"},
    ),
    "immediate or cancel": (
        replace(LIMIT, time_in_force=TimeInForce(Duration.IMMEDIATE_OR_CANCEL)),
        {"tif": "IOC"},
    ),
    "fill or kill": (replace(LIMIT, time_in_force=TimeInForce(Duration.FILL_OR_KILL)), {"tif": "FOK"}),
    "outside hours": (replace(LIMIT, outside_hours=True), {"outsideRth": True}),
    "group that cancels": (replace(LIMIT, group="a"), {"ocaGroup": "g", "ocaType": 1}),
    "group that reduces": (
        replace(LIMIT, group="a", remaining=Remaining.REDUCE),
        {"ocaGroup": "g", "ocaType": 2},
    ),
}

CONDITIONS: dict[str, tuple[HeldCondition, object]] = {
    "price": (
        HeldPrice(V, True, Decimal("200.01"), TriggerMethod.DOUBLE_LAST),
        wire.PriceCondition("a", True, 200.01, V_ID, "SMART", 3),
    ),
    "price below": (
        HeldPrice(V, False, Decimal(100), TriggerMethod.DEFAULT),
        wire.PriceCondition("a", False, 100.0, V_ID, "SMART", 0),
    ),
    "time": (HeldTime(True, NOON_S), wire.TimeCondition("a", True, "20301201 12:00:00 UTC")),
    "margin": (HeldMargin(False, 15), wire.MarginCondition("a", False, 15)),
    "execution": (HeldExecution(V), wire.ExecutionCondition("a", "STK", "SMART", "V")),
    "volume": (HeldVolume(V, True, 500_000), wire.VolumeCondition("a", True, 500_000, V_ID, "SMART")),
    "percent change": (
        HeldPercentChange(V, False, Decimal(-5)),
        wire.PercentChangeCondition("a", False, -5.0, V_ID, "SMART"),
    ),
}


@pytest.mark.parametrize("name", DRAFTS)
async def test_order_reaches_ib_as_it_was_drafted(name: str, connect: Connect, gateway: Gateway, heard: Heard) -> None:
    draft, expected = DRAFTS[name]
    connection = await connect()
    _place(connection, draft, group="g" if draft.group else "")
    await heard.until(lambda: _reports(heard))
    form = gateway.orders[0].form
    assert {field: getattr(form, field) for field in expected} == expected
    assert (form.orderRef, form.account, form.transmit) == (KEY, "DU1", True)
    assert gateway.orders[0].contract.conId == MA_ID
    assert form.conditions == ()


@pytest.mark.parametrize("name", CONDITIONS)
async def test_condition_reaches_ib_and_is_held(name: str, connect: Connect, gateway: Gateway, heard: Heard) -> None:
    held, expected = CONDITIONS[name]
    connection = await connect()
    _place(connection, replace(BUY_MA, time_in_force=GTC, conditions=(held,)))
    await heard.until(lambda: _reports(heard))
    assert _reports(heard)[-1].status is BrokerStatus.HELD
    form = gateway.orders[0].form
    assert form.conditions == (expected,)
    assert form.conditionsIgnoreRth
    assert not form.conditionsCancelOrder


async def test_several_conditions_are_joined_by_and(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect()
    both = tuple(CONDITIONS[name][0] for name in ("price", "volume"))
    _place(connection, replace(BUY_MA, conditions=both, conditions_outside_hours=False))
    await heard.until(lambda: _reports(heard))
    form = gateway.orders[0].form
    assert [condition.conjunction for condition in form.conditions] == ["a", "a"]
    assert not form.conditionsIgnoreRth


async def test_conditional_order_triggers_and_reports_its_fill_with_commission(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect()
    above = HeldPrice(V, True, Decimal(200), TriggerMethod.DEFAULT)
    order_id = _place(connection, replace(BUY_MA, conditions=(above,)))
    await heard.until(lambda: _reports(heard))
    gateway.push("V", 200.0)
    await heard.until(lambda: heard.of(CommissionReport))
    fill = heard.of(ExecutionReport)[0]
    assert (fill.order_ref, fill.order_id, fill.instrument, fill.side) == (KEY, order_id, "MA", "buy")
    assert (fill.quantity, fill.price) == (Decimal(100), Decimal(300))
    assert heard.of(CommissionReport)[0].exec_id == fill.exec_id
    await heard.until(lambda: _reports(heard)[-1].status is BrokerStatus.FILLED)
    last = _reports(heard)[-1]
    assert (last.order_ref, last.filled, last.remaining) == (KEY, Decimal(100), Decimal(0))
    assert last.average_price == Decimal(300)
    await heard.until(lambda: heard.of(PositionReport)[-1].quantity == 100)


async def test_open_orders_of_others_say_in_what_they_are_on_which_side_and_whose(
    connect: Connect, gateway: Gateway
) -> None:
    connection = await connect()
    perm_id = gateway.place_in_tws("MA", "SELL", 9, "LMT", limit_price=900.0)
    [other] = (await connection.evidence()).open_orders
    assert (other.perm_id, other.order_ref, other.status) == (perm_id, "", BrokerStatus.WORKING)
    assert (other.contract_id, other.side, other.account) == (MA_ID, "sell", "DU1")


async def test_bracket_waits_for_its_last_leg(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect()
    entry = _place(connection, LIMIT, transmit=False)
    stop = replace(BUY_MA, side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(240))
    _place(connection, stop, key=f"{KEY}1", parent_id=entry, transmit=True)
    await heard.until(lambda: {report.order_ref for report in _reports(heard)} == {KEY, f"{KEY}1"})
    parents = [order.form.parentId for order in gateway.orders]
    assert parents == [0, entry]


async def test_cancelled_order_is_reported_cancelled(connect: Connect, heard: Heard) -> None:
    connection = await connect()
    order_id = _place(connection, LIMIT)
    await heard.until(lambda: _reports(heard))
    connection.cancel(order_id)
    await heard.until(lambda: _reports(heard)[-1].status is BrokerStatus.CANCELLED)
    await heard.until(lambda: heard.of(OrderError))
    assert (heard.of(OrderError)[0].order_id, heard.of(OrderError)[0].code) == (order_id, 202)


async def test_rejection_is_an_error_and_not_a_status_of_our_making(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect()
    order_id = _place(connection, replace(LIMIT, limit=Decimal("250.123")))
    await heard.until(lambda: heard.of(OrderError))
    assert (heard.of(OrderError)[0].order_id, heard.of(OrderError)[0].code) == (order_id, 110)
    assert BrokerStatus.CANCELLED not in {report.status for report in _reports(heard)}


@pytest.mark.parametrize("code", [103, 161, 321, 329, 399, 10148, 10349])
async def test_error_about_a_live_order_does_not_make_it_cancelled(
    code: int, connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect()
    order_id = _place(connection, LIMIT)
    await heard.until(lambda: _reports(heard))
    gateway.send_code(code, "something about the order", reqId=order_id)
    await heard.until(lambda: heard.of(OrderError))
    assert heard.of(OrderError)[0].code == code
    assert {report.status for report in _reports(heard)} == {BrokerStatus.WORKING}
    evidence = await connection.evidence()
    assert [report.status for report in evidence.open_orders] == [BrokerStatus.WORKING]


async def test_unknown_order_to_cancel_is_an_error_about_that_order(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect(order_id_floor=100)
    connection.cancel(55)
    await heard.until(lambda: heard.of(OrderError))
    assert (heard.of(OrderError)[0].order_id, heard.of(OrderError)[0].code) == (55, 10147)


async def test_partial_fill_reports_what_is_left(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect()
    _place(connection, replace(BUY_MA, kind=OrderKind.LIMIT, limit=Decimal(299)))
    await heard.until(lambda: _reports(heard))
    gateway.push("MA", 299.0, 40.0)
    await heard.until(lambda: heard.of(ExecutionReport))
    executed = heard.of(ExecutionReport)[0].quantity
    await heard.until(lambda: _reports(heard)[-1].filled == executed)
    assert _reports(heard)[-1].remaining == 100 - executed


def _place(
    connection: Connection,
    draft: OrderDraft,
    *,
    key: str = KEY,
    group: str = "",
    parent_id: int = 0,
    transmit: bool = True,
) -> int:
    order_id = connection.next_order_id(0)
    connection.place(order_id, draft, key=key, account="DU1", group=group, parent_id=parent_id, transmit=transmit)
    return order_id


def _reports(heard: Heard) -> list[OrderReport]:
    return heard.of(OrderReport)
