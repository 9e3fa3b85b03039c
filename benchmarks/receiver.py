"""Whoever receives in L1, each in its own process: it says "ready", receives until the gateway closes the connection,
and says what it cost and what fired, as one line of JSON.

`python -m benchmarks.receiver bare PORT SETTLE_S LINES` is a client of the library that does nothing;
`python -m benchmarks.receiver engine PORT SETTLE_S FOLDER` is the daemon with the rules of a folder.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ib_insync import IB, Stock, Ticker

from benchmarks.feeder import names
from rules_engine.daemon.control import ask
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.execution.ledger import open_ledger
from rules_engine.model.clock import SystemClock
from rules_engine.model.firing import RuleState
from rules_engine.model.settings import GatewaySettings, Settings

_LOOK_S = 0.25
_FIRES_MAX = 10_000_000


async def bare(port: int, settle_s: float, lines: int) -> dict[str, object]:
    """CPU seconds from the first trade to the last."""
    ib, closed = IB(), asyncio.Event()
    await ib.connectAsync("127.0.0.1", port, clientId=5)
    contracts = await ib.qualifyContractsAsync(*(Stock(name, "SMART", "USD") for name in names(lines)))

    def on_tickers(tickers: set[Ticker]) -> None:
        """Nothing is done with them."""

    ib.pendingTickersEvent += on_tickers
    ib.disconnectedEvent += closed.set
    tickers = [ib.reqMktData(contract, "233") for contract in contracts]
    await _until(lambda: all(ticker.hasBidAsk() for ticker in tickers))
    start_s = await _ready(settle_s)
    await closed.wait()
    why = "" if tickers[0].halted == 1 else "the connection ended early"
    return {"cpu_s": time.process_time() - start_s, "fired": {}, "folded": 0, "cut_short": why}


async def engine(port: int, settle_s: float, folder: Path) -> dict[str, object]:
    """The same of the daemon in mode dry, until nothing waits any more; and how often each rule fired."""
    state, clock = StateFolder(folder / "var"), SystemClock()
    state.prepare()
    settings = replace(Settings(), rules=folder / "rules", state=state.path, gateway=GatewaySettings(port=port))
    book = RuleBook(settings.rules, frozenset({"desk"}))
    edition = book.read(clock.now_s(), frozenset(), {})
    assert isinstance(edition, Edition), edition
    daemon = Daemon(settings, state, book, edition, clock, live=False)
    stopping = asyncio.Event()
    running = asyncio.create_task(daemon.run(stopping))
    await _until(lambda: daemon.link.connection is not None and not daemon.link.silent)
    connection = daemon.link.connection
    assert connection is not None
    while not await _all_armed(state.socket):  # noqa: ASYNC110  # Nobody tells of it.
        await asyncio.sleep(_LOOK_S)
    start_s = await _ready(settle_s)
    await connection.ended()
    await _until(lambda: not len(daemon.inbox), pause_s=0)
    taken_s, folded = time.process_time() - start_s, daemon.inbox.folded
    first = connection.prices(names(1)[0])
    why = "" if first is not None and first.is_halted else connection.why_ended
    stopping.set()
    await running
    daemon.close()
    with open_ledger(state.journal) as ledger:
        fired = Counter(fire.rule for fire in ledger.fires(count_max=_FIRES_MAX))
    return {"cpu_s": taken_s, "fired": fired, "folded": folded, "cut_short": why}


async def _all_armed(socket: Path) -> bool:
    status = await asyncio.to_thread(ask, socket, "status")
    assert isinstance(status, dict) and isinstance(status["rules"], list)
    return all(isinstance(rule, dict) and rule["state"] == RuleState.ARMED.value for rule in status["rules"])


async def _until(done: Callable[[], bool], pause_s: float = _LOOK_S) -> None:
    while not done():  # noqa: ASYNC110  # Nobody tells of it.
        await asyncio.sleep(pause_s)


async def _ready(settle_s: float) -> float:
    await asyncio.sleep(settle_s)
    print("ready", flush=True)
    return time.process_time()


def main() -> None:
    """Does what its arguments say."""
    logging.disable(logging.ERROR)  # The connection ends in every round.
    what, port, settle_s, given = sys.argv[1:]
    received = asyncio.run(
        bare(int(port), float(settle_s), int(given))
        if what == "bare"
        else engine(int(port), float(settle_s), Path(given))
    )
    print(json.dumps(received), flush=True)


if __name__ == "__main__":
    main()
