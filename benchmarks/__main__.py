"""`python -m benchmarks W1 L2 start gateway`: runs those named, or all. `--short` only shows that they run."""

import argparse
from collections.abc import Callable

from benchmarks import gateway, l2, start, w1


def run_w1(short: bool) -> str:
    """Evaluation."""
    return w1.report(w1.SHORT if short else w1.Size())


def run_l2(short: bool) -> str:
    """Reaction."""
    return l2.report(l2.SHORT if short else l2.Size())


def run_start(short: bool) -> str:
    """Start."""
    return start.report(runs=1 if short else start.RUNS)


def run_gateway(short: bool) -> str:
    """The simulated gateway."""
    return gateway.report(gateway.SHORT if short else gateway.Size())


BENCHMARKS: dict[str, Callable[[bool], str]] = {"W1": run_w1, "L2": run_l2, "start": run_start, "gateway": run_gateway}


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
