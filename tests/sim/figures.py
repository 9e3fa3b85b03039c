"""`python -m tests.sim.figures compare 1-1000`, `... withheld 1-500`, `... restarts 1-500`, `... flood 1-10`,
`... twice 1-1000`: promises in numbers."""

import argparse
import asyncio
import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

from rules_engine.model.settings import Limits
from tests.sim import virtual_loop
from tests.sim.comparison import compare
from tests.sim.disk import fast_folder
from tests.sim.house import House
from tests.sim.market import Crowd
from tests.sim.node import Node
from tests.sim.plan import USUAL_START
from tests.sim.staged import staged

_RULES = (Path(__file__).parent / "rules.yaml").read_text()
COMPARED_MINUTES = 5.0
TOLD_WITHIN_S = 30.0
TOLD_EVERY = 100
"""Seeds, while many are compared."""
TWICE = "--minutes 2 --badness 3 --kills 90 --no-peace"
TWICE_AT_A_TIME = 50
FLOOD = 10_000
FLOOD_ORDERS = 10
FLOOD_RULES = "version: 1\ntimezone: America/New_York\nrules:\n" + "".join(
    f"  - {{name: amid-{at}, when: V crosses above {200 + at}, do: buy {at + 1} MA at limit 390, run: here}}\n"
    f"  - {{name: reads-{at}, when: AAPL moves up {at + 1}% in {at + 1}m, do: notify phone}}\n"
    for at in range(FLOOD_ORDERS)
)
SENT_WITHIN_S = 1.0
HEARD_WITHIN_S = 0.1
WITHHELD: dict[str, Callable[[House, bool], None]] = {
    "our open orders": lambda house, on: _ignore(house, "ReqOpenOrders", on),
    "all open orders": lambda house, on: _ignore(house, "ReqAllOpenOrders", on),
    "completed orders": lambda house, on: house.gateway.withhold("CompletedOrdersEnd", on),
    "executions": lambda house, on: house.gateway.withhold("ExecDetailsEnd", on),
}
"""Each of the four answers of a reconciliation, kept back or let through."""


def _ignore(house: House, request: str, on: bool) -> None:
    house.gateway.ignore(request) if on else house.gateway.let_through(request)


@dataclass(slots=True)
class Closed:
    """One answer withheld: orders that left before, meanwhile and afterwards."""

    before: int = 0
    meanwhile: int = 0
    after: int = 0
    firings_meanwhile: int = 0
    broken: list[str] = field(default_factory=list)


def withheld(seed: int, answer: str) -> Closed:
    """Prices go on, the connection breaks, and from then on one answer never comes, until it does again."""
    found = Closed()

    async def script(house: House) -> None:
        dice, withhold = house.random("withheld"), WITHHELD[answer]
        await asyncio.sleep(dice.uniform(10.0, 40.0))
        withhold(house, True)
        house.gateway.drop_connections()
        found.before, fired = house.gate.sent, _fired(house)
        await asyncio.sleep(90.0)
        found.meanwhile, found.firings_meanwhile = house.gate.sent - found.before, _fired(house) - fired
        withhold(house, False)
        await asyncio.sleep(60.0)
        found.after = house.gate.sent - found.before - found.meanwhile

    found.broken = _staged(seed, script)
    return found


@dataclass(slots=True)
class Restarted:
    """A gateway that restarts while orders are on their way to it, and counts order ids back."""

    in_flight: int = 0
    """Orders that had left and had not arrived when it ended."""
    doubled: int = 0
    lost: int = 0
    """Of those in flight, the ones that IB never got."""
    flagged: int = 0
    told_after_s: list[float] = field(default_factory=list)
    """From the new connection to the message that an order's fate is unknown."""
    broken: list[str] = field(default_factory=list)


def restarts(seed: int) -> Restarted:
    """Strikes three times in the moment after an order left."""
    found = Restarted()

    async def script(house: House) -> None:
        dice = house.random("restarts")
        await asyncio.sleep(10.0)
        for _ in range(3):
            house.gateway.delay_orders(30.0)
            sent = house.gate.sent
            while house.gate.sent == sent:
                await asyncio.sleep(0.05)
            flying = {key for (key,) in house.rows("SELECT key FROM intent WHERE state = 'sending'")}
            house.gateway.restart(dice.uniform(0.5, 15.0), dice.choice((0, 1, 3, 50, 10**6)), dice.random() < 0.7)
            house.gateway.delay_orders(0.0)
            struck_s = house.loop.time()
            await asyncio.sleep(75.0)
            _count(house, flying, struck_s, found)

    found.broken = _staged(seed, script)
    return found


