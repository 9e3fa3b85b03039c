"""W2 and W4: many symbols, ten rules each; and who agrees with whom about what fires."""

import gc
import random
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from benchmarks import in_c, peers
from benchmarks.engines import engine_of
from benchmarks.in_columns import fired_in_columns
from benchmarks.measure import Cost, interleaved, ratio, spell, table
from benchmarks.mix import Figures, Fired, Heard, figures, mix
from benchmarks.oracle import truths_by_brute_force
from benchmarks.ticks import STORMY, Print, walk
from rules_engine import Engine

QUIET = 0.5
"""Volatility of a year: 50%."""
Rules = Sequence[Figures]
"""Those of each symbol."""
Play = Callable[[Rules, Sequence[Heard]], tuple[Fired, float]]
"""Lets a contender hear the prints; gives what fired and the CPU seconds that it took."""


@dataclass(frozen=True, slots=True)
class Size:
    """``per_s``: prints a second of all symbols. ``zipf``: how unevenly they come. ``longest``: of the windows."""

    name: str
    symbols: int
    prints: int
    per_s: float
    volatility: float = STORMY
    zipf: float = 0.0
    varied: bool = False
    rounds: int = 3
    seed: int = 20301122


SIZES = {
    "W2": Size("W2", 100, 1_000_000, 2_000.0),
    "W2q": Size("W2q", 100, 1_000_000, 2_000.0, QUIET),
    "W4": Size("W4", 1_000, 1_000_000, 2_000.0, zipf=0.8, varied=True),
    "W4q": Size("W4q", 1_000, 1_000_000, 2_000.0, QUIET, zipf=0.8, varied=True),
}
SHORT = {
    "W2": Size("W2", 2, 10_000, 6.0, rounds=1),
    "W2q": Size("W2q", 2, 6_000, 6.0, QUIET, rounds=1),
    "W4": Size("W4", 6, 15_000, 9.0, zipf=0.8, varied=True, rounds=1),
    "W4q": Size("W4q", 6, 8_000, 9.0, QUIET, zipf=0.8, varied=True, rounds=1),
}


def market(size: Size) -> list[Heard]:
    """Prints of all symbols in order of time. Every symbol's walk has steps as large as its prints are far apart."""
    chance = random.Random(size.seed)
    weights = [1 / (number + 1) ** size.zipf for number in range(size.symbols)]
    total, bounds = sum(weights), list(accumulate(weights))
    turns = chance.choices(range(size.symbols), cum_weights=bounds, k=size.prints)
    walks: list[list[Print]] = []
    for number, weight in enumerate(weights):
        rate = size.per_s * weight / total
        walks.append(walk(turns.count(number), size.seed + number, size.volatility, rate))
    paths = [iter(path) for path in walks]
    time_s, heard = 1_900_000_000.0, []
    for number in turns:
        time_s += chance.uniform(0.6, 1.4) / size.per_s
        heard.append((number, time_s, next(paths[number]).cents))
    return heard


def rules(size: Size) -> Rules:
    """Ten a symbol; with ``varied`` windows the lengths are drawn between half and twice, so from 5 s to 10 min."""
    chance = random.Random(size.seed)
    return [figures(20_000, chance.uniform(0.5, 2.0) if size.varied else 1.0) for _ in range(size.symbols)]


def sentences(rules: Rules) -> Iterator[tuple[str, str]]:
    """All of them, each with its name."""
    for symbol, told in enumerate(rules):
        for number, rule in enumerate(mix(told)):
            yield f"r{symbol}-{number}", rule.sentence.format(S=f"S{symbol}")


def engine(rules: Rules) -> Engine:
    """All of them in one engine."""
    return engine_of(sentences(rules))


def play_engine(rules: Rules, prints: Sequence[Heard]) -> tuple[Fired, float]:
    """Ours, through the library face."""
    tick, fired = engine(rules).tick, []
    names = [f"S{number}" for number in range(len(rules))]
    heard = [(names[number], time_s, cents / 100) for number, time_s, cents in prints]
    gc.collect()
    start_s = time.process_time()
    for at, (name, time_s, price) in enumerate(heard):
        for firing in tick(name, time_s, price):
            fired.append((at, firing.rule))
    taken_s = time.process_time() - start_s
    return [(at, *_numbers(rule)) for at, rule in fired], taken_s


def _numbers(rule: str) -> tuple[int, int]:
    """Those of the symbol and the rule that a name is made of."""
    symbol, number = rule[1:].split("-")
    return int(symbol), int(number)


def play_by_hand(rules: Rules, prints: Sequence[Heard]) -> tuple[Fired, float]:
    """Plain deques, one window a rule."""
    books = [[(number, rule.by_hand().tick) for number, rule in enumerate(mix(told))] for told in rules]
    fired: Fired = []
    gc.collect()
    start_s = time.process_time()
    for at, (symbol, time_s, cents) in enumerate(prints):
        for number, tick in books[symbol]:
            if tick(time_s, cents):
                fired.append((at, symbol, number))
    return fired, time.process_time() - start_s


