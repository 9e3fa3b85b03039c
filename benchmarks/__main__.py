"""`python -m benchmarks W1 W2 L2 start gateway`: runs those named, or all. `--short` only shows that they run."""

import argparse
from collections.abc import Callable
from functools import partial

from benchmarks import gateway, l2, lengths, levels, many, start, w1, w6


def run_w1(short: bool) -> str:
    """Evaluation."""
    return w1.report(w1.SHORT if short else w1.Size())


def run_many(name: str, short: bool) -> str:
    """Many symbols, ten rules each."""
    return many.report((many.SHORT if short else many.SIZES)[name], many.SHORT[name])


def run_w3(short: bool) -> str:
    """Ten thousand levels."""
    return levels.report(levels.SHORT if short else levels.Size(), levels.SHORT)


def run_w5(short: bool) -> str:
    """Windows from a second to a day."""
    return lengths.report(lengths.SHORT if short else lengths.Size())


def run_w6(short: bool) -> str:
    """Backtests on columns."""
    return w6.report(w6.SHORT if short else w6.Size())


def run_l2(short: bool) -> str:
    """Reaction."""
    return l2.report(l2.SHORT if short else l2.Size())


def run_start(short: bool) -> str:
    """Start."""
    return start.report(runs=1 if short else start.RUNS)


def run_gateway(short: bool) -> str:
    """The simulated gateway."""
    return gateway.report(gateway.SHORT if short else gateway.Size())


BENCHMARKS: dict[str, Callable[[bool], str]] = {
    "W1": run_w1,
    "W2": partial(run_many, "W2"),
    "W2q": partial(run_many, "W2q"),
    "W3": run_w3,
    "W4": partial(run_many, "W4"),
    "W4q": partial(run_many, "W4q"),
    "W5": run_w5,
    "W6": run_w6,
    "L2": run_l2,
    "start": run_start,
    "gateway": run_gateway,
}


def main() -> None:
    """Prints one table after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS))
    parser.add_argument("--short", action="store_true", help="fewer prints, orders and rounds")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in chosen.names or BENCHMARKS:
        print(BENCHMARKS[name](chosen.short), flush=True)


if __name__ == "__main__":
    main()
