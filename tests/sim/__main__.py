"""`python -m tests.sim 1-200`: plays seeds and says which broke a promise."""

import argparse
import logging
import os
import sys
from contextlib import nullcontext

from tests.sim.mutations import MUTATIONS
from tests.sim.world import History, Plan, play

USUAL = Plan(seed=0)


def seeds_of(words: str) -> range:
    first, _, last = words.partition("-")
    return range(int(first), int(last or first) + 1)


def told(history: History) -> str:
    speed = history.simulated_s / history.real_s
    return (
        f"seed {history.plan.seed}: {history.digest[:16]}  {history.firings} firings, {history.orders} orders,"
        f" {history.ticks} prices, {history.starts} starts, {history.kills} kills, {history.simulated_s:.0f} s in"
        f" {history.real_s:.2f} s ({speed:.0f}x)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seeds", type=seeds_of, help="one seed, or a range such as 1-200")
    parser.add_argument("--minutes", type=float, default=USUAL.minutes)
    parser.add_argument("--badness", type=float, default=USUAL.badness)
    parser.add_argument("--kills", type=float, default=USUAL.kills_per_hour, help="per hour")
    parser.add_argument("--only", default="", help="the faults that happen, divided by commas")
    parser.add_argument("--mutation", choices=MUTATIONS, help="plant this mistake, and stop when it is found")
    parser.add_argument("--log", action="store_true", help="everything that happened")
    options = parser.parse_args()
    logging.disable()
    failed = []
    for seed in options.seeds:
        only = frozenset(filter(None, options.only.split(",")))
        plan = Plan(seed, options.minutes, options.badness, options.kills, only, keep_log=options.log)
        with MUTATIONS[options.mutation]() if options.mutation else nullcontext():
            history = play(plan)
        print(told(history), flush=True)
        if options.log:
            print("\n".join(history.log))
        for violation in history.violations:
            print(f"  {violation}")
        if history.violations:
            failed.append(seed)
            if options.mutation:
                break
    return 1 if failed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # What the dead have left behind must not come to life while the interpreter ends.
