"""The kill switch on a real socket: in a running engine, beside a dead one, and across a restart."""

import pytest

from rules_engine.daemon.stop_outside import cancel_outside
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.gateway import Order
from rules_engine.model.clock import SystemClock
from rules_engine.model.settings import Limits
from tests.daemon.house import ACCOUNT, BUY_AT_200, HERE_AT_200, House

# No more than twenty on one side of a contract: IB takes no more.
FIFTY = tuple(
    f"  - name: waits-{number}\n    when: V crosses above {300 + number}\n"
    f"    do: buy {number + 1} {('MA', 'V', 'AAPL')[number % 3]}\n"
    for number in range(50)
)
RESTS = """\
  - {name: rests, when: V crosses above 200, do: buy 10 MA at limit 390, run: here}
"""
SIZES = ("OpenOrder", "OrderStatus")
"""What tells of an order's size."""


def statuses(house: House) -> list[str]:
    return [order.status for order in house.orders()]


async def test_a_running_engine_cancels_fifty_orders_and_no_foreign_one(house: House) -> None:
    house.quote("AAPL", 250.0)
    foreign = house.gateway.place_in_tws("MA", "BUY", 9, "LMT", limit_price=300.0)
    async with house.engine(*FIFTY, limits=Limits(max_orders_per_second=45)) as engine:
        await house.until(lambda: statuses(house).count("PreSubmitted") == 50, "the held orders")
        await engine.ask("stop")
        await house.until(lambda: statuses(house).count("Cancelled") == 50, "the cancellations")
        await house.until(lambda: house.told("Kill switch is on", "waits-0", "rules stop --lift"), "the message")
        assert [order.live for order in house.orders() if order.permId == foreign] == [True]


async def test_a_stopped_engine_sends_nothing_until_it_is_lifted_and_not_after_a_restart_either(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        await engine.ask("stop", keep_orders=True)
        house.quote("V", 200.1)
        await house.until(lambda: house.told("the kill switch is on", "not sent"), "the refusal")
        assert (await engine.status())["sending"] == "the kill switch is on"
    async with house.engine() as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 199.0)
        house.quote("V", 200.1)
        await house.until(lambda: len(house.fires()) == 2, "the second firing")
        assert house.orders() == []
        assert await engine.ask("stop", lift=True) == "orders may leave again"
        await house.until(lambda: house.told("Kill switch is off"), "the message")
        house.quote("V", 199.0)
        house.quote("V", 200.1)
        await house.until(lambda: house.orders(), "the order")
    assert len(house.orders()) == 1


async def test_a_file_laid_beside_the_journal_is_enough(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
        house.folder.stop_flag.touch()
        await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")


async def test_without_an_engine_our_orders_are_cancelled_and_the_switch_stays_on(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    KillSwitch(house.folder.stop_flag).pull()
    journal = Journal(house.folder.journal, SystemClock(), mode=house.settings.mode, account=ACCOUNT)
    try:
        found = await cancel_outside(house.settings, journal, SystemClock())
        assert (len(found.asked), found.left) == (1, [])
        again = await cancel_outside(house.settings, journal, SystemClock())
        assert (again.asked, again.left) == ((), ())
    finally:
        journal.close()
    assert statuses(house) == ["Cancelled"]
    async with house.engine() as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "the kill switch" in str(entry["why"])
    assert len(house.orders()) == 1


@pytest.mark.parametrize("restarts", [False, True])
async def test_an_order_that_turns_out_to_be_larger_while_it_is_on_is_cancelled_and_told(
    house: House, restarts: bool
) -> None:
    def order() -> Order:
        [order] = house.orders()
        return order

    async with house.engine(RESTS) as engine:
        await engine.until_state("rests", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: statuses(house) == ["Submitted"], "the order")
        for reply in SIZES:
            house.gateway.drop(reply)
        house.gateway.modify_in_tws(order().orderRef, quantity=30)
        house.gateway.push_quote("MA", 389.80, 390.00, 100, 10)
        await house.until(lambda: house.told("rests: bought 10 MA at 390"), "the fill")
        house.gateway.push_quote("MA", 395.00, 395.10)
        assert "No order of ours" in str(await engine.ask("stop"))
        for reply in SIZES:
            house.gateway.let_through(reply)
        if not restarts:
            house.gateway.modify_in_tws(order().orderRef, quantity=31)
            await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")
    if restarts:
        async with house.engine():
            await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")
            await house.until(lambda: house.told("cancelled as asked", "bought 10 of 30 MA"), "the end")
    assert order().filled == 10
    assert len(house.told("rests: the kill switch is on: cancelling buy 10 MA at limit 390 day, which works")) == 1
