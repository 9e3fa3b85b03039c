"""The state file after a process that ended in the middle: all that a client was told, and no half of anything."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from ib_insync import IB, LimitOrder, MarketOrder

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway import state as state_module
from rules_engine.gateway.accounts.ledger import CASH_START, Ledger
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.state import State, StateError
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, echo, stock, until

ONE = "one.db"


def loaded(path: Path) -> tuple[OrderBook, Ledger, list[Order]]:
    """What a state file remembers."""
    market = Market(Catalogue(clock=SteppedClock(NOON_S)))
    book, ledger = OrderBook(), Ledger(["DU1"], market)
    file = State(path)
    orders = file.load(book, ledger, market.catalogue)
    file.close()
    return book, ledger, orders


def assert_whole(book: OrderBook, ledger: Ledger, orders: list[Order]) -> None:
    """Orders, fills, positions and cash tell one story, and no number is given twice."""
    for order in orders:
        fills = [one for one in book.executions if one.permId == order.permId]
        assert order.filled == sum(one.shares for one in fills)
        assert order.permId < book.next_perm_id
        assert order.orderId < book.next_id(order.clientId)
    account = ledger.accounts["DU1"]
    held = {one.contract.symbol: one.size for one in account.holdings.values()}
    symbols = {one.contract.symbol for one in book.executions}
    assert held == {name: sum(one.signed for one in book.executions if one.contract.symbol == name) for name in symbols}
    paid = sum(one.signed * one.price + one.commission for one in book.executions)
    assert account.cash["USD"] == pytest.approx(CASH_START - paid)


async def test_at_whatever_statement_the_process_ends_the_file_is_whole(
    bench: Bench, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[Path] = []
    connect_to_file = sqlite3.connect

    def copying(path: Path, **options: Any) -> sqlite3.Connection:
        file = connect_to_file(path, **options)
        file.set_trace_callback(lambda _: copies.append(copied(path, tmp_path / f"copy{len(copies)}")))
        return file

    monkeypatch.setattr(state_module.sqlite3, "connect", copying)
    gateway = await bench.gateway(state=tmp_path / ONE, clock=SteppedClock(NOON_S))
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    resting = ib.placeOrder(v, LimitOrder("BUY", 10, 150.0, tif="GTC"))
    for contract, action, size in ((v, "BUY", 100), (ma, "SELL", 5), (v, "SELL", 60)):
        await until(ib, ib.placeOrder(contract, MarketOrder(action, size, tif="DAY")).isDone)
    ib.cancelOrder(resting.order)
    await until(ib, resting.isDone)
    gateway.correct(gateway.executions[0].execId, 190.0, 100.0)
    await gateway.stop()
    monkeypatch.undo()

    assert len(copies) > 50
    stages = set()
    for copy in copies:
        try:
            book, ledger, orders = loaded(copy)
        except StateError:
            assert not stages, "a file that could be read cannot be read any more"
            continue
        assert_whole(book, ledger, orders)
        stages.add((len(orders), len(book.executions), orders[-1].status if orders else ""))
    assert {fills for _, fills, _ in stages} == {0, 1, 2, 3}


def copied(path: Path, folder: Path) -> Path:
    """The file as a process that ends now leaves it."""
    folder.mkdir()
    for name in (path, path.with_name(f"{path.name}-wal")):
        if name.exists():
            shutil.copy(name, folder)
    return folder / path.name


_SERVE = """
import asyncio, sys
from pathlib import Path
from rules_engine.gateway import Catalogue, Gateway, Market

async def main():
    gateway = Gateway(Market(Catalogue()), state=Path(sys.argv[1]), accounts=("DU1",), active_orders_max=1000)
    await gateway.start()
    gateway.push("V", 199.0)
    print(gateway.port, flush=True)
    await gateway.run()

