"""The simulated gateway: ticks and orders a second on one core, and what must not grow: orders held, days gone by."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import Ratio, spell, table
from benchmarks.processes import resident_mb
from rules_engine.gateway import Gateway, parse_market
from rules_engine.model.clock import SteppedClock

START_S = 1_782_921_600.0
"""Wednesday 1 July 2026, noon in New York."""
_ORDERS_MAX = 1_000_000
_SLICE_S = 0.02
_DAY_S = 86_400

PLAY = """\
version: 1
symbols:
  V:
    play:
      - {{at: 0s, price: 200}}
      - {{from: 200, to: 260, over: {half}ms, every: 1ms}}
      - {{to: 200, over: {half}ms, every: 1ms}}
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played, ordered and held, and how often."""

    prints: int = 60_000
    orders: int = 5_000
    held_few: int = 10
    held: int = 10_000
    days: int = 7
    rounds: int = 3


SHORT = Size(prints=2_000, orders=200, held=200, days=1, rounds=1)


@asynccontextmanager
async def _gateway(prints: int) -> AsyncIterator[Gateway]:
    """A gateway on a stepped clock that plays V up and down, a print a millisecond."""
    clock = SteppedClock(START_S)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "market.yaml"
        script.write_text(PLAY.format(half=prints // 2))
        gateway = Gateway(parse_market([str(script)], clock=clock), clock=clock, active_orders_max=_ORDERS_MAX)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


async def _client(gateway: Gateway, *words: str) -> asyncio.subprocess.Process:
    arguments = ["-m", "benchmarks.drain", str(gateway.port), *words]
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)


async def _subscriber(gateway: Gateway) -> asyncio.subprocess.Process:
    client = await _client(gateway, "ticks")
    assert client.stdout is not None
    await client.stdout.readline()
    return client


async def _counted(client: asyncio.subprocess.Process) -> dict[str, float]:
    said, _ = await client.communicate()
    found: dict[str, float] = json.loads(said)
    return found


async def tick_cost_s(prints: int, held: int) -> tuple[float, float]:
    """CPU seconds a tick message and a print, with one subscriber and so many orders held on the instrument."""
    async with _gateway(prints) as gateway:
        if held:
            listing = gateway.market.catalogue.named("V")
            assert listing is not None
            await _counted(await _client(gateway, "held", str(held), str(listing.conId)))
        client = await _subscriber(gateway)
        gc.collect()
        start_s = time.process_time()
        for step in range(1, int(prints / 1000 / _SLICE_S) + 2):
            gateway.step_to(START_S + step * _SLICE_S)
            await asyncio.sleep(0)
        taken_s = time.process_time() - start_s
        await gateway.stop()
        messages = (await _counted(client))["messages"]
    return taken_s / messages, taken_s / prints


async def order_cost_s(orders: int) -> float:
    """CPU seconds an order, placed, filled and acknowledged."""
    async with _gateway(1000) as gateway:
        gateway.step_to(START_S + _SLICE_S)
        start_s = time.process_time()
        await _counted(await _client(gateway, "orders", str(orders)))
        return (time.process_time() - start_s) / orders


def report(size: Size) -> str:
    """Rates on one core, and the two costs that must stay flat."""
    bare, few, full, orders = [], [], [], []
    for _ in range(size.rounds):
        bare.append(asyncio.run(tick_cost_s(size.prints, held=0)))
        few.append(asyncio.run(tick_cost_s(size.prints, held=size.held_few)))
        full.append(asyncio.run(tick_cost_s(size.prints, held=size.held)))
        orders.append(asyncio.run(order_cost_s(size.orders)))
    rows = [
        ["tick messages a second to one client", *_row([1 / message_s for message_s, _ in bare])],
        ["orders a minute, placed, filled and acknowledged", *_row([60 / order_s for order_s in orders])],
        ["us a print", *_row([print_s * 1e6 for _, print_s in bare])],
        [f"us a print with {size.held_few} orders held", *_row([print_s * 1e6 for _, print_s in few])],
        [f"us a print with {size.held:,} orders held", *_row([print_s * 1e6 for _, print_s in full])],
    ]
    flat = [many_s / few_s for (_, many_s), (_, few_s) in zip(full, few, strict=True)]
    grown = resident_each_day(size.days)
    days = ", ".join(spell(megabytes) for megabytes in grown)
    return (
        f"{table(f'gateway, {size.rounds} rounds, one core', ['', 'median', 'least', 'most'], rows)}"
        f"  {size.held:,} held orders over {size.held_few}: {Ratio(median(flat), min(flat), max(flat))}\n"
        f"  resident MB after each of {size.days} simulated days of a walk, one subscriber: {days}\n"
    )


def _row(figures: list[float]) -> list[str]:
    return [spell(figure) for figure in (median(figures), min(figures), max(figures))]


def resident_each_day(days: int) -> list[float]:
    """Resident memory of a gateway that plays a walk, at the end of each simulated day; in a process of its own."""
    program = "import asyncio, benchmarks.gateway as g; asyncio.run(g.live_through({days}))"
    said = subprocess.run(
        [sys.executable, "-c", program.format(days=days)], check=True, stdout=subprocess.PIPE, text=True
    )
    return [float(line) for line in said.stdout.split()]


async def live_through(days: int) -> None:
    """Plays a walk for so many simulated days to one subscriber; prints the resident megabytes after each."""
    clock = SteppedClock(START_S)
    gateway = Gateway(parse_market(["walk"], clock=clock), clock=clock)
    await gateway.start()
    client = await _subscriber(gateway)
    for day in range(1, days + 1):
        for minute in range(1, _DAY_S // 60 + 1):
            gateway.step_to(START_S + (day - 1) * _DAY_S + minute * 60)
            await asyncio.sleep(0)
        print(resident_mb(os.getpid()), flush=True)
    await gateway.stop()
    await client.communicate()