def fired_by_brute_force(rules: Rules, prints: Sequence[Heard]) -> Fired:
    """The oracle: every window again from the raw prints."""
    found: Fired = []
    for symbol, told in enumerate(rules):
        mine = [(at, time_s, cents) for at, (number, time_s, cents) in enumerate(prints) if number == symbol]
        times, values = [time_s for _, time_s, _ in mine], [cents for *_, cents in mine]
        for number, rule in enumerate(mix(told)):
            found += [(mine[edge][0], symbol, number) for edge in truths_by_brute_force(rule.sentence, times, values)]
    return sorted(found)


def contenders(with_peers: bool = False) -> dict[str, Play]:
    """Name -> how it plays."""
    found: dict[str, Play] = {"engine": play_engine, "deques": play_by_hand}
    if in_c.COMPILER is not None:
        found["C, one call"] = in_c.play_mix
    if with_peers:
        found |= peers.installed("play_mix")
    return found


def disagreements(size: Size, with_peers: bool = False) -> list[str]:
    """Who fires otherwise than the oracle, of the contenders and of backtests in columns; empty when all agree."""
    told, prints = rules(size), market(size)
    expected = fired_by_brute_force(told, prints)
    kinds = {number for _, _, number in expected}
    assert size.volatility < STORMY or len(kinds) >= 8, f"only the rules {sorted(kinds)} fire: it shows little"
    assert len(expected) >= 30, "a market in which next to nothing fires shows little"
    found = {name: sorted(play(told, prints)[0]) for name, play in contenders(with_peers).items()}
    for name, fired in fired_in_columns(sentences(told), prints).items():
        found[name] = sorted((at, *_numbers(rule)) for at, rule in fired)
    return [
        f"{name} fires otherwise than the oracle, first at {sorted(set(fired) ^ set(expected))[:3]}"
        for name, fired in found.items()
        if fired != expected
    ]


def costs(size: Size, with_peers: bool = False) -> tuple[dict[str, Cost], bool]:
    """CPU time of each contender, and whether they fired alike."""
    told, prints = rules(size), market(size)
    fired: dict[str, Fired] = {}

    def run(name: str, play: Play) -> float:
        found, taken_s = play(told, prints)
        fired[name] = sorted(found)
        return taken_s / len(prints)

    runs = {name: partial(run, name, play) for name, play in contenders(with_peers).items()}
    found = interleaved(runs, size.rounds)
    return found, all(each == fired["deques"] for each in fired.values())


def tails(size: Size) -> str:
    """What slow prints take beside the median: the engine, with the garbage collector and without, and plain deques.

    CPU time of the later half of the prints, when the longest windows are full or nearly; the clock's own is in it.
    """
    told, prints = rules(size), market(size)
    names = [f"S{number}" for number in range(size.symbols)]
    heard = [(names[number], time_s, cents / 100) for number, time_s, cents in prints]
    rows = [_tail("engine", _each_s(engine(told).tick, heard))]
    gc.disable()
    try:
        rows.append(_tail("engine, no collector", _each_s(engine(told).tick, heard)))
    finally:
        gc.enable()
    books = [[rule.by_hand().tick for rule in mix(figures)] for figures in told]

    def tick(symbol: int, time_s: float, cents: int) -> None:
        for hand in books[symbol]:
            hand(time_s, cents)

    rows.append(_tail("deques", _each_s(tick, prints)))
    head = ["", "median", "1 in 10", "1 in 100", "1 in 1,000", "1 in 1,000 over the median"]
    return table("what a print takes, and the slowest", head, rows)


def _each_s(tick: Callable[[Any, float, Any], object], prints: Sequence[tuple[Any, float, Any]]) -> list[float]:
    """CPU seconds of each print, least first, of the later half."""
    clock, taken = time.process_time, array("d")
    gc.collect()
    for name, time_s, price in prints:
        start_s = clock()
        tick(name, time_s, price)
        taken.append(clock() - start_s)
    return sorted(taken[len(taken) // 2 :])


def _tail(name: str, taken: Sequence[float]) -> list[str]:
    """A row: the median, what the slowest tenth, hundredth and thousandth begin at, and the last over the first."""
    marks = [taken[int(len(taken) * share)] for share in (0.5, 0.9, 0.99, 0.999)]
    return [name, *(f"{spell(mark * 1e6)} us" for mark in marks), f"{marks[-1] / marks[0]:.0f}"]


def report(size: Size, short: Size, with_peers: bool = False) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(short, with_peers)
    measured, alike = costs(size, with_peers)
    rows = [
        [name, f"{spell(cost.median_s * 1e6)} us", str(ratio(cost.loops, measured["deques"].loops))]
        for name, cost in measured.items()
    ]
    title = f"{size.name}, {size.prints:,} prints of {size.symbols:,} symbols, ten rules each, {size.rounds} rounds"
    verdict = "; ".join(wrong) if wrong else "all fire alike, as the brute-force oracle does on the short form"
    if not alike:
        verdict += "; ON THE LONG FORM THEY DIFFER"
    return f"{table(title, ['', 'a print', 'over deques'], rows)}{tails(size)}  {verdict}\n"
