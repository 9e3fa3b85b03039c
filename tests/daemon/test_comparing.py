"""Very many orders at IB: comparing its lists with the journal holds nothing up, at a start, at a reconnection, at each
look afterwards, when half of them have filled meanwhile, and when the rest is gone."""

import asyncio
from decimal import Decimal
from pathlib import Path

from benchmarks.callbacks import callbacks_timed
from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.daemon import Daemon
from rules_engine.model.clock import SystemClock
from rules_engine.model.intent import IntentState
from rules_engine.model.reports import BrokerStatus, OrderReport
from tests.daemon.holding_up import each_time, none_is_long
from tests.daemon.placed import NOBODY, Holding, orders
from tests.execution.doubles import FakeIB, FakeLink

COUNT = 1000
COMPARED_MAX = 0.03
"""No callback takes a larger share of all the work: 0.05 s on the machine of docs/decisions/0016, of ten thousand."""
State = IntentState


def holds_all(daemon: Daemon) -> FakeIB:
    """IB has every order that the journal has there."""
    ib = FakeIB()
    for one in daemon._journal.intents.at_broker():
        number, left = one.order_id or 0, one.draft.quantity
        ib.orders[one.key] = OrderReport(
            *(one.key, one.perm_id or 0, number, NOBODY.client_id, BrokerStatus.HELD, Decimal(0), left, None)
        )
    ib.next_id = COUNT + 1
    return ib


def states(daemon: Daemon) -> set[IntentState]:
    return {order.state for order in orders(daemon).values()}


@each_time
async def test_nothing_holds_the_loop_up_while_a_thousand_orders_are_compared(tmp_path: Path) -> None:
    holding = Holding(tmp_path, SystemClock())
    await holding.place(COUNT)
    daemon = holding.daemon()
    await daemon._in_force.resume()
    desk, ib, taken = daemon._desk, holds_all(daemon), dict[str, list[float]]()

    async def compare(what: str) -> None:
        assert desk._session is not None
        desk._session.due_s = 0.0
        with collector_waits(), callbacks_timed() as taken[what]:
            await asyncio.create_task(desk.step())
        await asyncio.sleep(0)  # What follows is a callback of its own.
        assert desk._session.reconciled and desk._session.due_s > 0.0

    desk.attach(FakeLink(ib))
    await compare("start")
    desk.detach()
    desk.attach(FakeLink(ib))
    await compare("reconnection")
    await compare("audit")
    assert len(orders(daemon)) == COUNT and states(daemon) == {State.ACKED}
    for key in list(ib.orders)[: COUNT // 2]:
        ib.fill(key, "1", "400")
    await compare("half filled")
    assert len(orders(daemon)) == COUNT // 2
    ib.orders.clear()
    await compare("the rest is gone")
    assert states(daemon) == {State.ACKED}
    assert desk._session is not None
    desk._session.absent_since_s = dict.fromkeys(desk._session.absent_since_s, 0.0)  # Long ago.
    await compare("and stays so")
    assert states(daemon) == {State.UNKNOWN}
    daemon.close()
    longest = {what: max(all_s) for what, all_s in taken.items()}
    none_is_long(longest, COMPARED_MAX, sum(map(sum, taken.values())))
