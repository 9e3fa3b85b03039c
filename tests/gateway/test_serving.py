"""The gateway served alone, and a market that keeps hours."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from ib_insync import IB, LimitOrder, MarketOrder, PriceCondition

from rules_engine.gateway import Catalogue, Gateway, Market, serve
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, echo, stock, until


async def test_it_says_that_it_is_simulated_and_where() -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    alone = Gateway(Market(Catalogue()), accounts=("DU5",))
    task = asyncio.create_task(serve(alone, said.put_nowait))
    async with asyncio.timeout(DEADLINE_S):
        banner = await said.get()
    assert banner.startswith("SIMULATED")
    assert "DU5" in banner
    port = int(banner.split(":")[1].split(",")[0])
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=DEADLINE_S)
    assert ib.managedAccounts() == ["DU5"]
    ib.disconnect()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_it_can_be_ended_in_any_turn_of_its_beginning_and_leaves_nothing_open(tmp_path: Path) -> None:
    async def ended_after(turns: int) -> Gateway:
        gateway = Gateway(Market(Catalogue()), state=tmp_path / f"{turns}.db", control_port=0)
        serving = asyncio.create_task(serve(gateway))
        for _ in range(turns):
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait({serving}, timeout=DEADLINE_S)
        assert serving.cancelled()
        return gateway

    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    ended = [await ended_after(100)]
    before = open_files()
    for turns in range(20):
        ended.append(await ended_after(turns))
        async with asyncio.timeout(DEADLINE_S):
            while open_files() > before:
                await asyncio.sleep(0)
    assert ended[-1].port and ended[-1].control_port


def test_the_documented_test_of_ones_own_runs() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "gateway.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (program,) = [one for one in programs if "from rules_engine" in one]
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    port, price, orders = ran.stdout.split()
    assert int(port) > 0
    assert 100 < float(price) < 400
    assert orders == "()"


async def closed_market(bench: Bench, clock: SteppedClock) -> Gateway:
    """Wednesday, three hours before New York opens."""
    clock.time_s = NOON_S - 5.5 * 3600
    return await bench.gateway(clock=clock, sessions=True)


async def test_outside_hours_an_order_waits_with_399(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await closed_market(bench, clock)
    ib = await connect()
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    v = await stock(ib, "V")
    waits, trades = MarketOrder("BUY", 1, tif="DAY"), LimitOrder("BUY", 1, 205.0, tif="DAY", outsideRth=True)
    waiting, traded = ib.placeOrder(v, waits), ib.placeOrder(v, trades)
    await until(ib, traded.isDone)
    assert waiting.orderStatus.status == "PreSubmitted"
    assert heard == [399]
    clock.time_s = NOON_S
    gateway.push("V", 200.0)
    await until(ib, waiting.isDone)
    assert waiting.orderStatus.avgFillPrice == 200.0


async def test_conditions_outside_hours_need_leave(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await closed_market(bench, clock)
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    condition = PriceCondition(price=200.0, conId=v.conId, exch="SMART", triggerMethod=2)

    def order(ignore_rth: bool) -> MarketOrder:
        return LimitOrder(
            "BUY", 1, 400.0, outsideRth=True, conditions=[condition], conditionsIgnoreRth=ignore_rth, tif="GTC"
        )

    patient, early = ib.placeOrder(ma, order(False)), ib.placeOrder(ma, order(True))
    await echo(ib)
    gateway.push("V", 201.0)
    await until(ib, early.isDone)
    assert patient.isActive()
    clock.time_s = NOON_S
    gateway.push("V", 200.5)
    await until(ib, patient.isDone)
