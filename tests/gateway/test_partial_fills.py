"""Orders larger than what stands at the touch: pieces, sizes that must be kept together, and what is told of them."""

import pytest

from rules_engine.gateway.messages.order_messages import CommissionReport, ExecDetails
from tests.gateway.hall import Hall

QUOTE = "99.99x300/100.00x300"


def hall_at(quote: str = QUOTE) -> Hall:
    hall = Hall()
    hall.quote(quote)
    return hall


def test_a_market_order_walks_the_levels_at_worse_and_worse_prices() -> None:
    hall = hall_at()
    levels = hall.liquidity.asks(hall.number("V"))
    order = hall.place("BUY", 300 + levels[1].size + 1, "MKT")
    assert hall.fills(order) == [(100.0, 300), (100.01, levels[1].size), (100.02, 1)]
    assert hall.liquidity.asks(hall.number("V"))[0] == (100.02, levels[2].size - 1)


def test_a_limit_order_takes_what_is_there_and_rests_with_the_remainder() -> None:
    hall = hall_at()
    order = hall.place("BUY", 1000, "LMT", lmtPrice=100.0)
    assert hall.fills(order) == [(100.0, 300)]
    assert (order.status, order.filled, order.remaining) == ("Submitted", 300, 700)
    hall.quote("99.99x300/100.00x200")
    assert hall.fills(order)[1:] == [(100.0, 200)]
    assert order.remaining == 500


def test_what_one_order_took_is_not_there_for_the_next() -> None:
    hall = hall_at()
    hall.place("BUY", 250, "LMT", lmtPrice=100.0)
    second = hall.place("BUY", 100, "LMT", lmtPrice=100.0)
    assert hall.fills(second) == [(100.0, 50)]


def test_the_older_order_is_served_first() -> None:
    hall = hall_at()
    older, younger = (hall.place("BUY", 200, "LMT", lmtPrice=price) for price in (99.5, 99.6))
    hall.quote("99.3x300/99.5x300")
    assert (older.filled, younger.filled) == (200, 200)
    assert hall.fills(younger) == [(99.5, 100), (99.51, 100)]


def test_pieces_are_told_one_by_one_with_sums_and_a_commission_each() -> None:
    hall = hall_at()
    second = hall.liquidity.asks(hall.number("V"))[1].size
    order = hall.place("BUY", 300 + second, "LMT", lmtPrice=100.01)
    total = 300 + second
    assert hall.reports.lives(order.orderId) == [
        "open Submitted",
        f"Submitted 0 of {total:g}",
        "300 at 100",
        "open Submitted",
        f"Submitted 300 of {total:g}",
        "commission",
        f"{second:g} at 100.01",
        "open Filled",
        f"Filled {total:g} of {total:g}",
        "commission",
    ]
    told = [message for message in hall.reports.told if isinstance(message, ExecDetails)]
    assert [one.cumQty for one in told] == [300, total]
    assert told[0].avgPrice == 100.0
    assert told[1].avgPrice == pytest.approx((300 * 100.0 + second * 100.01) / total)
    assert order.avgFillPrice == told[1].avgPrice


def test_the_least_commission_is_paid_once_for_all_pieces() -> None:
    hall = hall_at("99.99x100/100.00x10")
    order = hall.place("BUY", 30, "LMT", lmtPrice=100.0)
    hall.quote("99.99x100/100.00x15")
    hall.quote("99.99x100/100.00x10")
    paid = [message.commission for message in hall.reports.told if isinstance(message, CommissionReport)]
    assert (order.status, paid) == ("Filled", [1.0, 0.0, 0.0])


def test_who_takes_removes_liquidity_and_who_rests_adds_it() -> None:
    hall = hall_at()
    hall.place("BUY", 400, "LMT", lmtPrice=100.0)
    hall.quote("99.99x300/100.00x301")
    hall.place("SELL", 1, "MKT")
    assert [one.lastLiquidity for one in hall.floor.book.executions] == [2, 1, 2]


def test_a_changed_order_takes_anew() -> None:
    hall = hall_at()
    order = hall.place("BUY", 400, "LMT", lmtPrice=99.5)
    hall.send(order.orderId, "BUY", 400, "LMT", lmtPrice=100.0)
    assert [one.lastLiquidity for one in hall.floor.book.executions] == [2]
    assert order.remaining == 100


def test_more_than_all_levels_hold_waits_for_the_next_quote() -> None:
    hall = hall_at()
    there = sum(level.size for level in hall.liquidity.asks(hall.number("V")))
    order = hall.place("BUY", there + 5, "MKT")
    assert (order.status, order.remaining) == ("Submitted", 5)
    hall.quote("99.99x300/100.00x300")
    assert order.remaining == 5, "the same quote once more brings nothing"
    hall.quote("100.10x300/100.11x300")
    assert order.status == "Filled"


