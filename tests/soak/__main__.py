"""`python -m tests.soak --days 7`: a week of the real engine on a clock that jumps, with the memory that it holds."""

import argparse
import logging
import sys
import time
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.sim.disk import fast_folder
from tests.soak.week import NEW_YORK, Week

THURSDAY = datetime(2026, 10, 29, 6, 0, tzinfo=NEW_YORK)
"""Three days before summer time ends."""
SLOPE_MAX = 20_000
"""Bytes a day; a leak of one small object for each print would be a hundred times as much."""


def say(text: str) -> None:
    print(f"{time.process_time():6.0f} s of processor  {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable()
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="soak-", dir=fast_folder()) as folder:
        report = Week(Path(folder), THURSDAY, options.days, options.seed, say).play()
    took_s = time.monotonic() - began_s
    print(f"seed {options.seed}: {report.days:.2f} days in {took_s:.0f} s ({report.days * 86_400 / took_s:.0f}x)")
    print(f"{report.ticks} prints, {report.firings} firings, {report.orders} orders, {report.letters} letters")
    grows = len(report.memory) > 2 and report.slope > SLOPE_MAX
    if len(report.memory) > 2:
        print(f"slope {report.slope / 1000:+.1f} kB a day")
    print(f"{len(report.violations)} promises broken")
    print("\n".join(map(str, report.violations[:50])))
    return 1 if report.violations or grows else 0


if __name__ == "__main__":
    sys.exit(main())
