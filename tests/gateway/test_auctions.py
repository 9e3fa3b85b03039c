"""Orders for the opening and the closing auction."""

import pytest

from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.orders.auctions import next_auction_s
from rules_engine.gateway.times import read_time
from tests.gateway.hall import NOON_S, Hall

HOUR_S = 3600.0
SIX_S = NOON_S - 6 * HOUR_S
OPENING_S, CLOSE_S = NOON_S - 2.5 * HOUR_S, NOON_S + 4 * HOUR_S


def hall_at(at_s: float, *, sessions: bool = True, price: str = "100.0") -> Hall:
    hall = Hall(sessions=sessions, at_s=at_s)
    hall.quote(price)
    return hall


def at(hall: Hall, at_s: float) -> None:
    hall.step(at_s - hall.clock.time_s)


@pytest.mark.parametrize(
    ("now", "at_close", "expected"),
    [
        ("20260701 12:00:00 US/Eastern", True, "20260701 16:00:00 US/Eastern"),
        ("20260701 12:00:00 US/Eastern", False, "20260702 09:30:00 US/Eastern"),
        ("20260701 09:30:00 US/Eastern", False, "20260701 09:30:00 US/Eastern"),
        ("20260702 16:00:01 US/Eastern", True, "20260706 16:00:00 US/Eastern"),
        ("20261127 09:00:00 US/Eastern", True, "20261127 13:00:00 US/Eastern"),
    ],
)
def test_auctions_keep_holidays_and_half_days(now: str, at_close: bool, expected: str) -> None:
    assert next_auction_s(CALENDARS["us_stock"], read_time(now), at_close=at_close) == read_time(expected)


@pytest.mark.parametrize("sessions", [True, False])
def test_an_order_for_the_opening_gets_the_first_price_after_it(sessions: bool) -> None:
    hall = hall_at(SIX_S, sessions=sessions)
    order = hall.place("BUY", 900, "MKT", tif="OPG")
    hall.quote("101.0")
    at(hall, OPENING_S + 0.5)
    assert hall.fills() == []
    hall.quote("102.0x10")
    assert hall.fills(order) == [(102.0, 900)]
    assert hall.floor.book.executions[0].lastLiquidity == 0


@pytest.mark.parametrize(("limit", "status"), [(102.0, "Filled"), (101.99, "Cancelled")])
def test_an_opening_beyond_the_limit_ends_the_order(limit: float, status: str) -> None:
    hall = hall_at(SIX_S)
    order = hall.place("BUY", 900, "LMT", lmtPrice=limit, tif="OPG")
    hall.quote("90.0")
    at(hall, OPENING_S)
    hall.quote("102.0x10")
    assert order.status == status


def test_an_order_for_the_opening_that_comes_later_waits_for_the_next_day() -> None:
    hall = hall_at(NOON_S)
    order = hall.place("BUY", 1, "MKT", tif="OPG")
    hall.quote("101.0")
    at(hall, OPENING_S + 24 * HOUR_S)
    hall.quote("103.0")
    assert hall.fills(order) == [(103.0, 1)]


@pytest.mark.parametrize("sessions", [True, False])
def test_an_order_for_the_close_gets_the_last_price_before_it(sessions: bool) -> None:
    hall = hall_at(NOON_S, sessions=sessions)
    order = hall.place("SELL", 5_000, "MOC")
    at(hall, CLOSE_S - 1.0)
    hall.quote("97.0x10")
    assert hall.fills() == []
    at(hall, CLOSE_S)
    assert hall.fills(order) == [(97.0, 5_000)]


def test_a_price_after_the_close_is_not_the_closing_price() -> None:
    hall = hall_at(NOON_S)
    order = hall.place("SELL", 10, "MOC")
    hall.clock.time_s = CLOSE_S + 5.0
    hall.quote("50.0")
    assert hall.fills(order) == [(100.0, 10)]


@pytest.mark.parametrize(("limit", "status"), [(100.0, "Filled"), (100.01, "Cancelled")])
def test_a_close_beyond_the_limit_ends_the_order(limit: float, status: str) -> None:
    hall = hall_at(NOON_S)
    order = hall.place("SELL", 10, "LOC", lmtPrice=limit)
    hall.quote("110.0")
    hall.quote("100.0")
    assert order.live
    at(hall, CLOSE_S)
    assert order.status == status


def test_without_any_price_there_is_no_auction() -> None:
    hall = Hall()
    order = hall.place("BUY", 10, "MOC")
    at(hall, CLOSE_S)
    assert (order.status, hall.codes()) == ("Cancelled", [202])


def test_a_halted_instrument_has_no_closing_auction() -> None:
    hall = hall_at(NOON_S)
    order = hall.place("BUY", 10, "MOC")
    hall.market.halt(hall.number("V"), at_s=hall.clock.time_s)
    at(hall, CLOSE_S)
    assert order.status == "Cancelled"


def test_where_nothing_is_printed_the_middle_is_the_price_of_the_auction() -> None:
    hall = Hall(at_s=NOON_S)
    hall.quote("1.0850/1.0852", "EUR.USD")
    order = hall.place("BUY", 20_000, "MOC", "EUR.USD")
    at(hall, NOON_S + 5 * HOUR_S)
    assert [price for price, _ in hall.fills(order)] == [pytest.approx(1.0851)]


def test_a_cancelled_order_takes_part_in_no_auction() -> None:
    hall = hall_at(NOON_S)
    order = hall.place("BUY", 10, "MOC")
    hall.desk.cancel(1, order.orderId)
    at(hall, CLOSE_S)
    assert hall.fills() == []


def test_a_bracket_can_end_at_the_close() -> None:
    hall = hall_at(NOON_S)
    entry = hall.place("BUY", 10, "MKT", transmit=False)
    hall.place("SELL", 10, "MOC", parentId=entry.orderId)
    at(hall, CLOSE_S)
    assert hall.fills() == [(100.0, 10), (100.0, 10)]