asyncio.run(main())
"""


@pytest.mark.parametrize("told_before_the_end", [1, 17, 60])
async def test_what_a_client_was_told_survives_the_kill_of_the_process(
    tmp_path: Path, told_before_the_end: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVE, str(tmp_path / ONE), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told: dict[int, tuple[str, float]] = {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            port = int(await process.stdout.readline())
        ib = IB()
        await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=DEADLINE_S)
        v = await stock(ib, "V")

        def heard(trade: Any) -> None:
            status = trade.orderStatus
            told[status.permId] = (status.status, status.filled)
            if len(told) == told_before_the_end:
                os.kill(process.pid, signal.SIGKILL)

        ib.orderStatusEvent += heard
        for number in range(100):
            order = MarketOrder("BUY", 1, tif="DAY") if number % 2 else LimitOrder("BUY", 1, 150.0, tif="GTC")
            ib.placeOrder(v, order)
        async with asyncio.timeout(DEADLINE_S):
            await process.wait()
        ib.disconnect()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    book, ledger, orders = loaded(tmp_path / ONE)
    assert_whole(book, ledger, orders)
    remembered = {order.permId: order for order in orders}
    for permId, (status, filled) in told.items():
        if permId:
            assert (status, filled) in (
                (remembered[permId].status, remembered[permId].filled),
                ("PreSubmitted", 0.0),
                ("PendingSubmit", 0.0),
            )


async def test_refused_orders_use_up_their_ids_over_a_restart_too(
    bench: Bench, connect: Connect, tmp_path: Path
) -> None:
    first = await bench.gateway(state=tmp_path / ONE)
    ib = await connect()
    ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.001, orderId=70))
    await echo(ib)
    await first.stop()
    await bench.gateway(state=tmp_path / ONE)
    again = await connect()
    assert again.client.getReqId() > 70


async def test_bound_orders_and_corrections_come_back(bench: Bench, connect: Connect, tmp_path: Path) -> None:
    first = await bench.gateway(state=tmp_path / ONE)
    first.place_in_tws("V", "BUY", 10, "LMT", 150.0)
    zero = await connect(clientId=0)
    (bound,) = zero.openTrades()
    assert bound.order.orderId == -1
    other = first.place_in_tws("MA", "BUY", 10, "LMT", 150.0)
    first.place_in_tws("V", "BUY", 5)
    corrected = first.correct(first.executions[0].execId, 198.0, 4.0)
    await first.stop()

    second = await bench.gateway(state=tmp_path / ONE)
    assert [(one.clientId, one.orderId, one.manual) for one in second.orders[:2]] == [(0, -1, True), (0, -2, True)]
    assert second.orders[1].permId == other
    assert [one.execId for one in second.executions] == [corrected]
    again = await connect(clientId=0)
    assert sorted(trade.order.orderId for trade in again.openTrades()) == [-2, -1]
    assert [one.position for one in again.positions()] == [4.0]
    third = second.place_in_tws("V", "BUY", 1, "LMT", 150.0)
    await echo(again)
    assert next(one for one in second.orders if one.permId == third).orderId == -4, "-3 was the order that is filled"


@pytest.mark.parametrize("spoil", ["foreign", "older", "cut", "record"])
async def test_a_file_that_cannot_be_used_is_named_with_the_reason_and_left_alone(
    bench: Bench, connect: Connect, tmp_path: Path, spoil: str
) -> None:
    path = tmp_path / ONE
    gateway = await bench.gateway(state=path)
    ib = await connect()
    for number in range(20):
        ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.0 - number, tif="GTC", orderRef="x" * 300))
    await echo(ib)
    await gateway.stop()
    if spoil == "foreign":
        path.unlink()
    file = sqlite3.connect(path)
    match spoil:
        case "foreign":
            file.execute("CREATE TABLE recipes (name TEXT)")
        case "older":
            file.execute("PRAGMA user_version = 1")
        case "record":
            file.execute("UPDATE orders SET record = '{'")
    file.commit()
    file.close()
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    content = path.read_bytes()
    reasons = {"foreign": "something else", "older": "version 1", "cut": "damaged|malformed", "record": "damaged"}
    with pytest.raises(StateError, match=rf"{ONE}.*({reasons[spoil]})"):
        await Gateway(Market(Catalogue()), state=path, accounts=("DU1",)).start()
    assert path.read_bytes() == content
