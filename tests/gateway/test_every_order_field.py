"""Every field and condition of an order through placing, reporting, a restart, and the end."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import read_reply, read_request, reply_bytes, request_fields
from rules_engine.gateway.messages.order_form import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    OrderForm,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from rules_engine.gateway.messages.order_messages import CompletedOrder, OpenOrder, PlaceOrder
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import Bench, Dial, Wire

VERSION = 178
V = 49462172
STOCK = Contract(conId=V, symbol="V", secType="STK", exchange="SMART", currency="USD")

CONDITIONS: tuple[Condition, ...] = (
    PriceCondition("a", False, 20.5, V, "SMART", 2),
    TimeCondition("a", True, "20990101 10:00:00 US/Eastern"),
    MarginCondition("a", False, 3),
    ExecutionCondition("a", "STK", "SMART", "MA"),
    VolumeCondition("a", True, 10_000_000, V, "SMART"),
    PercentChangeCondition("o", False, -55.5, V, "SMART"),
)

# Fields whose mere value, whatever it is, IB or this gateway refuses; test_conversations shows with which code.
REFUSED = {
    *("eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "algoStrategy"),
    *("faGroup", "faMethod", "faPercentage", "faProfile", "modelCode"),
}
# Fields that no client can send, or only to another exchange, with a strategy, or on a combination.
UNSENT = {
    "basisPoints",
    "basisPointsType",
    "comboLegsDescrip",
    "softDollarDisplayName",
    "algoParams",
    "comboLegs",
    "orderComboLegs",
    "smartComboRoutingParams",
    "minTradeQty",
    "whatIf",
    "transmit",
}
# Fields that travel only beside others.
BESIDE: dict[str, dict[str, object]] = {
    "goodTillDate": {"tif": "GTD"},
    "hedgeParam": {"hedgeType": "B"},
    "action": {"lmtPrice": 250.0},
    "designatedLocation": {"action": "SSHORT", "shortSaleSlot": 2, "lmtPrice": 250.0},
    "shortSaleSlot": {"action": "SSHORT", "lmtPrice": 250.0},
    "conditionsIgnoreRth": {"conditions": CONDITIONS[:1]},
    "conditionsCancelOrder": {"conditions": CONDITIONS[:1]},
    **{key: {"hasUnderlying": True} for key in ("underlyingConId", "underlyingDelta", "underlyingPrice")},
    **{one.name: {"deltaNeutralOrderType": "LMT"} for one in fields(OrderForm) if one.name.startswith("deltaNeutral")},
    **{
        one.name: {"scalePriceIncrement": 0.5}
        for one in fields(OrderForm)
        if one.name.startswith("scale") and one.name != "scaleTable"
    },
}
# Values that a rule of IB's asks for where any other would be refused.
VALUES: dict[str, object] = {
    "action": "SELL",
    "orderType": "MIDPRICE",
    "account": "DU2",
    "tif": "DAY",
    "lmtPrice": 150.5,
    "totalQuantity": 25.0,
    "displaySize": 5,
    "minQty": 5,
    "ocaType": 2,
    "triggerMethod": 4,
    "parentId": 1,
    "goodAfterTime": "20990101 10:00:00 US/Eastern",
    "goodTillDate": "20990101 10:00:00 US/Eastern",
    "shortSaleSlot": 1,
    "designatedLocation": "elsewhere",
    "hedgeType": "B",
    "conditions": CONDITIONS,
}
# Types of their own block, which this gateway does not trade.
OTHER_TYPES = {
    "referenceContractId",
    "isPeggedChangeAmountDecrease",
    "peggedChangeAmount",
    "referenceChangeAmount",
    "referenceExchangeId",
    "minCompeteSize",
    "competeAgainstBestOffset",
    "midOffsetAtWhole",
    "midOffsetAtHalf",
}
# What TWS does not repeat, by IB's own layout of the reports.
NEVER_REPORTED = {
    "activeStartTime",
    "activeStopTime",
    "advancedErrorOverride",
    "algoId",
    "extOperator",
    "manualOrderTime",
    "mifid2DecisionAlgo",
    "mifid2DecisionMaker",
    "mifid2ExecutionAlgo",
    "mifid2ExecutionTrader",
    "orderMiscOptions",
    "overridePercentageConstraints",
    "scaleTable",
}
PLAIN = OrderForm("BUY", 10.0, "LMT", 150.0, tif="GTC", account="DU1")
NAMES = sorted({one.name for one in fields(OrderForm)} - REFUSED - UNSENT - OTHER_TYPES)


def form_with(name: str) -> OrderForm:
    """A resting order that has this field set."""
    form = replace(PLAIN, **BESIDE.get(name, {}))
    return replace(form, **{name: VALUES.get(name, _other(getattr(form, name), name))})


def _other(value: object, name: str) -> object:
    """Any value but the default."""
    if isinstance(value, bool) or name == "usePriceMgmtAlgo":
        return not value
    if isinstance(value, str):
        return f"{name[:6]} x"
    kind = next(one.type for one in fields(OrderForm) if one.name == name)
    return 7 if "int" in str(kind) else 1.25


def parsed(form: OrderForm) -> OrderForm:
    """What the gateway makes of a placed order."""
    request = read_request(request_fields(3, PlaceOrder(7, STOCK, "", "", form), VERSION), VERSION)
    assert isinstance(request, PlaceOrder)
    return request.order


def reported(kind: type[OpenOrder] | type[CompletedOrder], form: OrderForm) -> OrderForm:
    """What a report of this kind tells of an order."""
    told = replace(
        form,
        deltaNeutralOrderType=form.deltaNeutralOrderType or "None",
        adjustedOrderType=form.adjustedOrderType or "None",
    )
    report = (
        OpenOrder(7, STOCK, told, 1, 1, "Submitted")
        if kind is OpenOrder
        else CompletedOrder(STOCK, told, 1, "Cancelled", 0.0, None, "", "")
    )
    frame = reply_bytes(report, VERSION)[4:].decode().split("\0")[:-1]
    return read_reply(kind, frame, VERSION).order


async def frames(wire: Wire, *request: object) -> list[list[str]]:
    """The answers to a request."""
    wire.send(*request)
    wire.send(49, 1)
    heard = []
    while (fields_of := await wire.read())[0] != "49":
        heard.append(fields_of)
    return heard


async def test_every_field_and_condition_is_the_same_in_every_report_and_after_a_restart(
    bench: Bench, dial: Dial, tmp_path: Path, clock: SteppedClock
) -> None:
    options = {"state": tmp_path / "gateway.db", "clock": clock, "accounts": ("DU1", "DU2"), "active_orders_max": 999}
    gateway = await bench.gateway(**options)
    wire = await dial.greeted(gateway, VERSION, 1)
    await frames(wire, *request_fields(3, PlaceOrder(1, STOCK, "", "", PLAIN), VERSION))
    forms = {2 + at: form_with(name) for at, name in enumerate(NAMES)}
    for orderId, form in forms.items():
        heard = await frames(wire, *request_fields(3, PlaceOrder(orderId, STOCK, "", "", form), VERSION))
        assert [one[0] for one in heard if one[0] == "4" and int(one[3]) not in (404, 2109)] == [], heard
    before = [one for one in await frames(wire, 5, 1) if one[0] == "5"]
    opened = {one.orderId: one for one in (read_reply(OpenOrder, frame, VERSION) for frame in before)}
    # A child that names no group is told in one that bears its parent's permanent number.
    child = NAMES.index("parentId") + 2
    forms[child] = replace(forms[child], ocaGroup=str(opened[1].permId), ocaType=3)
    for orderId, form in forms.items():
        assert opened[orderId].order == reported(OpenOrder, parsed(form)), NAMES[orderId - 2]

    await gateway.stop()
    gateway = await bench.gateway(**options)
    wire = await dial.greeted(gateway, VERSION, 1)
    assert [one for one in await frames(wire, 5, 1) if one[0] == "5"] == before

    await frames(wire, 58, 1)
    ended = [one for one in await frames(wire, 99, 0) if one[0] == "101"]
    completed = {one.permId: one.order for one in (read_reply(CompletedOrder, frame, VERSION) for frame in ended)}
    for orderId, form in forms.items():
        told = completed[opened[orderId].permId]
        assert told == reported(CompletedOrder, parsed(form)), NAMES[orderId - 2]


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_told_unless_ib_never_tells_it(name: str) -> None:
    form = form_with(name)
    assert getattr(form, name) != getattr(PLAIN, name), "the test sets nothing"
    assert getattr(parsed(form), name) == getattr(form, name)
    told = getattr(reported(OpenOrder, form), name) == getattr(form, name)
    assert told is (name not in NEVER_REPORTED)
