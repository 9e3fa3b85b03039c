"""`python -m tests.kill --kills 200 --seed 1`: real processes, real sockets, SIGKILL; what broke, and the figures."""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from tests.kill.judge import Verdict, drain, judge
from tests.kill.killer import Killer, Tally
from tests.kill.town import town_in


async def kill_again_and_again(folder: Path, kills: int, seed: int) -> tuple[Tally, Verdict]:
    """So many kills, then peace, then the judgement."""
    async with town_in(folder) as town:
        killer = Killer(town, seed)
        await killer.go(kills)
        await drain(town)
        await town.engine.end()
        return killer.tally, await judge(town, killer.tally)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="kill-") as folder:
        tally, verdict = asyncio.run(kill_again_and_again(Path(folder), options.kills, seed))
    fates = ", ".join(f"{count} {fate}" for fate, count in verdict.fates.items() if count)
    hits = ", ".join(f"{count} with {state}" for state, count in sorted(tally.hit.items()))
    print(f"{tally.total} kills in {time.monotonic() - began_s:.0f} s: {dict(tally.kills)}; hit: {hits}")
    print(f"{sum(verdict.fates.values())} firings: {fates}")
    print(f"{verdict.orders} orders and {verdict.fills} fills at the gateway, {verdict.letters} different letters told")
    print(f"{verdict.copies} letters told twice, {len(verdict.broken)} promises broken")
    print("\n".join(verdict.broken))
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
