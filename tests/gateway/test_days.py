"""What a new day changes."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ib_insync import LimitOrder, MarketOrder, PriceCondition

from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, echo, stock, until
from tests.gateway.hall import Hall

DAY_S = 86_400


async def test_day_orders_end_and_others_stay(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    day = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0))
    gtc = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0, tif="GTC"))
    await echo(ib)
    gateway.step_to(NOON_S + DAY_S / 2 - 1)
    await echo(ib)
    assert day.isActive()
    gateway.step_to(NOON_S + DAY_S / 2)
    await until(ib, day.isDone)
    assert day.orderStatus.status == "Cancelled"
    assert gtc.isActive()


async def test_yesterdays_fills_and_ends_are_no_longer_told(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect(clientId=1)
    await until(ib, ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 1)).isDone)
    gateway.step_to(NOON_S + DAY_S)
    later = await connect(clientId=2)
    assert later.fills() == []
    assert await later.reqCompletedOrdersAsync(False) == []
    assert [one.position for one in later.positions()] == [1]


async def test_a_condition_that_did_not_lead_to_a_fill_must_be_met_again(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    condition = PriceCondition(price=200.0, conId=v.conId, exch="SMART", triggerMethod=2)
    trade = ib.placeOrder(await stock(ib, "MA"), LimitOrder("BUY", 1, 250.0, tif="GTC", conditions=[condition]))
    await echo(ib)
    gateway.push("V", 201.0)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    gateway.push("V", 199.0)
    gateway.step_to(NOON_S + DAY_S)
    await until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    gateway.push("MA", 240.0)
    await echo(ib)
    assert trade.isActive()
    gateway.push("V", 200.0)
    await until(ib, trade.isDone)


@pytest.mark.parametrize(
    ("placed", "fields", "days"),
    [
        ("2026-07-01T12:00", {}, 0),
        ("2026-07-01T17:00", {}, 1),
        ("2026-07-01T17:00", {"outsideRth": True}, 0),
        ("2026-07-01T20:30", {"outsideRth": True}, 1),
        ("2026-11-27T12:59", {}, 0),
        ("2026-11-27T13:01", {}, 3),
        ("2026-11-28T12:00", {}, 2),
        ("2026-07-01T12:00", {"goodAfterTime": "20260702 10:00:00 US/Eastern"}, 1),
        ("2026-07-01T12:00", {"goodAfterTime": "20260702 17:00:00 US/Eastern"}, 5),
    ],
    ids=["session", "evening", "late session", "night", "half day", "after it", "saturday", "tomorrow", "holiday"],
)
def test_a_day_order_is_for_the_day_of_its_next_session(placed: str, fields: dict[str, object], days: int) -> None:
    at = datetime.fromisoformat(placed).replace(tzinfo=ZoneInfo("America/New_York"))
    hall = Hall(sessions=True, at_s=at.timestamp())
    hall.desk.start_day()
    order = hall.place("BUY", 1, "LMT", lmtPrice=1.0, **fields)
    midnight = at.replace(hour=0, minute=0) + timedelta(days=1 + days)
    hall.step(midnight.timestamp() - at.timestamp() - 1)
    assert order.live
    hall.step(1)
    assert (order.status, order.ended_because) == ("Cancelled", "Cancelled by System: the day ended")


def test_an_order_for_the_close_that_comes_after_it_waits_for_the_next_one() -> None:
    hall = Hall(at_s=NOON_S + 5 * 3600)
    hall.desk.start_day()
    order = hall.place("BUY", 1, "MOC")
    hall.step(12 * 3600)
    hall.quote("199")
    assert order.live
    hall.step(11 * 3600)
    assert hall.fills(order) == [(199.0, 1.0)]
