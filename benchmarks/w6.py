"""W6: ten million prints in columns, backtests of W1's rule and of the W2 mix; everybody's answer is the firings."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import Cost, interleaved, ratio, spell, table
from benchmarks.ticks import STORMY, TICKS_PER_S
from rules_engine.language import Source, load
from rules_engine.model.firing import Firing
from rules_engine.planning import plan_all
from rules_engine.recordings import Recording, Survey
from rules_engine.recordings.columns import Block
from rules_engine.recordings.layout import Shape
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.steps import Steps
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request

Column = npt.NDArray[np.float64]
WINDOW_S = 300.0
_BLOCK = 1 << 16
"""Rows that a file gives at once."""
HEAD = "version: 1\ntimezone: UTC\nrules:\n"
MOVES = HEAD + "  - {name: moves, when: S moves 5% in 5m, do: notify desk}\n"
SENTENCES = (
    *("S crosses above 202", "S crosses below 198", "S moves 2% in 60s", "S moves 3% in 5m"),
    *("sma(S, 10s) crosses above sma(S, 60s)", "S > sma(S, 5m) + 3 * stdev(S, 5m)", "zscore(S, 60s) > 3"),
    *("S enters 199 to 201", "highest(S, 5m) > 1.02 * lowest(S, 5m)", "S changes up 2% in 60s"),
)
MIX = HEAD + "".join(
    f'  - {{name: r{number}, when: "{when}", do: notify desk}}\n' for number, when in enumerate(SENTENCES)
)
Firings = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played: in columns, and price by price."""

    prints: int = 10_000_000
    prints_streaming: int = 500_000
    rounds: int = 3
    seed: int = 20301122


SHORT = Size(prints=60_000, prints_streaming=60_000, rounds=1)


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


class _InMemory(Recording):
    """A recording that has been read."""

    def __init__(self, of: Market) -> None:
        super().__init__("S", Path("memory"), ZoneInfo("UTC"))
        self._of = of
        steps = Steps()
        steps.add(of.prices)
        times = of.times_s
        countable = steps.are_countable(len(times))
        self._survey = Survey(Shape.PRINTS, len(times), float(times[0]), float(times[-1]), 0.0, countable)

    def blocks(self, progress: Progress = lambda rows: None) -> Iterator[Block]:
        times, prices = self._of.times_s, self._of.prices
        for at in range(0, len(times), _BLOCK):
            part = slice(at, at + _BLOCK)
            yield Block(times[part], (prices[part], np.full(len(times[part]), 100.0)))


def play(rules: str, engine: str, of: Market) -> tuple[Firings, float]:
    """Ours; the firings, and the CPU seconds that they took."""
    loaded = load([Source("rules.yaml", rules.encode())], now_s=0.0)
    plans, problems = plan_all(loaded.rules)
    assert not problems, problems
    backtest = Backtest(Request(plans, loaded.instruments, [_InMemory(of)]), engine)
    start_s = time.process_time()
    found = [(each.rule, each.at_s) for each in backtest.outcomes() if isinstance(each, Firing)]
    return found, time.process_time() - start_s


def _edges(of: Market, name: str, holds: npt.NDArray[np.bool_], window_s: float) -> Firings:
    """A move fires when it turns true; on a window that is filling it cannot turn false."""
    known = holds | (of.times_s >= of.times_s[0] + window_s)
    at = np.flatnonzero(known)
    truths = holds[at]
    rises = truths & ~np.concatenate(([False], truths[:-1]))
    return [(name, float(of.times_s[place])) for place in at[rises].tolist()]


def play_pandas(of: Market) -> tuple[Firings, float]:
    """W1 with rolling windows, as its documentation shows."""
    start_s = time.process_time()
    series = pd.Series(of.prices, index=pd.to_datetime(of.times_s, unit="s"))
    rolling = series.rolling("300s")
    holds = (series >= rolling.min() * (1.05 * (1 - 1e-12))) | (series <= rolling.max() * (0.95 * (1 + 1e-12)))
    found = _edges(of, "moves", holds.to_numpy(), WINDOW_S)
    return found, time.process_time() - start_s


def play_polars(of: Market) -> tuple[Firings, float]:
    """W1 with polars' rolling windows; CPU time of all its threads."""
    pl: Any = import_module("polars")

    start_s = time.process_time()
    times = (of.times_s * 1e6).astype(np.int64)
    frame = pl.DataFrame({"at": times, "price": of.prices}).with_columns(pl.col("at").cast(pl.Datetime("us")))
    low, high = (
        pl.col("price").rolling_min_by("at", "300s", closed="right"),
        pl.col("price").rolling_max_by("at", "300s", closed="right"),
    )
    price = pl.col("price")
    holds = frame.select((price >= low * (1.05 * (1 - 1e-12))) | (price <= high * (0.95 * (1 + 1e-12))))
    found = _edges(of, "moves", holds.to_series().to_numpy(), WINDOW_S)
    return found, time.process_time() - start_s


def contenders() -> dict[str, Callable[[Market], tuple[Firings, float]]]:
    """Those that are installed."""
    found: dict[str, Callable[[Market], tuple[Firings, float]]] = {"columns": partial(play, MOVES, "columns")}
    found["pandas"] = play_pandas
    if find_spec("polars"):
        found["polars"] = play_polars
    return found


def disagreements(size: Size) -> list[str]:
    """Who fires otherwise than the streaming engine; empty when all agree."""
    of = market(size.prints_streaming, size.seed)
    found = []
    expected, _ = play(MOVES, "streaming", of)
    assert expected, "a market in which nothing fires shows nothing"
    for name, contender in contenders().items():
        fired, _ = contender(of)
        if fired != expected:
            found.append(f"{name} fired {len(fired)} times on W1's rule, streaming {len(expected)} times")
    expected, _ = play(MIX, "streaming", of)
    fired, _ = play(MIX, "columns", of)
    if fired != expected:
        found.append(f"columns fired {len(fired)} times on the mix, streaming {len(expected)} times")
    return found


def costs(size: Size) -> dict[str, Cost]:
    """CPU seconds a print."""
    of, few = market(size.prints, size.seed), market(size.prints_streaming, size.seed)
    runs = {name: partial(_seconds_a_print, contender, of) for name, contender in contenders().items()}
    runs["streaming"] = partial(_seconds_a_print, partial(play, MOVES, "streaming"), few)
    runs["columns, mix"] = partial(_seconds_a_print, partial(play, MIX, "columns"), of)
    runs["streaming, mix"] = partial(_seconds_a_print, partial(play, MIX, "streaming"), few)
    return interleaved(runs, size.rounds)


def _seconds_a_print(contender: Callable[[Market], tuple[Firings, float]], of: Market) -> float:
    return contender(of)[1] / len(of.times_s)


def report(size: Size) -> str:
    """Who is right, and what each costs."""
    wrong = disagreements(size)
    measured = costs(size)
    rows = []
    for name, cost in measured.items():
        base = measured["columns, mix" if "mix" in name else "columns"]
        rows.append([name, f"{spell(cost.median_s * 1e9)} ns", str(ratio(cost.loops, base.loops))])
    title = f"W6, {size.prints:,} prints, {size.rounds} rounds (streaming: {size.prints_streaming:,})"
    verdict = "; ".join(wrong) if wrong else "all fire alike"
    return f"{table(title, ['', 'a print', 'over columns'], rows)}  {verdict}\n"
