"""W6: ten million prints in columns, backtests of W1's rule and of the W2 mix; everybody's answer is the firings."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks import in_c, in_frames
from benchmarks.in_frames import Column, Firings
from benchmarks.measure import interleaved, ratio, spell, table
from benchmarks.mix import figures, mix
from benchmarks.ticks import STORMY, TICKS_PER_S
from rules_engine.evaluation.columnar import kernels
from rules_engine.language import Source, load
from rules_engine.model.firing import Firing
from rules_engine.planning import plan_all
from rules_engine.recordings import Recording, Survey
from rules_engine.recordings.columns import Block
from rules_engine.recordings.layout import Shape
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.steps import Steps
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.memory import collect_seldom, keep_freed_memory
from rules_engine.replay.request import Request

_BLOCK = 1 << 16
"""Rows that a file gives at once."""
HEAD = "version: 1\ntimezone: UTC\nrules:\n"
Play = Callable[[], Firings]
_NEVER = 1 << 60
MOVES = HEAD + "  - {name: moves, when: S0 moves 5% in 5m, do: notify desk}\n"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played: in columns, and price by price. The prints of the mix are those of all its symbols."""

    prints: int = 10_000_000
    prints_streaming: int = 500_000
    symbols: int = 100
    rounds: int = 3
    seed: int = 20301122


SHORT = Size(prints=60_000, prints_streaming=60_000, symbols=3, rounds=1)


@dataclass(frozen=True, slots=True)
class Market:
    """Times in seconds, prices in whole cents."""

    times_s: Column
    prices: Column


def market(count: int, seed: int, volatility: float = STORMY) -> Market:
    """A walk around 200 in columns, twenty prints a second, pulled back as gently as that of `ticks.walk`."""
    source = np.random.default_rng(seed)
    step = volatility / np.sqrt(252 * 6.5 * 3600 * TICKS_PER_S)
    times = 1_900_000_000.0 + np.cumsum(source.uniform(0.6, 1.4, count)) / TICKS_PER_S
    moves = np.where(source.random(count) < 0.7, source.normal(0.0, step / np.sqrt(0.7), count), 0.0)
    # Reflected at a fifth to either side, so that ten million steps stay a market.
    wide = np.cumsum(moves)
    folded = np.abs((wide - 0.2) % 0.8 - 0.4) - 0.2
    return Market(times, np.rint(200.0 * np.exp(folded) * 100) / 100)


