"""W3: one symbol and ten thousand levels `S > c` and `S < c`; the peer is a bisection over sorted levels."""

import gc
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import in_c, peers
from benchmarks.engines import engine_of
from benchmarks.in_columns import fired_in_columns
from benchmarks.measure import Cost, interleaved, ratio, spell, table
from benchmarks.ticks import Print, walk
from rules_engine import Engine

Fired = list[tuple[int, int]]
"""Print number, rule number."""
Rules = Sequence[tuple[str, int]]
"""`>` or `<`, and a level in cents."""
Play = Callable[[Rules, Sequence[Print]], tuple[Fired, float]]
"""Lets a contender hear the prints; gives what fired and the CPU seconds that it took."""


@dataclass(frozen=True, slots=True)
class Size:
    """``levels`` that lie in the market's way, from a third of its home price to three times it."""

    prints: int = 1_000_000
    levels: int = 10_000
    prints_numpy: int = 10_000
    prints_peers: int = 50
    rounds: int = 3
    seed: int = 20301122


SHORT = Size(prints=4_000, levels=400, prints_peers=1_000, rounds=1)


def levels(count: int, seed: int, low: int = 6_667, high: int = 60_000) -> Rules:
    """Half of them above, half below."""
    chance = random.Random(seed)
    return [(chance.choice("<>"), chance.randrange(low, high)) for _ in range(count)]


def sentences(rules: Rules, symbol: str = "S") -> Iterator[tuple[str, str]]:
    """One rule a level, each with its name."""
    for number, (side, cents) in enumerate(rules):
        yield f"r{number}", f"{symbol} {side} {cents / 100:.2f}"


def engine(rules: Rules) -> Engine:
    """All of them in one engine."""
    return engine_of(sentences(rules))


def play_engine(rules: Rules, prints: Sequence[Print]) -> tuple[Fired, float]:
    """Ours."""
    feed, fired = engine(rules).feed("S"), []
    heard = [(each.time_s, each.price) for each in prints]
    feed(heard[0][0] - 1.0, heard[0][1])
    gc.collect()
    start_s = time.process_time()
    for at, (time_s, price) in enumerate(heard):
        for firing in feed(time_s, price):
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


def play_numpy(rules: Rules, prints: Sequence[Print]) -> tuple[Fired, float]:
    """All levels compared at every print."""
    ups = np.array([side == ">" for side, _ in rules])
    levels = np.array([cents for _, cents in rules])
    held = np.where(ups, prints[0].cents > levels, prints[0].cents < levels)
    fired: Fired = []
    start_s = time.process_time()
    for at, each in enumerate(prints):
        holds = np.where(ups, each.cents > levels, each.cents < levels)
        turned = holds & ~held
        if turned.any():
            fired += [(at, int(number)) for number in np.flatnonzero(turned)]
        held = holds
    return fired, time.process_time() - start_s


def play_c(rules: Rules, prints: Sequence[Print]) -> tuple[Fired, float]:
    """All prints in one call."""
    return in_c.play_levels(rules, prints, room=len(rules) + 20 * len(prints))


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


def contenders(size: Size, with_peers: bool = False) -> dict[str, tuple[Play, int]]:
    """Name -> how it plays, and how many prints it can bear."""
    found: dict[str, tuple[Play, int]] = {
        "engine": (play_engine, size.prints),
        "bisect": (play_bisect, size.prints),
        "numpy": (play_numpy, size.prints_numpy),
    }
    if in_c.COMPILER is not None:
        found["C, one call"] = (play_c, size.prints)
    if with_peers:
        found |= {name: (play, size.prints_peers) for name, play in peers.installed("play_levels").items()}
    return found


def disagreements(size: Size, with_peers: bool = False) -> list[str]:
    """Who fires otherwise than the oracle, of the contenders and of backtests in columns; empty when all agree."""
    rules, prints = levels(size.levels, size.seed, 19_000, 21_000), walk(size.prints, size.seed)
    expected = sorted(fired_by_brute_force(rules, prints))
    assert len(expected) > 100, "a market that touches nothing shows nothing"
    found = {
        name: (sorted(play(rules, prints[:most])[0]), most)
        for name, (play, most) in contenders(size, with_peers).items()
    }
    heard = [(0, each.time_s, each.cents) for each in prints]
    for name, fired in fired_in_columns(sentences(rules, "S0"), heard).items():
        found[name] = sorted((at, int(rule[1:])) for at, rule in fired), size.prints
    return [
        f"{name} differs"
        for name, (fired, most) in found.items()
        if fired != [(at, number) for at, number in expected if at < most]
    ]


def costs(size: Size, with_peers: bool = False) -> dict[str, Cost]:
    """``untouched``: the same number of levels far away; ``ten levels``: ten of them."""
    prints = walk(size.prints, size.seed)
    near = levels(size.levels, size.seed)
    far = levels(size.levels, size.seed, 100_000_000, 200_000_000)
    runs = {
        name: partial(_seconds_a_print, play, near, prints[:most])
        for name, (play, most) in contenders(size, with_peers).items()
    }
    runs |= {
        "engine, untouched": partial(_seconds_a_print, play_engine, far, prints),
        "bisect, untouched": partial(_seconds_a_print, play_bisect, far, prints),
        "engine, ten levels": partial(_seconds_a_print, play_engine, far[:10], prints),
    }
    return interleaved(runs, size.rounds)


def _seconds_a_print(play: Play, rules: Rules, prints: Sequence[Print]) -> float:
    return play(rules, prints)[1] / len(prints)


def report(size: Size, short: Size, with_peers: bool = False) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(short, with_peers)
    measured = costs(size, with_peers)
    fired = len(play_bisect(levels(size.levels, size.seed), walk(size.prints, size.seed))[0])
    pairs = {"engine, untouched": "engine, ten levels"}
    rows = []
    for name, cost in measured.items():
        other = pairs.get(name, "bisect")
        against = f"{ratio(cost.loops, measured[other].loops)} over {other}"
        rows.append([name, f"{spell(cost.median_s * 1e6)} us", against])
    title = f"W3, {size.prints:,} prints, {size.levels:,} levels, {fired:,} firings, {size.rounds} rounds"
    return f"{table(title, ['', 'a print', 'ratio'], rows)}  {'; '.join(wrong) or 'all fire alike'}\n"
