"""W3: one symbol and ten thousand levels `S > c` and `S < c`; the peer is a bisection over sorted levels."""

import gc
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.engines import engine_of
from benchmarks.measure import Cost, interleaved, ratio, spell, table
from benchmarks.ticks import Print, walk
from rules_engine import Engine

Fired = list[tuple[int, int]]
"""Print number, rule number."""
Rules = Sequence[tuple[str, int]]
"""`>` or `<`, and a level in cents."""


@dataclass(frozen=True, slots=True)
class Size:
    """``levels`` that lie in the market's way, from a third of its home price to three times it."""

    prints: int = 1_000_000
    levels: int = 10_000
    rounds: int = 3
    seed: int = 20301122


SHORT = Size(prints=4_000, levels=400, rounds=1)


def levels(count: int, seed: int, low: int = 6_667, high: int = 60_000) -> Rules:
    """Half of them above, half below."""
    chance = random.Random(seed)
    return [(chance.choice("<>"), chance.randrange(low, high)) for _ in range(count)]


def engine(rules: Rules) -> Engine:
    """One rule a level."""
    return engine_of((f"r{number}", f"S {side} {cents / 100:.2f}") for number, (side, cents) in enumerate(rules))


def play_engine(rules: Rules, prints: Sequence[Print]) -> tuple[Fired, float]:
    """Ours."""
    tick, fired = engine(rules).tick, []
    heard = [(each.time_s, each.price) for each in prints]
    tick("S", heard[0][0] - 1.0, heard[0][1])
    gc.collect()
    start_s = time.process_time()
    for at, (time_s, price) in enumerate(heard):
        for firing in tick("S", time_s, price):
            fired.append((at, firing.rule))
    taken_s = time.process_time() - start_s
    return [(at, int(rule[1:])) for at, rule in fired], taken_s


def play_bisect(rules: Rules, prints: Sequence[Print]) -> tuple[Fired, float]:
    """By hand: two sorted lists, and the stretch of them that a move has passed."""
    above = sorted((cents, number) for number, (side, cents) in enumerate(rules) if side == ">")
    below = sorted((cents, number) for number, (side, cents) in enumerate(rules) if side == "<")
    ups, downs = [cents for cents, _ in above], [cents for cents, _ in below]
    fired: Fired = []
    last = prints[0].cents
    heard = [each.cents for each in prints]
    gc.collect()
    start_s = time.process_time()
    for at, cents in enumerate(heard):
        if cents > last:
            for index in range(bisect_left(ups, last), bisect_left(ups, cents)):
                fired.append((at, above[index][1]))
        elif cents < last:
            for index in range(bisect_right(downs, cents), bisect_right(downs, last)):
                fired.append((at, below[index][1]))
        last = cents
    return fired, time.process_time() - start_s


def fired_by_brute_force(rules: Rules, prints: Sequence[Print]) -> Fired:
    """The oracle: every rule asked at every print."""
    holds = [
        (side == ">" and prints[0].cents > level) or (side == "<" and prints[0].cents < level) for side, level in rules
    ]
    found = []
    for at, each in enumerate(prints):
        for number, (side, level) in enumerate(rules):
            now = each.cents > level if side == ">" else each.cents < level
            if now and not holds[number]:
                found.append((at, number))
            holds[number] = now
    return found


def disagreements(size: Size) -> list[str]:
    """Who fires otherwise than the oracle; empty when all agree."""
    rules, prints = levels(size.levels, size.seed, 19_000, 21_000), walk(size.prints, size.seed)
    expected = sorted(fired_by_brute_force(rules, prints))
    assert len(expected) > 100, "a market that touches nothing shows nothing"
    contenders = {"engine": play_engine, "bisect": play_bisect}
    return [f"{name} differs" for name, play in contenders.items() if sorted(play(rules, prints)[0]) != expected]


def costs(size: Size) -> dict[str, Cost]:
    """``untouched``: the same number of levels far away; ``ten``: ten levels far away."""
    prints = walk(size.prints, size.seed)
    near = levels(size.levels, size.seed)
    far = levels(size.levels, size.seed, 100_000_000, 200_000_000)
    runs = {
        "engine": partial(play_engine, near, prints),
        "bisect": partial(play_bisect, near, prints),
        "engine, untouched": partial(play_engine, far, prints),
        "bisect, untouched": partial(play_bisect, far, prints),
        "engine, ten levels": partial(play_engine, far[:10], prints),
    }
    return interleaved({name: partial(_seconds_a_print, run, len(prints)) for name, run in runs.items()}, size.rounds)


def _seconds_a_print(run: Callable[[], tuple[Fired, float]], count: int) -> float:
    return run()[1] / count


def report(size: Size, short: Size) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(short)
    measured = costs(size)
    fired = len(play_bisect(levels(size.levels, size.seed), walk(size.prints, size.seed))[0])
    pairs = {"engine": "bisect", "engine, untouched": "engine, ten levels"}
    rows = []
    for name, cost in measured.items():
        other = pairs.get(name)
        against = f"{ratio(cost.loops, measured[other].loops)} over {other}" if other else ""
        rows.append([name, f"{spell(cost.median_s * 1e6)} us", against])
    title = f"W3, {size.prints:,} prints, {size.levels:,} levels, {fired:,} firings, {size.rounds} rounds"
    return f"{table(title, ['', 'a print', 'ratio'], rows)}  {'; '.join(wrong) or 'all fire alike'}\n"
