"""A gateway in its own process that writes trades to whoever follows its instruments, made beforehand and four messages
each: bid, ask, last with its size, and the trade report. After the last one the first instrument is halted, by which a
receiver knows that it has heard everything.

`python -m benchmarks.feeder LINES TRADES BATCH` says its port, waits for a line on its input, writes, and ends with a
second line. BATCH trades leave every ten milliseconds; 0 writes them all at once.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from rules_engine.gateway import Gateway, parse_market
from rules_engine.gateway.messages.form import reply_bytes
from rules_engine.gateway.messages.price_messages import TickGeneric, TickPrice, TickString
from rules_engine.gateway.wire.frames import VERSION_MAX

FIRST_CENTS = 20_000
"""The price that everybody hears before the trades."""
_STEP_CENTS = 5
_PAUSE_S = 0.01
_MADE_AT_ONCE = 500
_TIME = "0" * 13
"""Where the milliseconds are to stand."""
_BID, _ASK, _LAST, _RT_VOLUME, _HALTED = 1, 2, 4, 48, 49


def trades(lines: int, count: int) -> list[tuple[int, int]]:
    """Instrument by number and price in cents of each trade, always the same: a walk for each instrument."""
    random = Random(1)
    cents = [FIRST_CENTS] * lines
    made = []
    for _ in range(count):
        line = random.randrange(lines)
        cents[line] += random.choice((-1, 1)) * random.randint(1, _STEP_CENTS)
        made.append((line, cents[line]))
    return made


def names(lines: int) -> list[str]:
    """What the instruments are called, by number."""
    return [f"S{number}" for number in range(lines)]


def trade_bytes(request_id: int, cents: int, volume: int) -> bytes:
    """One trade on the wire, with a quote around it; its time is filled in as it leaves."""
    price = cents / 100
    report = f"{price!r};100;{_TIME};{volume};{price!r};true"
    messages = (
        TickPrice(request_id, _BID, (cents - 1) / 100, 100.0, 1),
        TickPrice(request_id, _ASK, (cents + 1) / 100, 100.0, 1),
        TickPrice(request_id, _LAST, price, 100.0),
        TickString(request_id, _RT_VOLUME, report),
    )
    return b"".join(reply_bytes(message, VERSION_MAX) for message in messages)


async def feed(lines: int, count: int, batch: int) -> None:
    """Serves one client."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "market.yaml"
        price = FIRST_CENTS / 100
        past = f"{{from: {price}, to: {price + 0.5}, over: 10m, every: 1s}}"
        line = f"{{history: [{past}], play: [{{at: 0s, price: {price}}}]}}"
        played = "".join(f"  {name}: {line}\n" for name in names(lines))
        script.write_text(f"version: 1\nsymbols:\n{played}")
        gateway = Gateway(parse_market([str(script)]))
    await gateway.start()
    print(gateway.port, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await _write(gateway, trades(lines, count), batch)
    await asyncio.to_thread(sys.stdin.readline)
    await gateway.stop()


async def _write(gateway: Gateway, made: Sequence[tuple[int, int]], batch: int) -> None:
    session = gateway.open_lines[0][0]
    by_name = {symbol: request_id for _, request_id, symbol in gateway.open_lines}
    requests = [by_name[name] for name in names(len(by_name))]
    at_once = batch or len(made)
    frames = list[bytes]()
    for at, (line, cents) in enumerate(made):
        frames.append(trade_bytes(requests[line], cents, 100 * at))
        if at % _MADE_AT_ONCE == 0:
            await asyncio.sleep(0)  # A gateway that answers nothing meanwhile would be given up.
    for start in range(0, len(frames), at_once):
        time_ms = b"%d" % int(time.time() * 1000)
        session.put_bytes(b"".join(frames[start : start + at_once]).replace(_TIME.encode(), time_ms))
        session.flush()
        if batch:
            await asyncio.sleep(_PAUSE_S)
    session.put_bytes(reply_bytes(TickGeneric(requests[0], _HALTED, 1.0), VERSION_MAX))
    session.half_close()


if __name__ == "__main__":
    asyncio.run(feed(*(int(word) for word in sys.argv[1:])))
