"""`python -m tests.kill 200 --seed 1`: real processes, real sockets, SIGKILL; what broke, and the figures."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from tests.kill.judge import Verdict, drain, judge
from tests.kill.killer import Killer, Tally
from tests.kill.points import POINTS
from tests.kill.processes import Nursery
from tests.kill.town import town_in

PAIRS = 4


async def kill_again_and_again(folder: Path, kills: int, seed: int, pairs: int = PAIRS) -> tuple[Tally, list[Verdict]]:
    """So many kills, spread over so many pairs of engine and gateway; for each pair peace, then the judgement."""
    total, verdicts = Tally(), list[Verdict]()

    async def one_pair(number: int) -> None:
        place = folder / str(number)
        place.mkdir()
        async with town_in(place, nursery) as town:
            killer = Killer(town, f"{seed}:{number}")
            await killer.go((kills + number) // pairs)
            await drain(town)
            await town.engine.end()
            verdicts.append(await judge(town, killer.tally))
            total.add(killer.tally)
            print(f"pair {number}: {killer.tally.total} kills, {len(verdicts[-1].broken)} promises broken", flush=True)

    async with Nursery() as nursery, asyncio.TaskGroup() as group:
        for number in range(pairs):
            group.create_task(one_pair(number))
    return total, verdicts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="so many engines with a gateway each, at a time")
    options = parser.parse_args()
    seed = SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="kill-") as folder:
        tally, verdicts = asyncio.run(kill_again_and_again(Path(folder), options.kills, seed, options.pairs))
    fates = sum((verdict.fates for verdict in verdicts), start=Verdict.no_fates())
    broken = [words for verdict in verdicts for words in verdict.broken]
    cpu_s = sum(os.times()[:4])
    print(
        f"{tally.total} kills in {time.monotonic() - began_s:.0f} s ({cpu_s:.0f} s of processor): {_words(tally.kills)}"
    )
    print(f"{tally.stops.total()} stops: {_words(tally.stops)}; {tally.edits} edits of the rules")
    print(f"struck at a named point: {tally.points.total()}, at the kill an intent was in state: {_words(tally.hit)}")
    print("\n".join(f"  {tally.points[name]:5} {name}" for name in POINTS))
    print(f"{fates.total()} firings: {_words(fates)}")
    orders, fills, letters, copies = (
        sum(getattr(verdict, what) for verdict in verdicts) for what in ("orders", "fills", "letters", "copies")
    )
    print(f"{orders} orders and {fills} fills at the gateways, {letters} different letters told")
    print(f"{copies} letters told twice, {len(broken)} promises broken")
    print("\n".join(broken))
    return 1 if broken else 0


def _words(counts) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if count) or "none"


if __name__ == "__main__":
    sys.exit(main())
