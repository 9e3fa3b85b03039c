"""`python -m tests.sim 1-200` plays seeds and says which broke a promise; `--planted` checks the simulation itself."""

import argparse
import logging
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from tests.sim.faults import FAULTS
from tests.sim.mutations import MUTATIONS
from tests.sim.plan import NEW_YORK, History, Plan
from tests.sim.shrink import shrunk
from tests.sim.world import play

USUAL = Plan(seed=0)
SHOWN_MAX = 20
ROUGH = replace(USUAL, minutes=10.0, badness=2.0, kills_per_hour=60.0, stop_at_first=True)
"""Where planted mistakes are looked for."""
HASTY = replace(ROUGH, minutes=5.0, badness=0.5, kills_per_hour=1200.0, stops=1.0, hasty=0.9, peace=False)
ROUGH_FOR = {
    "trust cancelled": replace(ROUGH, badness=20.0, only=frozenset({"an error names a live order"})),
    "resend at once": replace(ROUGH, badness=8.0, resends=1.0, only=frozenset({"an order is lost"})),
    "believe 1102": replace(ROUGH, badness=12.0, only=frozenset({"IB's link is lost", "IB's link blinks"})),
    "no restart window": replace(ROUGH, windows=1.0),
    "keep what waits": replace(
        ROUGH, kills_per_hour=0.0, user_per_hour=900.0, badness=30.0, only=frozenset({"an answer never ends"})
    ),
    "believe every print": replace(ROUGH, badness=10.0, only=frozenset({"a print that never was"})),
    "swallow a stop": HASTY,
    "cancel once": HASTY,
    "no fsync": replace(ROUGH, badness=0.5, kills_per_hour=400.0, power_cuts=1.0),
}
"""Those that need more of one thing."""
FALLEN = "the engine does not fall"
NAMES = ", ".join(one.name for one in FAULTS)


def seeds_of(words: str) -> range:
    first, _, last = words.partition("-")
    return range(int(first), int(last or first) + 1)


