"""What a print costs by the number of rules, the length of a window and the number of symbols, with a picture."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks import lengths, many
from benchmarks.engines import engine_of
from benchmarks.measure import interleaved, spell, table
from benchmarks.mix import Hand, Moves
from benchmarks.ticks import Print, walk

PICTURE = Path(__file__).with_name("growth.svg")
Curves = Mapping[str, Mapping[float, float]]
"""Name of a contender -> what was varied -> microseconds a print."""


@dataclass(frozen=True, slots=True)
class Size:
    """How far each of the three is varied. ``per_s``: prints a second where the window is varied."""

    rules: Sequence[int] = (1, 10, 100, 1_000)
    windows_s: Sequence[int] = (1, 10, 60, 600, 3_600, 86_400)
    symbols: Sequence[int] = (1, 10, 100, 1_000)
    prints: int = 40_000
    per_s: float = 2.0
    rounds: int = 3
    seed: int = 20301122


SHORT = Size((1, 10), (1, 10), (1, 3), prints=2_000, rounds=1)


def by_rules(size: Size) -> Curves:
    """One symbol, rules on moves with windows of one to five minutes."""
    prints = walk(size.prints, size.seed)

    def engine_s(count: int) -> float:
        rules = ((f"r{number}", f"S moves 5% in {60 + number % 241}s") for number in range(count))
        tick = engine_of(rules).tick
        return _seconds_a_print(lambda each: tick("S", each.time_s, each.price), prints)

    def deques_s(count: int) -> float:
        hands: list[Hand] = [Moves(5, 60 + number % 241) for number in range(count)]

        def tick(each: Print) -> None:
            for hand in hands:
                hand.tick(each.time_s, each.cents)

        return _seconds_a_print(tick, prints)

    return _curves({"engine": engine_s, "deques": deques_s}, size.rules, size.rounds)


def by_window(size: Size) -> Curves:
    """One symbol, one rule, measured once the window is full."""
    longest = lengths.Size(per_s=size.per_s, measured=size.prints, seed=size.seed)

    def prints_for(window_s: float) -> list[Print]:
        return walk(int(1.1 * window_s * size.per_s) + size.prints, size.seed, per_s=size.per_s)

    def moves_s(window_s: int) -> float:
        return lengths.measured_s(lengths.MOVES.format(window_s), prints_for(window_s), longest)

    def score_s(window_s: int) -> float:
        return lengths.measured_s(lengths.SCORE.format(window_s), prints_for(window_s), longest)

    def deques_s(window_s: int) -> float:
        return lengths.deques_s(window_s, prints_for(window_s), longest)

    contenders = {"engine, moves": moves_s, "engine, zscore": score_s, "deques, moves": deques_s}
    return _curves(contenders, size.windows_s, size.rounds)


def by_symbols(size: Size) -> Curves:
    """The mix of ten rules a symbol; the same number of prints, spread over more symbols."""

    def seconds(play: many.Play, symbols: int) -> float:
        told = replace(many.SIZES["W2"], symbols=symbols, prints=size.prints, per_s=20.0 * symbols, seed=size.seed)
        return play(many.rules(told), many.market(told))[1] / size.prints

    contenders = {"engine": partial(seconds, many.play_engine), "deques": partial(seconds, many.play_by_hand)}
    return _curves(contenders, size.symbols, size.rounds)


def _curves(contenders: Mapping[str, Callable[[int], float]], values: Sequence[int], rounds: int) -> Curves:
    runs = {f"{name} {value}": partial(run, value) for name, run in contenders.items() for value in values}
    costs = interleaved(runs, rounds)
    return {name: {value: costs[f"{name} {value}"].median_s * 1e6 for value in values} for name in contenders}


def _seconds_a_print(tick: Callable[[Print], object], prints: Sequence[Print]) -> float:
    start_s = time.process_time()
    for each in prints:
        tick(each)
    return (time.process_time() - start_s) / len(prints)


def report(size: Size, picture: Path | None = None) -> str:
    """Three tables, and a picture of them when a path is given and matplotlib is installed."""
    panels = {
        "number of rules": by_rules(size),
        "window, seconds": by_window(size),
        "number of symbols": by_symbols(size),
    }
    if picture is not None and find_spec("matplotlib") is not None:
        draw(panels, picture)
    return "".join(
        table(
            f"Cost of a print, us, by {title}",
            ["", *(f"{value:,}" for value in next(iter(curves.values())))],
            [[name, *(spell(cost) for cost in curve.values())] for name, curve in curves.items()],
        )
        for title, curves in panels.items()
    )


def draw(panels: Mapping[str, Curves], picture: Path) -> None:
    """Both axes by powers of ten: a flat line is a cost that does not grow."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for name, curve in curves.items():
            axes.plot(list(curve), list(curve.values()), marker="o", label=name)
        axes.set(xscale="log", yscale="log", xlabel=title, ylabel="us of processor time a print")
        axes.grid(visible=True, which="both", alpha=0.2)
        axes.legend()
    figure.savefig(picture, metadata={"Date": None})