def markets(count: int, symbols: int, seed: int) -> list[Market]:
    """So many prints of all symbols together."""
    return [market(count // symbols, seed + number) for number in range(symbols)]


class _InMemory(Recording):
    """A recording that has been read."""

    def __init__(self, name: str, of: Market) -> None:
        super().__init__(name, Path("memory"), ZoneInfo("UTC"))
        self._of = of
        steps = Steps()
        steps.add(of.prices)
        times = of.times_s
        countable = steps.are_countable(len(times))
        self._survey = Survey(Shape.PRINTS, len(times), float(times[0]), float(times[-1]), 0.0, is_countable=countable)

    def blocks(self, progress: Progress = lambda rows: None) -> Iterator[Block]:
        times, prices = self._of.times_s, self._of.prices
        for at in range(0, len(times), _BLOCK):
            part = slice(at, at + _BLOCK)
            yield Block(times[part], (prices[part], np.full(len(times[part]), 100.0)))


def mix_rules(symbols: int) -> str:
    """The ten rules of each symbol."""
    rules = (
        f'  - {{name: r{symbol}-{number}, when: "{rule.sentence.format(S=f"S{symbol}")}", do: notify desk}}\n'
        for symbol in range(symbols)
        for number, rule in enumerate(mix(figures(20_000)))
    )
    return HEAD + "".join(rules)


def play(rules: str, engine: str, of: Sequence[Market], looks_min: int = kernels.COMPILED_LOOKS_MIN) -> Play:
    """Ours, from plans and prices in memory to firings with their values; numba from so many looks at prints on."""
    loaded = load([Source("rules.yaml", rules.encode())], now_s=0.0)
    plans, problems = plan_all(loaded.rules)
    assert not problems, problems
    recordings = [_InMemory(f"S{number}", one) for number, one in enumerate(of)]

    def run() -> Firings:
        with patch.object(kernels, "COMPILED_LOOKS_MIN", looks_min):
            backtest = Backtest(Request(plans, loaded.instruments, recordings), engine)
            return [(each.rule, each.at_s) for each in backtest.outcomes() if isinstance(each, Firing)]

    return run


def in_numpy(rules: str, of: Sequence[Market]) -> Play:
    """Ours on columns without numba."""
    return play(rules, "columns", of, _NEVER)


def in_numba(rules: str, of: Sequence[Market]) -> Play:
    """Ours on columns with numba, compiled before."""
    run = play(rules, "columns", of, 0)
    play(rules, "columns", [Market(one.times_s[:9_000], one.prices[:9_000]) for one in of[:3]], 0)()
    return run


def in_c_of(of: Market) -> Play:
    """A pair of monotonic deques in C."""

    def run() -> Firings:
        fired = in_c.moves_in_columns(of.times_s.ctypes.data, of.prices.ctypes.data, len(of.times_s))
        times = of.times_s[np.flatnonzero(np.frombuffer(fired, dtype=np.int8))]
        return [("moves", time_s) for time_s in times.tolist()]

    return run


def of_moves(one: Market) -> dict[str, Play]:
    """Who backtests W1's rule, of those that are installed."""
    found = {"columns": in_numpy(MOVES, [one])}
    if find_spec("numba"):
        found["columns, numba"] = in_numba(MOVES, [one])
    if in_c.COMPILER:
        found["C deque"] = in_c_of(one)
    found["pandas"] = partial(in_frames.moves_in_pandas, one.times_s, one.prices)
    if find_spec("polars"):
        found["polars"] = partial(in_frames.moves_in_polars, one.times_s, one.prices)
    return found


def of_mix(many: Sequence[Market]) -> dict[str, Play]:
    """Who backtests the mix."""
    rules, columns = mix_rules(len(many)), [(one.times_s, one.prices) for one in many]
    found = {"columns": in_numpy(rules, many)}
    if find_spec("numba"):
        found["columns, numba"] = in_numba(rules, many)
    found["pandas"] = partial(in_frames.mix_in_pandas, columns)
    if find_spec("polars"):
        found["polars"] = partial(in_frames.mix_in_polars, columns)
    return found


def disagreements(size: Size) -> list[str]:
    """Who fires otherwise than the streaming engine; empty when all agree."""
    one = market(size.prints_streaming, size.seed)
    many = markets(size.prints_streaming, size.symbols, size.seed)
    found = []
    for name, streaming, contenders in (
        ("W1's rule", play(MOVES, "streaming", [one]), of_moves(one)),
        ("the mix", play(mix_rules(len(many)), "streaming", many), of_mix(many)),
    ):
        expected = sorted(streaming())
        assert expected, "a market in which nothing fires shows nothing"
        for who, contender in contenders.items():
            fired = sorted(contender())
            if fired != expected:
                found.append(f"{who} fired {len(fired)} times on {name}, streaming {len(expected)} times")
    return found


def _measured(title: str, contenders: dict[str, Play], prints: dict[str, int], rounds: int) -> str:
    walls: dict[str, list[float]] = {name: [] for name in contenders}

    def seconds(name: str) -> float:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        contenders[name]()
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        walls[name].append(wall_s / prints[name])
        return cpu_s / prints[name]

    # As `rules backtest` does.
    gc.collect()
    collect_seldom()
    keep_freed_memory()
    measured = interleaved({name: partial(seconds, name) for name in contenders}, rounds)
    rows = []
    for name, cost in measured.items():
        row = [name, f"{spell(cost.median_s * 1e9)} ns"]
        for base in ("columns", "columns, numba"):
            row.append(str(ratio(cost.loops, measured[base].loops)) if base in measured else "")
            row.append(str(ratio(walls[name], walls[base])) if base in measured else "")
        rows.append(row)
    return table(title, ["", "a print", "CPU over columns", "wall", "CPU over numba", "wall"], rows)


def report(size: Size) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(size)
    texts = []
    one, few = market(size.prints, size.seed), market(size.prints_streaming, size.seed)
    runs = of_moves(one) | {"streaming": play(MOVES, "streaming", [few])}
    prints = dict.fromkeys(runs, size.prints) | {"streaming": size.prints_streaming}
    texts.append(_measured(f"W6, W1's rule, {size.prints:,} prints, {size.rounds} rounds", runs, prints, size.rounds))
    many, less = (markets(count, size.symbols, size.seed) for count in (size.prints, size.prints_streaming))
    runs = of_mix(many) | {"streaming": play(mix_rules(size.symbols), "streaming", less)}
    title = f"W6, the mix of {size.symbols} symbols, {size.prints:,} prints, {size.rounds} rounds"
    texts.append(_measured(title, runs, prints | dict.fromkeys(runs, size.prints) | prints, size.rounds))
    verdict = "; ".join(wrong) if wrong else "all fire alike"
    return "\n".join(texts) + f"  {verdict}\n"
