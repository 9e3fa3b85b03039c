"""`python -m benchmarks W1 W2 L1 L2 L3 lists start gateway`: runs those named, or all.

`--peers` adds other people's libraries, those that are installed. `--short` only shows that they run.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks import (
    audit,
    gateway,
    growth,
    in_c,
    l1,
    l2,
    l3,
    lengths,
    levels,
    lists,
    many,
    peers,
    start,
    stop,
    w1,
    w6,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What every benchmark is told."""

    short: bool
    peers: bool


def run_w1(options: Options) -> str:
    """Evaluation."""
    return w1.report(w1.SHORT if options.short else w1.Size(), options.peers)


def run_many(name: str, options: Options) -> str:
    """Many symbols, ten rules each."""
    return many.report((many.SHORT if options.short else many.SIZES)[name], many.SHORT[name], options.peers)


def run_w3(options: Options) -> str:
    """Ten thousand levels."""
    return levels.report(levels.SHORT if options.short else levels.Size(), levels.SHORT, options.peers)


def run_w5(options: Options) -> str:
    """Windows from a second to a day."""
    return lengths.report(lengths.SHORT if options.short else lengths.Size())


def run_w6(options: Options) -> str:
    """Backtests on columns."""
    return w6.report(w6.SHORT if options.short else w6.Size())


def run_growth(options: Options) -> str:
    """Cost by rules, windows and symbols."""
    return growth.report(growth.SHORT if options.short else growth.Size(), None if options.short else growth.PICTURE)


def run_l1(options: Options) -> str:
    """Receiving."""
    return l1.report(l1.SHORT if options.short else l1.Size())


def run_l2(options: Options) -> str:
    """Reaction."""
    return l2.report(l2.SHORT if options.short else l2.Size())


def run_l3(options: Options) -> str:
    """Ten thousand rules."""
    return l3.report(l3.SHORT if options.short else l3.Size())


def run_lists(options: Options) -> str:
    """IB's lists of very many open orders."""
    return lists.report(lists.SHORT if options.short else lists.Size())


def run_start(options: Options) -> str:
    """Start."""
    return start.report(runs=1 if options.short else start.RUNS)


def run_gateway(options: Options) -> str:
    """The simulated gateway."""
    return gateway.report(gateway.SHORT if options.short else gateway.Size())


def run_audit(options: Options) -> str:
    """`rules audit`."""
    return audit.report(8_000 if options.short else audit.EVENTS)


def run_stop(options: Options) -> str:
    """The kill switch."""
    return stop.report(1 if options.short else stop.ROUNDS)


BENCHMARKS: dict[str, Callable[[Options], str]] = {
    "W1": run_w1,
    "W2": partial(run_many, "W2"),
    "W2q": partial(run_many, "W2q"),
    "W3": run_w3,
    "W4": partial(run_many, "W4"),
    "W4q": partial(run_many, "W4q"),
    "W5": run_w5,
    "W6": run_w6,
    "growth": run_growth,
    "L1": run_l1,
    "L2": run_l2,
    "L3": run_l3,
    "lists": run_lists,
    "start": run_start,
    "gateway": run_gateway,
    "audit": run_audit,
    "stop": run_stop,
}


def left_out() -> str:
    """What this machine does not have, so that nothing is compared with it; empty when nothing is missing."""
    lines = []
    if in_c.COMPILER is None:
        lines.append("no C compiler (cc): nothing is compared with C")
    if missing := peers.missing():
        lines.append(f"not installed (pip install -e '.[peers]'): {', '.join(missing)}")
    return "".join(f"Left out here: {line}\n" for line in lines)


def main() -> None:
    """Says what is left out, then prints one table after another."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS))
    parser.add_argument("--short", action="store_true", help="fewer prints, orders and rounds")
    parser.add_argument("--peers", action="store_true", help="measure installed libraries too")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print(left_out(), end="", flush=True)
    for name in chosen.names or BENCHMARKS:
        print(BENCHMARKS[name](Options(chosen.short, chosen.peers)), flush=True)


if __name__ == "__main__":
    main()