def test_all_or_none_may_walk_the_levels_but_takes_nothing_short_of_all() -> None:
    hall = hall_at("99.99x300/100.00x10")
    there = sum(level.size for level in hall.liquidity.asks(hall.number("V")))
    too_much = hall.place("BUY", there + 1, "MKT", allOrNone=True)
    all_of_it = hall.place("BUY", there, "MKT", allOrNone=True)
    assert (too_much.filled, all_of_it.filled) == (0, there)


def test_all_or_none_waits_until_enough_is_there() -> None:
    hall = hall_at()
    order = hall.place("BUY", 500, "LMT", lmtPrice=100.0, allOrNone=True)
    younger = hall.place("BUY", 10, "LMT", lmtPrice=100.0)
    assert (order.filled, younger.filled) == (0, 10), "it stands in nobody's way"
    hall.quote("99.99x300/100.00x499")
    assert order.filled == 0
    hall.quote("99.99x300/100.00x500")
    assert hall.fills(order) == [(100.0, 500)]


def test_a_minimum_quantity_comes_first_or_nothing_does() -> None:
    hall = hall_at()
    order = hall.place("BUY", 1000, "LMT", lmtPrice=100.0, minQty=400)
    assert order.filled == 0
    hall.quote("99.99x300/100.00x450")
    assert order.filled == 450
    hall.quote("99.99x300/100.00x399")
    assert order.filled == 450
    hall.quote("99.99x300/100.00x400")
    assert order.filled == 850
    hall.quote("99.99x300/100.00x150")
    assert order.status == "Filled", "less than the minimum is enough when no more remains"


def test_an_iceberg_shows_and_trades_its_tip_once_it_rests() -> None:
    hall = hall_at("99.99x300/100.00x150")
    order = hall.place("BUY", 1000, "LMT", lmtPrice=100.0, displaySize=100)
    assert order.filled == 150, "what comes to the market takes without hiding"
    for number in range(3):
        hall.quote(f"99.99x300/100.00x{500 + number}")
    assert order.filled == 450


def test_a_hidden_order_trades_like_any_other() -> None:
    hall = hall_at()
    order = hall.place("BUY", 10, "LMT", lmtPrice=99.5, hidden=True)
    hall.quote("99.4/99.5")
    assert hall.fills(order) == [(99.5, 10)]


@pytest.mark.parametrize(
    ("tif", "size", "filled", "status"),
    [("FOK", 300, 300, "Filled"), ("FOK", 301, 0, "Inactive"), ("IOC", 301, 300, "Cancelled")],
)
def test_fill_or_kill_is_whole_and_immediate_or_cancel_takes_what_is_there(
    tif: str, size: float, filled: float, status: str
) -> None:
    hall = hall_at()
    order = hall.place("BUY", size, "LMT", lmtPrice=100.0, tif=tif)
    assert (order.filled, order.status) == (filled, status)
    hall.quote("99.0/99.1")
    assert order.filled == filled


@pytest.mark.parametrize(("tif", "filled", "status"), [("FOK", 0, "Inactive"), ("IOC", 300, "Cancelled")])
def test_a_stop_for_one_instant_waits_for_its_price_first(tif: str, filled: float, status: str) -> None:
    hall = hall_at()
    order = hall.place("BUY", 9_000, "STP LMT", auxPrice=101.0, lmtPrice=101.0, tif=tif)
    hall.quote("100.99x300/101.00x300")
    assert order.status == "PreSubmitted"
    hall.quote("101.0x10")
    assert (order.filled, order.status) == (filled, status)


def test_where_only_prints_are_known_an_order_fills_whole() -> None:
    hall = hall_at("100.0x1")
    for fields in ({}, {"displaySize": 10}, {"minQty": 50}):
        order = hall.place("BUY", 5_000, "LMT", lmtPrice=99.0, **fields)
        hall.quote("99.0x1")
        assert hall.fills(order) == [(99.0, 5_000)]
        hall.quote("100.0x1")


def test_an_order_may_not_shrink_below_what_is_filled() -> None:
    hall = hall_at()
    order = hall.place("BUY", 500, "LMT", lmtPrice=100.0)
    hall.send(order.orderId, "BUY", 300, "LMT", lmtPrice=100.0)
    assert hall.codes() == [201]
    hall.send(order.orderId, "BUY", 400, "LMT", lmtPrice=100.0)
    assert order.remaining == 100


@pytest.mark.parametrize("price", [221.38, 33.07, 1234.56])
def test_parts_at_one_price_have_that_price_on_average(price: float) -> None:
    hall = hall_at(f"{price - 0.01:.2f}x3/{price}x3")
    order = hall.place("BUY", 10, "LMT", lmtPrice=price)
    for size in (4, 1, 2):
        hall.quote(f"{price - 0.01:.2f}x3/{price}x{size}")
    assert hall.fills(order) == [(price, size) for size in (3, 4, 1, 2)]
    assert order.avgFillPrice == price
