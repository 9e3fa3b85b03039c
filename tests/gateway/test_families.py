"""Brackets and groups when orders fill in parts."""

import pytest

from rules_engine.gateway.messages.order_messages import OpenOrder
from rules_engine.gateway.orders.order import Order
from tests.gateway.hall import Hall

QUOTE = "99.99x300/100.00x300"


def hall_at(quote: str = QUOTE) -> Hall:
    hall = Hall()
    hall.quote(quote)
    return hall


def bracket(hall: Hall, size: float, **entry: object) -> tuple[Order, Order, Order]:
    """An entry at 100 with exits at 101 and 99, all sent together."""
    fields = {"lmtPrice": 100.0, **entry}
    parent = hall.place("BUY", size, "LMT", transmit=False, **fields)
    profit = hall.place("SELL", size, "LMT", lmtPrice=101.0, parentId=parent.orderId, transmit=False)
    loss = hall.place("SELL", size, "STP", auxPrice=99.0, parentId=parent.orderId)
    return parent, profit, loss


def group(hall: Hall, kind: int, *sizes: float, price: float = 99.5) -> list[Order]:
    return [hall.place("BUY", size, "LMT", lmtPrice=price, ocaGroup="one", ocaType=kind) for size in sizes]


def test_children_wait_until_their_parent_is_filled_whole() -> None:
    hall = hall_at()
    parent, profit, loss = bracket(hall, 500)
    assert (parent.filled, profit.status, loss.status) == (300, "PreSubmitted", "PreSubmitted")
    hall.quote("101.0x300/101.2x300")
    assert profit.filled == 0, "its price was there, its parent's size was not"
    hall.quote("99.9x300/100.00x250")
    assert (parent.status, profit.status) == ("Filled", "Submitted")
    hall.quote("101.0x500/101.2x300")
    assert hall.fills(profit) == [(101.0, 500)]


def test_an_entry_that_is_cancelled_half_way_leaves_exits_for_what_it_filled() -> None:
    hall = hall_at()
    parent, profit, loss = bracket(hall, 500)
    hall.desk.cancel(1, parent.orderId)
    assert (parent.status, parent.filled) == ("Cancelled", 300)
    assert (profit.status, profit.remaining, loss.status, loss.remaining) == ("Submitted", 300, "PreSubmitted", 300)
    hall.quote("98.9x900/99.0x300")
    hall.quote("98.8x900/98.9x300")
    assert loss.filled in (0, 300)
    hall.quote("98.9")
    assert (loss.status, loss.filled, profit.status) == ("Filled", 300, "Cancelled")
    assert hall.ledger.size("DU1", hall.number("V")) == 0


def test_an_immediate_entry_leaves_exits_for_what_it_got() -> None:
    hall = hall_at()
    parent, profit, loss = bracket(hall, 500, tif="IOC")
    assert (parent.status, profit.remaining, loss.remaining) == ("Cancelled", 300, 300)


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_an_immediate_entry_that_got_nothing_takes_its_exits_with_it(tif: str) -> None:
    hall = hall_at()
    _, profit, loss = bracket(hall, 500, tif=tif, lmtPrice=99.0)
    assert (profit.status, loss.status) == ("Cancelled", "Cancelled")


def test_an_exit_that_fills_in_part_leaves_the_other_for_the_rest() -> None:
    hall = hall_at()
    _, profit, loss = bracket(hall, 300)
    hall.quote("101.0x100/101.2x300")
    assert (profit.filled, profit.remaining, loss.remaining, loss.status) == (100, 200, 200, "PreSubmitted")
    hall.quote("98.9")
    assert (loss.filled, loss.status, profit.status) == (200, "Filled", "Cancelled")
    assert hall.ledger.size("DU1", hall.number("V")) == 0


def test_exits_in_groups_of_their_own_close_in_pairs() -> None:
    hall = hall_at()
    parent = hall.place("BUY", 200, "LMT", lmtPrice=100.0, transmit=False)
    exits = []
    for name, target in (("near", 101.0), ("far", 102.0)):
        shared = {"parentId": parent.orderId, "transmit": False, "ocaGroup": name, "ocaType": 1}
        exits.append(hall.place("SELL", 100, "LMT", lmtPrice=target, **shared))
        exits.append(hall.place("SELL", 100, "STP", auxPrice=99.0, **{**shared, "transmit": name == "far"}))
    hall.quote("101.0x100/101.2x300")
    assert [order.status for order in exits] == ["Filled", "Cancelled", "Submitted", "PreSubmitted"]


def test_type_1_ends_the_others_at_the_first_piece_and_works_on() -> None:
    hall = hall_at()
    first, second = group(hall, 1, 400, 200)
    hall.quote("99.4x300/99.5x150")
    assert (first.filled, first.status, second.status) == (150, "Submitted", "Cancelled")
    hall.quote("99.4x300/99.5x250")
    assert first.status == "Filled"


@pytest.mark.parametrize("kind", [2, 3])
def test_types_2_and_3_take_each_piece_from_the_others(kind: int) -> None:
    hall = hall_at()
    first, second, third = group(hall, kind, 400, 200, 100)
    hall.quote("99.4x300/99.5x150")
    assert (first.filled, second.remaining, third.status) == (150, 50, "Cancelled")
    hall.quote("99.4x300/99.5x900")
    assert (first.filled, first.status, second.filled, second.status) == (400, "Filled", 0, "Cancelled")


def test_a_group_of_one_instant_fills_no_more_than_its_largest() -> None:
    hall = hall_at()
    orders = group(hall, 2, 100, 250, 200)
    hall.quote("99.0x300/99.1x2000")
    assert sum(order.filled for order in orders) == 250
    assert all(not order.live for order in orders)


def test_a_member_that_was_made_smaller_tells_its_remainder() -> None:
    hall = hall_at()
    _, second = group(hall, 3, 100, 250)
    hall.quote("99.4x300/99.5x40")
    assert hall.reports.lives(second.orderId)[-1] == "Submitted 0 of 210"


def test_children_are_told_in_a_group_that_bears_their_parents_number() -> None:
    hall = hall_at()
    parent, profit, loss = bracket(hall, 500)
    assert (parent.form.ocaGroup, parent.form.ocaType) == ("", 0)
    for child in (profit, loss):
        assert (child.form.ocaGroup, child.form.ocaType) == (str(parent.permId), 3)
    told = [one.order.ocaGroup for one in hall.reports.told if isinstance(one, OpenOrder) and one.order.parentId]
    assert set(told) == {str(parent.permId)}
    # A client that knows the order as it wrote it, and one that read its report, can both change its price.
    for group, kind in (("", 0), (profit.form.ocaGroup, 3)):
        changed = {"lmtPrice": 102.0, "parentId": parent.orderId, "ocaGroup": group, "ocaType": kind}
        hall.send(profit.orderId, "SELL", 500, "LMT", **changed)
        assert (profit.form.lmtPrice, profit.form.ocaGroup) == (102.0, str(parent.permId))
    assert hall.codes() == []


def test_exits_that_could_all_trade_at_once_close_no_more_than_the_entry() -> None:
    hall = hall_at()
    parent = hall.place("BUY", 200, "LMT", lmtPrice=100.0, transmit=False)
    shared = {"lmtPrice": 99.0, "parentId": parent.orderId}
    exits = [hall.place("SELL", 200, "LMT", transmit=number == 2, **shared) for number in range(3)]
    assert [order.filled for order in exits] == [200, 0, 0]
    assert [order.status for order in exits] == ["Filled", "Cancelled", "Cancelled"]
    assert hall.ledger.size("DU1", hall.number("V")) == 0
