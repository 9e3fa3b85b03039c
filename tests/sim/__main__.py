"""`python -m tests.sim 1-200` plays seeds and says which broke a promise; `--planted` checks the simulation itself."""

import argparse
import logging
import os
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

from tests.sim.faults import FAULTS
from tests.sim.mutations import MUTATIONS
from tests.sim.world import History, Plan, play

USUAL = Plan(seed=0)
SHOWN_MAX = 20
ROUGH = replace(USUAL, minutes=10.0, badness=2.0, kills_per_hour=60.0, stop_at_first=True)
"""Where planted mistakes are looked for."""
ROUGH_FOR = {
    "trust cancelled": replace(ROUGH, badness=20.0, only=frozenset({"an error names a live order"})),
    "no fsync": replace(ROUGH, badness=0.5, kills_per_hour=400.0, power_cuts=1.0),
}
"""Those that need more of one thing."""


def seeds_of(words: str) -> range:
    first, _, last = words.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seeds", type=seeds_of, help="one seed, or a range such as 1-200")
    parser.add_argument("--minutes", type=float, default=USUAL.minutes, help="of trading")
    parser.add_argument("--badness", type=float, default=USUAL.badness, help="1 is bad, 0 is peace")
    parser.add_argument("--kills", type=float, default=USUAL.kills_per_hour, help="per hour")
    parser.add_argument("--only", default="", help=f"the faults that happen: {', '.join(one.name for one in FAULTS)}")
    parser.add_argument("--log", action="store_true", help="everything that happened")
    parser.add_argument("--mutation", choices=MUTATIONS, help="plant this mistake")
    parser.add_argument(
        "--planted", action="store_true", help="plant each mistake in turn, and find it within the seeds"
    )
    options = parser.parse_args()
    logging.disable()
    if options.planted:
        return planted(options.seeds)
    plan = Plan(
        seed=0,
        minutes=options.minutes,
        badness=options.badness,
        kills_per_hour=options.kills,
        only=frozenset(filter(None, options.only.split(","))),
        keep_log=options.log,
    )
    with MUTATIONS[options.mutation]() if options.mutation else nullcontext():
        return played(plan, options.seeds)


def played(plan: Plan, seeds: range) -> int:
    """Plays every seed and tells of each; 1 when one broke a promise."""
    failed, simulated_s, cpu_s = [], 0.0, 0.0
    for seed in seeds:
        history = play(replace(plan, seed=seed))
        simulated_s, cpu_s = simulated_s + history.simulated_s, cpu_s + history.cpu_s
        tell(history)
        if history.violations:
            failed.append(seed)
    print(f"{len(seeds)} seeds, {simulated_s / cpu_s:.0f} simulated seconds in a second of processor time")
    for seed in failed:
        print(f"seed {seed} broke a promise; again: python -m tests.sim {seed} --log {flags(plan)}".rstrip())
    return 1 if failed else 0


def planted(seeds: range) -> int:
    """Looks for every planted mistake; 1 when one was not found within the seeds."""
    missed = []
    for name, mutation in MUTATIONS.items():
        began_s = time.process_time()
        for seed in seeds:
            with mutation():
                found = play(replace(ROUGH_FOR.get(name, ROUGH), seed=seed)).violations
            if found:
                taken_s = time.process_time() - began_s
                print(f"{name}: found by seed {seed} in {taken_s:.1f} s: {found[0].promise}", flush=True)
                break
        else:
            missed.append(name)
            print(f"{name}: NOT FOUND by seeds {seeds.start} to {seeds.stop - 1}", flush=True)
    return 1 if missed else 0


def tell(history: History) -> None:
    print(
        f"seed {history.plan.seed}: {history.digest[:16]}  {history.firings} firings, {history.orders} orders,"
        f" {history.ticks} prices, {history.starts} starts, {history.kills} kills, {history.simulated_s:.0f} s in"
        f" {history.cpu_s:.2f} s of processor time ({history.simulated_s / history.cpu_s:.0f}x)",
        flush=True,
    )
    for line in history.log:
        print(line)
    for violation in history.violations[:SHOWN_MAX]:
        print(f"  {violation}")
    if len(history.violations) > SHOWN_MAX:
        print(f"  and {len(history.violations) - SHOWN_MAX} more")


def flags(plan: Plan) -> str:
    """What was asked for besides the usual."""
    said = {"minutes": plan.minutes, "badness": plan.badness, "kills": plan.kills_per_hour}
    usual = {"minutes": USUAL.minutes, "badness": USUAL.badness, "kills": USUAL.kills_per_hour}
    words = [f"--{name} {value:g}" for name, value in said.items() if value != usual[name]]
    return " ".join([*words, *([f"--only '{','.join(sorted(plan.only))}'"] if plan.only else [])])


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # What the dead have left behind must not come to life while the interpreter ends.