def moment_of(words: str) -> datetime:
    return datetime.strptime(words, "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)


def names_of(words: str) -> frozenset[str]:
    return frozenset(filter(None, words.split(",")))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seeds", type=seeds_of, help="one seed, or a range such as 1-200")
    parser.add_argument("--minutes", type=float, default=USUAL.minutes, help="of trading")
    parser.add_argument("--badness", type=float, default=USUAL.badness, help="1 is bad, 0 is peace")
    parser.add_argument("--kills", type=float, default=USUAL.kills_per_hour, help="per hour")
    parser.add_argument("--stops", type=float, default=USUAL.stops, help="share of the endings that are asked for")
    parser.add_argument("--hasty", type=float, default=USUAL.hasty, help="share of the starts that are stopped at once")
    parser.add_argument("--user", type=float, default=USUAL.user_per_hour, help="deeds of the user per hour")
    parser.add_argument("--pause", type=float, default=USUAL.pause_s, help="seconds between two prices")
    parser.add_argument("--power-cuts", type=float, default=USUAL.power_cuts, help="share of the kills")
    parser.add_argument("--resends", type=float, default=USUAL.resends, help="share of the seeds that send twice")
    parser.add_argument("--windows", type=float, default=USUAL.windows, help="share of the seeds with a restart window")
    parser.add_argument("--start", type=moment_of, default=USUAL.start, help="such as '2026-10-31 23:20', in New York")
    parser.add_argument("--only", type=names_of, default=frozenset(), help=f"the faults that happen: {NAMES}")
    parser.add_argument("--without", type=names_of, default=frozenset(), help="faults that do not happen")
    parser.add_argument(
        "--no-peace", action="store_true", help="end with the trading: what must agree later is not asked"
    )
    parser.add_argument("--log", action="store_true", help="everything that happened")
    parser.add_argument("--mutation", choices=MUTATIONS, help="plant this mistake")
    parser.add_argument("--no-shrinking", action="store_true", help="do not look for fewer causes of what broke")
    parser.add_argument(
        "--planted",
        nargs="?",
        const=",".join(MUTATIONS),
        help="plant each mistake in turn, or those named, and find it within the seeds",
    )
    options = parser.parse_args()
    logging.lastResort = logging.NullHandler()
    if options.planted:
        return planted(options.seeds, options.planted.split(","))
    plan = Plan(
        seed=0,
        minutes=options.minutes,
        badness=options.badness,
        kills_per_hour=options.kills,
        stops=options.stops,
        hasty=options.hasty,
        user_per_hour=options.user,
        pause_s=options.pause,
        power_cuts=options.power_cuts,
        resends=options.resends,
        windows=options.windows,
        start=options.start,
        only=options.only,
        without=options.without,
        peace=not options.no_peace,
        keep_log=options.log,
    )
    with MUTATIONS[options.mutation]() if options.mutation else nullcontext():
        return played(plan, options.seeds, options.mutation or "", shrinks=not options.no_shrinking)


def played(plan: Plan, seeds: range, mutation: str, *, shrinks: bool) -> int:
    """Plays every seed, with this mistake planted if one is named, and tells of each; 1 when one broke a promise."""
    failed, simulated_s, cpu_s = [], 0.0, 0.0
    for seed in seeds:
        history = play(replace(plan, seed=seed))
        simulated_s, cpu_s = simulated_s + history.simulated_s, cpu_s + history.cpu_s
        tell(history)
        if history.violations:
            failed.append(history)
            print(f"  again: {command(history.plan, mutation)} --log", flush=True)
    print(f"{len(seeds)} seeds, {simulated_s / cpu_s:.0f} simulated seconds in a second of processor time", flush=True)
    if failed and shrinks:
        first = failed[0]
        print(f"seed {first.plan.seed}: {first.violations[0].promise}: leaving out what is not needed", flush=True)
        smallest = shrunk(first.plan, first.violations[0].promise, lambda text: print(text, flush=True))
        print(f"the fewest causes: {command(smallest, mutation)} --log")
    for history in failed:
        print(f"seed {history.plan.seed} broke a promise; again: {command(history.plan, mutation)} --log")
    return 1 if failed else 0


def planted(seeds: range, names: Sequence[str]) -> int:
    """Looks for every planted mistake; 1 when one was not found within the seeds."""
    places = ("anything", *(name for name in ROUGH_FOR if name in names))
    missed = [name for name in places if not _is_clean(name, seeds)]
    for name in names:
        mutation = MUTATIONS[name]
        began_s = time.process_time()
        for seed in seeds:
            with mutation():
                found = play(replace(ROUGH_FOR.get(name, ROUGH), seed=seed)).violations
            if found and found[0].promise != FALLEN:  # An engine that the mistake itself makes fall shows nothing.
                taken_s = time.process_time() - began_s
                print(f"{name}: found by seed {seed} in {taken_s:.1f} s: {found[0].promise}", flush=True)
                break
        else:
            missed.append(name)
            print(f"{name}: NOT FOUND by seeds {seeds.start} to {seeds.stop - 1}", flush=True)
    return 1 if missed else 0


def _is_clean(name: str, seeds: range) -> bool:
    """Without a mistake the same seed must break nothing: otherwise finding something there says nothing."""
    found = play(replace(ROUGH_FOR.get(name, ROUGH), seed=seeds.start)).violations
    said = f"{found[0]}" if found else "nothing is broken"
    print(f"where {name} is looked for, without it: {said}", flush=True)
    return not found


def tell(history: History) -> None:
    print(
        f"seed {history.plan.seed}: {history.digest[:16]}  {history.firings} firings, {history.orders} orders,"
        f" {history.again} sent again, {history.ticks} prices, {history.deeds} deeds of the user,"
        f" {history.starts} starts, {history.kills} kills,"
        f" {history.simulated_s:.0f} s in {history.cpu_s:.2f} s of processor time"
        f" ({history.simulated_s / history.cpu_s:.0f}x)",
        flush=True,
    )
    for line in history.log:
        print(line)
    for violation in history.violations[:SHOWN_MAX]:
        print(f"  {violation}")
    if len(history.violations) > SHOWN_MAX:
        print(f"  and {len(history.violations) - SHOWN_MAX} more")


def command(plan: Plan, mutation: str = "") -> str:
    """What plays the same history again."""
    asked = {
        "minutes": (plan.minutes, USUAL.minutes),
        "badness": (plan.badness, USUAL.badness),
        "kills": (plan.kills_per_hour, USUAL.kills_per_hour),
        "stops": (plan.stops, USUAL.stops),
        "hasty": (plan.hasty, USUAL.hasty),
        "user": (plan.user_per_hour, USUAL.user_per_hour),
        "pause": (plan.pause_s, USUAL.pause_s),
        "power-cuts": (plan.power_cuts, USUAL.power_cuts),
        "resends": (plan.resends, USUAL.resends),
        "windows": (plan.windows, USUAL.windows),
    }
    words = [f"--{name} {value:g}" for name, (value, usual) in asked.items() if value != usual]
    if plan.start != USUAL.start:
        words.append(f"--start '{plan.start:%Y-%m-%d %H:%M}'")
    for name, faults in (("only", plan.only), ("without", plan.without)):
        words += [f"--{name} {shlex.quote(','.join(sorted(faults)))}"] if faults else []
    words += [] if plan.peace else ["--no-peace"]
    words += [f"--mutation {shlex.quote(mutation)}"] if mutation else []
    return " ".join(["python -m tests.sim", str(plan.seed), *words])


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # What the dead have left behind must not come to life while the interpreter ends.