def _count(house: House, flying: set[str], struck_s: float, found: Restarted) -> None:
    back_s = min(one.began_s for one in house.watcher.conversations.values() if one.began_s > struck_s and one.accounts)
    at_ib = Counter(order.orderRef for order in house.gateway.orders)
    found.in_flight += len(flying)
    found.doubled += sum(count > 1 for count in at_ib.values())
    for key in sorted(flying - at_ib.keys()):
        found.lost += 1
        told = [at_s for at_s, _, text in house.office.delivered if f"reference {key}" in text]
        if told:
            found.flagged += 1
            found.told_after_s.append(told[0] - back_s)


def _staged(seed: int, script) -> list[str]:
    """Plays it with prices and an engine that nobody kills; what was broken, in words."""

    async def live(house: House) -> None:
        await house.gateway.start()
        house.start()
        trading = house.task(Crowd(house.gateway, house.random("market"), 1.0).trade(float("inf")))
        await script(house)
        trading.cancel()
        await house.stop()
        await house.gateway.stop()

    with TemporaryDirectory(prefix="sim-", dir=fast_folder()) as folder:
        house = House(Path(folder), seed, _RULES, start_s=USUAL_START.timestamp())
        house.play(live(house))
        return [str(violation) for violation in house.checks.violations]


def _fired(house: House) -> int:
    return house.rows("SELECT count(*) FROM firing WHERE kind != 'held back'")[0][0]


@dataclass(slots=True)
class Flooded:
    """Orders in the middle of a second in which an instrument prints FLOOD times."""

    sent_after_s: list[float] = field(default_factory=list)
    """From the price that fires a rule to its order on the wire."""
    callbacks_s: list[float] = field(default_factory=list)
    """The processor time of each callback of the engine: nothing else is heard so long."""


def flood(seed: int) -> Flooded:
    """Ten rules fire at moments of their own while another instrument floods."""
    found, dice = Flooded(), Random(f"{seed}:flood")

    async def script(house: House) -> None:
        house.gateway.flood("AAPL", per_s=float(FLOOD), for_s=1.0)
        for number in range(FLOOD_ORDERS):
            await asyncio.sleep(dice.uniform(0.01, 0.1))
            began_s, sent = house.loop.time(), house.gate.sent
            house.gateway.push("V", 200.5 + number)
            async with asyncio.timeout(TOLD_WITHIN_S):
                while house.gate.sent == sent:
                    await asyncio.sleep(0.001)
            found.sent_after_s.append(house.loop.time() - began_s)
        await asyncio.sleep(2.0)

    def timed(node: Node, callback: Callable[..., object], *words: object) -> None:
        began_s = time.thread_time()
        run(node, callback, *words)
        found.callbacks_s.append(time.thread_time() - began_s)

    run = virtual_loop._unless_dead
    with (
        TemporaryDirectory(prefix="sim-", dir=fast_folder()) as folder,
        patch.object(virtual_loop, run.__name__, timed),
    ):
        staged(Path(folder), script, FLOOD_RULES, Limits(max_orders_per_second=50))
    return found


# The tables.


def tell_compared(seeds: range) -> int:
    total, failed = Counter[str](), 0
    for seed in seeds:
        verdict = compare(seed, COMPARED_MINUTES)
        for name in ("compared", "out_of_sight", "apart", "decisions", "decisions_left_out"):
            total[name] += getattr(verdict, name)
        total["interruptions"] += verdict.interruptions.total()
        total["differences"] += len(verdict.differences)
        failed += bool(verdict.differences)
        for text in verdict.differences[:10]:
            print(f"seed {seed}: {text}", flush=True)
        if (seed - seeds.start + 1) % TOLD_EVERY == 0 or seed == seeds[-1]:
            _tell_so_far(seed - seeds.start + 1, total, failed)
    return 1 if failed else 0


def _tell_so_far(count: int, total: Counter[str], failed: int) -> None:
    moments = total["compared"] + total["out_of_sight"] + total["apart"]
    print(
        f"{count} seeds of {COMPARED_MINUTES:g} minutes, {total['interruptions']} interruptions:"
        f" of {moments} moments of a rule {total['compared']} compared, {total['out_of_sight']} out of sight,"
        f" {total['apart']} apart;"
        f" of {total['decisions'] + total['decisions_left_out']} decisions {total['decisions']} compared;"
        f" {total['differences']} differences in {failed} seeds",
        flush=True,
    )


