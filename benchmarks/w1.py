"""W1: one symbol, twenty prints a second, one rule `S moves 5% in 5m`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import in_c, peers
from benchmarks.in_columns import fired_in_columns
from benchmarks.measure import Cost, interleaved, ratio, spell, table
from benchmarks.moves import DequeLoop, NaivePandas, firings_by_brute_force
from benchmarks.ticks import Print, walk
from rules_engine import Engine

Play = Callable[[Sequence[Print]], tuple[list[float], float]]
"""Lets a contender hear the prints; gives the times at which it fired and the CPU seconds that it took."""
RULES = """\
version: 1
timezone: UTC
rules:
  - name: moves
    when: S moves 5% in 5m
    do: buy 100 S
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played: to everyone, and to those for whom that would take hours.

    The oracle is asked about prints that come so few a second that the rule fires now and then.
    """

    prints: int = 1_000_000
    prints_naive: int = 8_000
    prints_peers: int = 100_000
    prints_oracle: int = 20_000
    per_s_oracle: float = 2.0
    rounds: int = 5
    seed: int = 20301122


SHORT = Size(prints=8_000, prints_naive=1_500, prints_peers=2_000, prints_oracle=8_000, rounds=1)


def play_engine(prints: Sequence[Print]) -> tuple[list[float], float]:
    """Ours, through the library face."""
    feed, fired = Engine(RULES).feed("S"), []
    heard = [(each.time_s, each.price) for each in prints]
    start_s = time.process_time()
    for time_s, price in heard:
        if feed(time_s, price):
            fired.append(time_s)
    return fired, time.process_time() - start_s


def play_by_hand(contender: type[DequeLoop | NaivePandas], prints: Sequence[Print]) -> tuple[list[float], float]:
    """A peer's own loop."""
    tick, fired = contender().tick, []
    heard = [(each.time_s, each.price) for each in prints]
    start_s = time.process_time()
    for time_s, price in heard:
        if tick(time_s, price):
            fired.append(time_s)
    return fired, time.process_time() - start_s


def contenders(size: Size, with_peers: bool = False) -> dict[str, tuple[Play, int]]:
    """Name -> how it plays, and how many prints it can bear."""
    found: dict[str, tuple[Play, int]] = {
        "engine": (play_engine, size.prints),
        "deque loop": (partial(play_by_hand, DequeLoop), size.prints),
        "naive pandas": (partial(play_by_hand, NaivePandas), size.prints_naive),
    }
    if in_c.COMPILER is not None:
        found["C, one call"] = (in_c.play_moves, size.prints)
        found["C, a call a print (ctypes)"] = (in_c.play_moves_by_calls, size.prints)
    if with_peers:
        found |= {name: (play, size.prints_peers) for name, play in peers.installed("play_moves").items()}
    return found


def disagreements(size: Size, with_peers: bool = False) -> list[str]:
    """Who fires otherwise than the oracle, on as many prints as each can bear, of the contenders and of backtests in
    columns; empty when all agree."""
    prints = walk(size.prints_oracle, size.seed, per_s=size.per_s_oracle)
    expected = firings_by_brute_force(prints)
    assert len(expected) >= 10, "a market in which the rule hardly ever re-arms shows nothing"
    found = []
    for name, (play, most) in contenders(size, with_peers).items():
        heard = prints[:most]
        fired, _ = play(heard)
        due = [time_s for time_s in expected if time_s <= heard[-1].time_s]
        if fired != due:
            found.append(f"{name} fired {len(fired)} times, the oracle {len(due)} times")
    in_cents = [(0, each.time_s, each.cents) for each in prints]
    for name, firings in fired_in_columns([("moves", "S0 moves 5% in 5m")], in_cents).items():
        if [prints[at].time_s for at, _ in firings] != expected:
            found.append(f"{name} fired {len(firings)} times, the oracle {len(expected)} times")
    return found


def costs(size: Size, with_peers: bool = False) -> dict[str, Cost]:
    """CPU time of each contender; the slow ones hear fewer prints."""
    prints = walk(size.prints, size.seed)
    runs = {
        name: partial(_seconds_a_print, play, prints[:most])
        for name, (play, most) in contenders(size, with_peers).items()
    }
    return interleaved(runs, size.rounds)


def _seconds_a_print(play: Play, prints: Sequence[Print]) -> float:
    return play(prints)[1] / len(prints)


def report(size: Size, with_peers: bool = False) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(size, with_peers)
    measured = costs(size, with_peers)
    loop = measured["deque loop"].loops
    rows = [
        [
            name,
            f"{spell(cost.median_s * 1e6)} us",
            str(ratio(cost.loops, loop)),
            str(ratio(cost.loops, measured["engine"].loops)),
        ]
        for name, cost in measured.items()
    ]
    title = f"W1, {size.prints:,} prints, {size.rounds} rounds (naive pandas: {size.prints_naive:,}, its cost grows)"
    verdict = "; ".join(wrong) if wrong else "all fire alike, as the brute-force oracle does"
    return f"{table(title, ['', 'a print', 'over deque loop', 'over engine'], rows)}  {verdict}\n"
