"""IB's lists of very many open orders over a socket: telling and reading them goes in turns with everything else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ib_insync.decoder import Decoder

from benchmarks.lists import Engine, measured, occasions, stocked
from rules_engine.gateway.wire.session import REPLIES_AT_ONCE, Session

COUNT = 1500
READ_AT_ONCE_MAX = 300
"""Messages about orders, a status among them for each, in 64 kB. Asyncio's own 256 kB hold 800 of them, which are 70 ms
where they are dearest (`python -m benchmarks lists`)."""


@contextmanager
def calls_in_a_turn(owner: type[Any], name: str) -> Iterator[list[int]]:
    """How often it is called in each callback of the loop."""
    counts, method, run = [0], getattr(owner, name), asyncio.Handle._run

    def counted(*args: Any) -> Any:
        counts[-1] += 1
        return method(*args)

    def turn(handle: asyncio.Handle) -> None:
        counts.append(0)
        run(handle)

    with patch.object(owner, name, counted), patch.object(asyncio.Handle, "_run", turn):
        yield counts


async def test_lists_of_many_orders_are_read_in_turns(tmp_path: Path) -> None:
    with calls_in_a_turn(Decoder, "interpret") as read:
        await measured(COUNT, tmp_path)
    assert sum(read) > 3 * 2 * COUNT
    assert max(read) <= READ_AT_ONCE_MAX


async def test_a_gateway_tells_them_in_turns(tmp_path: Path) -> None:
    """The two of them in one loop."""
    engine = Engine(tmp_path)
    gateway = await stocked(engine.record(COUNT))
    with calls_in_a_turn(Session, "send") as told:
        await occasions(engine.daemon(gateway.port))
    await gateway.stop()
    assert sum(told) > 3 * 2 * COUNT
    assert max(told) < 2 * REPLIES_AT_ONCE
