"""Contenders -> what each costs, interleaved, in units of a fixed loop: machines change speed while one measures."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_LOOP_COUNT = 400_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What the rounds of one contender cost. ``loops`` are multiples of the fixed loop beside them, a round each."""

    seconds: tuple[float, ...]
    loops: tuple[float, ...]

    @property
    def median_s(self) -> float:
        return median(self.seconds)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One contender's cost over another's: the median over the rounds, and the extremes."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{spell(self.median)} ({spell(self.least)} to {spell(self.most)})"


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Cost]:
    """Lets every contender run once a round. Each returns the seconds that it took, by whatever clock it uses."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    loops: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            before_s = fixed_loop_s()
            taken_s = run()
            seconds[name].append(taken_s)
            loops[name].append(taken_s / ((before_s + fixed_loop_s()) / 2))
    return {name: Cost(tuple(seconds[name]), tuple(loops[name])) for name in contenders}


def fixed_loop_s() -> float:
    """CPU time of a loop that is always the same: how fast this machine is just now."""
    start_s = time.process_time()
    total = 0
    for number in range(_LOOP_COUNT):
        total += number & 7
    assert total > 0
    return time.process_time() - start_s


def ratio(cost: Sequence[float], other: Sequence[float]) -> Ratio:
    """``cost`` over ``other``, round by round."""
    ratios = [mine / theirs for mine, theirs in zip(cost, other, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def spell(number: float) -> str:
    """Three digits that matter, grouped by thousands."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}" if abs(number) >= 1 else f"{number:.3f}"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table: the first column flush left, the others flush right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    spelled = [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join([title, *(f"  {line.rstrip()}" for line in spelled), ""])
