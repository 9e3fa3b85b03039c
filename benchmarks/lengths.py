"""W5: one rule on one symbol, with windows from a second to a day: what a print costs and what a window holds."""

import gc
import math
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.in_columns import fired_in_columns
from benchmarks.measure import interleaved, ratio, spell, table
from benchmarks.moves import DequeLoop
from benchmarks.oracle import truths_by_brute_force
from benchmarks.ticks import Print, walk
from rules_engine import Engine

WINDOWS_S = {"1 second": 1, "1 minute": 60, "5 minutes": 300, "1 hour": 3_600, "1 day": 86_400}
RULES = "version: 1\ntimezone: UTC\nrules: [{{name: one, when: '{}', do: notify desk}}]\n"
MOVES, SCORE = "{{S}} moves 5% in {}s", "zscore({{S}}, {}s) > 3"
_HELD = {1: 20, 60: 60, 300: 90, 3_600: 120, 86_400: 150}
"""How many prints a window of so many seconds holds where firings are compared."""
_COMPARED = 6_000


@dataclass(frozen=True, slots=True)
class Size:
    """A day of prints fills the longest window at ``per_s`` prints a second; ``measured`` come after that."""

    per_s: float = 20.0
    measured: int = 200_000
    rounds: int = 3
    seed: int = 20301122


SHORT = Size(per_s=0.05, measured=1_000, rounds=1)


def market(size: Size) -> list[Print]:
    """A little more than a day, and what is measured."""
    return walk(int(86_400 * 1.01 * size.per_s) + size.measured, size.seed, per_s=size.per_s)


def engine(sentence: str) -> Engine:
    """One rule."""
    return Engine(RULES.format(sentence.format(S="S")))


def disagreements(sentence: str, window_s: int, seed: int) -> list[str]:
    """Who fires otherwise than the oracle in a market as stormy as the window is short; empty when all agree."""
    prints = walk(_COMPARED, seed, 60 / math.sqrt(window_s), _HELD[window_s] / window_s)
    told = sentence.format(window_s)
    times, cents = [each.time_s for each in prints], [each.cents for each in prints]
    expected = truths_by_brute_force(told, times, cents)
    assert len(expected) >= 5, "a market in which next to nothing fires shows little"
    feed = engine(told).feed("S")
    found = {"engine": [at for at, each in enumerate(prints) if feed(each.time_s, each.price)]}
    if sentence == MOVES:
        tick = DequeLoop(window_s).tick
        found["deques"] = [at for at, each in enumerate(prints) if tick(each.time_s, each.price)]
    heard = [(0, time_s, each) for time_s, each in zip(times, cents, strict=True)]
    for name, fired in fired_in_columns([("one", told.format(S="S0"))], heard).items():
        found[name] = [at for at, _ in fired]
    return [
        f"{name} fired {len(fired)} times on {told.format(S='S')}, the oracle {len(expected)} times"
        for name, fired in found.items()
        if fired != expected
    ]


def measured_s(sentence: str, prints: Sequence[Print], size: Size) -> float:
    """CPU seconds a print once the window is full."""
    feed = engine(sentence).feed("S")
    heard = [(each.time_s, each.price) for each in prints]
    for time_s, price in heard[: -size.measured]:
        feed(time_s, price)
    gc.collect()
    start_s = time.process_time()
    for time_s, price in heard[-size.measured :]:
        feed(time_s, price)
    return (time.process_time() - start_s) / size.measured


def deques_s(window_s: float, prints: Sequence[Print], size: Size) -> float:
    """The same by hand, for the moves."""
    tick = DequeLoop(window_s).tick
    heard = [(each.time_s, each.price) for each in prints]
    for time_s, price in heard[: -size.measured]:
        tick(time_s, price)
    gc.collect()
    start_s = time.process_time()
    for time_s, price in heard[-size.measured :]:
        tick(time_s, price)
    return (time.process_time() - start_s) / size.measured


def held_mb(sentence: str, prints: Sequence[Print]) -> float:
    """Memory that the engine holds more after the prints than before them."""
    feed = engine(sentence).feed("S")
    heard = [(each.time_s, each.price) for each in prints]
    feed(*heard[0])
    gc.collect()
    tracemalloc.start()
    for time_s, price in heard[1:]:
        feed(time_s, price)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / 1e6


def report(size: Size) -> str:
    """Who is right, what a print costs by the length of the window, and what a day holds."""
    sentences = [(sentence, length) for sentence in (MOVES, SCORE) for length in WINDOWS_S.values()]
    wrong = [each for sentence, length in sentences for each in disagreements(sentence, length, size.seed)]
    prints = market(size)
    runs = {
        f"moves, {name}": partial(measured_s, MOVES.format(length), prints, size) for name, length in WINDOWS_S.items()
    }
    runs |= {
        f"zscore, {name}": partial(measured_s, SCORE.format(length), prints, size) for name, length in WINDOWS_S.items()
    }
    runs |= {f"deques, {name}": partial(deques_s, length, prints, size) for name, length in WINDOWS_S.items()}
    costs = interleaved(runs, size.rounds)
    rows = [
        [
            name,
            f"{spell(cost.median_s * 1e6)} us",
            str(ratio(cost.loops, costs[f"{name.split(',')[0]}, 1 minute"].loops)),
        ]
        for name, cost in costs.items()
    ]
    day = prints[: int(86_400 * size.per_s)]
    memory = [
        f"{name} {spell(held_mb(text.format(86_400), day))} MB" for name, text in (("moves", MOVES), ("zscore", SCORE))
    ]
    title = f"W5, {len(day):,} prints a day, measured over {size.measured:,} once the window is full"
    verdict = "; ".join(wrong) or "all fire alike, as the brute-force oracle does on short tapes"
    text = table(title, ["", "a print", "over 1 minute"], rows)
    return f"{text}  held after a day: {', '.join(memory)}\n  {verdict}\n"
