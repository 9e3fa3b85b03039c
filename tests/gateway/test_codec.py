"""Messages as fields and back, in every server version, against the encoder of the real library."""

from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_insync import ComboLeg, Contract, LimitOrder, Order, TagValue
from ib_insync.order import OrderComboLeg

from rules_engine.gateway.contracts import contract as contracts
from rules_engine.gateway.messages.form import read_reply, read_request, reply_bytes, request_fields
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import CompletedOrder, OpenOrder, PlaceOrder
from rules_engine.gateway.wire.values import Malformed
from tests.gateway.requests import ORDERS, order_fields

VERSIONS = range(157, 179)
LIBRARY_VERSIONS = range(157, 177)


@pytest.mark.parametrize("version", LIBRARY_VERSIONS)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_what_the_library_writes_is_read_to_the_last_field_and_written_alike(version: int, order: Order) -> None:
    wire = order_fields(version, order)
    request = read_request(wire, version)
    assert isinstance(request, PlaceOrder)
    assert request.order.orderType == order.orderType
    assert len(request.order.conditions) == len(order.conditions)
    ours = request_fields(3, request, version)
    assert len(ours) == len(wire)
    assert [plain(field) for field in ours] == [plain(field) for field in wire]


def plain(field: str) -> str:
    """The same number in either spelling."""
    field = field.replace("Infinite", "Infinity")
    return field.removesuffix(".0")


def test_a_combination_order_carries_its_legs() -> None:
    bag = Contract(secType="BAG", symbol="V", exchange="SMART", currency="USD")
    bag.comboLegs = [leg(1, "BUY"), leg(2, "SELL")]
    order = LimitOrder("BUY", 1, 2.0, orderComboLegs=[OrderComboLeg(1.5)])
    order.smartComboRoutingParams = [TagValue("NonGuaranteed", "1")]
    request = read_request(order_fields(176, order, bag), 176)
    assert isinstance(request, PlaceOrder)
    assert [one.conId for one in request.order.comboLegs] == [1, 2]
    assert [one.price for one in request.order.orderComboLegs] == [1.5]
    assert request.order.smartComboRoutingParams[0].tag == "NonGuaranteed"


def leg(conId: int, action: str) -> ComboLeg:
    return ComboLeg(conId=conId, ratio=1, action=action, exchange="SMART")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_open_and_completed_orders_echo_what_was_parsed(version: int, order: Order) -> None:
    request = read_request(order_fields(176, order), 176)
    assert isinstance(request, PlaceOrder)
    opened = OpenOrder(7, request.contract, request.order, 3, 99, "PreSubmitted")
    back = read_reply(OpenOrder, fields_in(reply_bytes(opened, version)), version)
    completed = CompletedOrder(request.contract, request.order, 99, "Filled", 1.0, None, "", "")
    done = read_reply(CompletedOrder, fields_in(reply_bytes(completed, version)), version)
    for name in ("orderType", "lmtPrice", "tif", "orderRef", "conditions", "algoParams", "minQty", "cashQty"):
        expected = getattr(request.order, name)
        assert getattr(back.order, name) == expected
        assert getattr(done.order, name) == expected
    assert (back.clientId, back.permId, done.permId) == (3, 99, 99)


def fields_in(frame: bytes) -> list[str]:
    return frame[4:].decode().split("\0")[:-1]


def values_for(name: str) -> st.SearchStrategy[object]:
    """Values that one field of an order can travel with."""
    hint = get_type_hints(OrderForm)[name]
    optional = type(None) in get_args(hint)
    (kind,) = [arm for arm in (get_args(hint) or (hint,)) if arm is not type(None)]
    by_kind: dict[object, st.SearchStrategy[object]] = {
        str: st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
        int: st.integers(-(10**6), 10**6),
        float: st.floats(-1e9, 1e9, allow_nan=False),
        bool: st.booleans(),
    }
    return by_kind[kind] | st.none() if optional else by_kind[kind]


# Fields that travel in every order, whatever else it holds.
TRAVELS = ("lmtPrice", "auxPrice", "tif", "orderRef", "goodTillDate", "hidden", "cashQty", "minQty")


@settings(max_examples=60)
@given(data=st.data(), version=st.sampled_from(list(VERSIONS)))
def test_any_value_of_a_field_comes_back(data: st.DataObject, version: int) -> None:
    changes = {name: data.draw(values_for(name), label=name) for name in TRAVELS}
    order = replace(OrderForm(totalQuantity=1.0, orderType="LMT"), **changes)
    request = PlaceOrder(7, contracts.Contract(symbol="V"), "", "", order)
    assert read_request(request_fields(3, request, version), version) == request


@settings(max_examples=200)
@given(position=st.integers(2, 148), junk=st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=6))
def test_a_changed_field_is_either_read_or_named(position: int, junk: str) -> None:
    wire = order_fields(176, ORDERS["conditions"])
    wire[position % len(wire)] = junk
    try:
        assert isinstance(read_request(wire, 176), PlaceOrder)
    except Malformed as malformed:
        assert malformed.field


@given(cut=st.integers(3, 110))
def test_a_message_that_ends_early_names_what_is_missing(cut: int) -> None:
    wire = order_fields(176, ORDERS["plain"])[:cut]
    with pytest.raises(Malformed, match="ends before it"):
        read_request(wire, 176)