def tell_withheld(seeds: range) -> int:
    failed = 0
    for answer in WITHHELD:
        total = Counter[str]()
        for seed in seeds:
            found = withheld(seed, answer)
            for name in ("before", "meanwhile", "after", "firings_meanwhile"):
                total[name] += getattr(found, name)
            for text in found.broken:
                print(f"seed {seed}, without {answer}: {text}", flush=True)
            failed += bool(found.broken or found.meanwhile)
        print(
            f"without {answer}: {len(seeds)} seeds, {total['firings_meanwhile']} firings, {total['meanwhile']} orders"
            f" sent; before {total['before']}, after {total['after']}",
            flush=True,
        )
    return 1 if failed else 0


def tell_restarts(seeds: range) -> int:
    total, slowest_s, failed = Counter[str](), 0.0, 0
    for seed in seeds:
        found = restarts(seed)
        for name in ("in_flight", "doubled", "lost", "flagged"):
            total[name] += getattr(found, name)
        slowest_s = max([slowest_s, *found.told_after_s])
        for text in found.broken:
            print(f"seed {seed}: {text}", flush=True)
        failed += bool(found.broken or found.doubled or found.flagged != found.lost)
    print(
        f"{len(seeds)} seeds, {3 * len(seeds)} restarts, {total['in_flight']} orders in flight,"
        f" {total['doubled']} doubled; {total['lost']} never arrived, {total['flagged']} of them flagged, the slowest"
        f" {slowest_s:.1f} s after the new connection"
    )
    return 1 if failed or slowest_s >= TOLD_WITHIN_S else 0


def tell_flood(seeds: range) -> int:
    found = [flood(seed) for seed in seeds]
    sent_after_s = sorted(after_s for one in found for after_s in one.sent_after_s)
    callbacks_s = sorted(took_s for one in found for took_s in one.callbacks_s)
    print(
        f"{len(seeds)} floods of {FLOOD} prices in a second, {len(sent_after_s)} orders amid them: the slowest left"
        f" {sent_after_s[-1] * 1000:.0f} ms after its price; {sum(callbacks_s):.1f} s of processor time in the engine,"
        f" the longest callbacks {', '.join(f'{took_s * 1000:.1f}' for took_s in callbacks_s[-3:])} ms"
    )
    return 1 if sent_after_s[-1] >= SENT_WITHIN_S or callbacks_s[-1] >= HEARD_WITHIN_S else 0


def tell_twice(seeds: range) -> int:
    """Every seed in two processes that hash differently."""
    differing: list[str] = []
    for start in range(seeds.start, seeds.stop, TWICE_AT_A_TIME):
        part = f"{start}-{min(start + TWICE_AT_A_TIME, seeds.stop) - 1}"
        one, other = (_digests(part, hash_seed) for hash_seed in ("1", "2"))
        differing += [f"{before} and {after}" for before, after in zip(one, other, strict=True) if before != after]
        print(f"seeds {seeds.start} to {part.split('-')[1]} twice: {len(differing)} differences", flush=True)
    print("\n".join(differing))
    return 1 if differing else 0


def _digests(seeds: str, hash_seed: str) -> list[str]:
    """`seed 7: 0123456789abcdef` for each seed."""
    surroundings = {**os.environ, "PYTHONHASHSEED": hash_seed}
    words = [sys.executable, "-m", "tests.sim", seeds, *TWICE.split(), "--no-shrinking"]
    said = subprocess.run(words, env=surroundings, capture_output=True, text=True, check=False).stdout
    return re.findall(r"^seed \d+: [0-9a-f]+(?=  )", said, re.MULTILINE)


TABLES = {
    "compare": tell_compared,
    "withheld": tell_withheld,
    "restarts": tell_restarts,
    "flood": tell_flood,
    "twice": tell_twice,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.figures", description=__doc__)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("seeds", help="one seed, or a range such as 1-500")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    logging.lastResort = logging.NullHandler()
    code = TABLES[options.table](range(int(first), int(last or first) + 1))
    print(f"{sum(os.times()[:4]):.0f} s of processor time")
    return code


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    os._exit(exit_code)  # What the dead have left behind must not come to life while the interpreter ends.
