"""IB's lists of very many open orders over a socket: telling, reading and comparing them holds nothing up."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.lists import Engine, Taken, measured, occasions, stocked

COUNT = 1500
LONGEST_MAX = 0.03
"""No callback takes a larger share of all the work: some 25 ms on the machine of docs/decisions/0016. Each of asyncio's
own reads of 256 kB takes 0.04, and a gateway that tells 1,500 orders in one go 0.09."""


def long(taken: Sequence[Taken]) -> dict[str, str]:
    work_s = sum(one.work_s for one in taken)
    return {one.what: f"{one.longest_s / work_s:.3f}" for one in taken if one.longest_s > LONGEST_MAX * work_s}


async def test_nothing_holds_the_loop_up_while_lists_of_many_orders_are_read_and_compared(tmp_path: Path) -> None:
    assert not long(await measured(COUNT, tmp_path))


async def test_nothing_holds_a_gateway_up_while_it_tells_them(tmp_path: Path) -> None:
    """The two of them in one loop."""
    engine = Engine(tmp_path)
    gateway = await stocked(engine.record(COUNT))
    taken = await occasions(engine.daemon(gateway.port))
    await gateway.stop()
    assert not long(taken)
