"""Folders of prices larger and larger: memory against days and symbols, and worker processes against time.

`python -m benchmarks.scaling memory`, `python -m benchmarks.scaling workers --days 40`, and
`python -m benchmarks.scaling year` of 500 symbols; `--short` for a first look.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from distributed import Client, LocalCluster

from rules_engine.language import Source, load
from rules_engine.model.firing import Firing
from rules_engine.planning import plan_all
from rules_engine.recordings import Recording
from rules_engine.recordings.location import Location, of_instruments
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.on_dask import OnDask
from rules_engine.replay.playing import Outcome
from rules_engine.replay.request import Request
from rules_engine.replay.workers import Here, Workers

_DAY_S = 6.5 * 3600
_BEGIN = date(2030, 1, 2)
RULES = (
    "  - {{name: move-{name}, when: {name} moves 2% in 5m, do: notify desk, cooldown: 5m}}\n"
    '  - {{name: mean-{name}, when: "{name} > sma({name}, 5m) + 3 * stdev({name}, 5m)", do: notify desk}}\n'
    "  - {{name: level-{name}, when: {name} crosses above 202, do: buy 10 {name}, once: true}}\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call of `rules backtest`."""

    wall_s: float
    cpu_s: float
    resident_mb: float
    firings: int
    half_mb: float
    """The most until half of the time was over."""


def names(count: int) -> list[str]:
    """AA, AB, AC..."""
    return [f"S{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(count)]


def write_day(path: Path, day: date, prints: int, seed: int) -> None:
    """One symbol's prints of a day of trading: a walk in cents."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = np.random.default_rng(seed)
    midnight = np.datetime64(day.isoformat(), "us")
    offsets = np.sort(source.integers(0, int(_DAY_S * 1e6), prints))
    times = midnight + np.timedelta64(14 * 3600 + 1800, "s") + offsets.astype("timedelta64[us]")
    prices = np.rint(200 * np.exp(np.cumsum(source.normal(0, 0.03 / np.sqrt(prints), prints))) * 100) / 100
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"timestamp": times, "price": prices, "size": source.integers(1, 9, prints) * 100})
    pq.write_table(table, path)


def write_folder(folder: Path, symbols: int, days: int, prints: int) -> None:
    """`symbol=SAA/2030-01-02.parquet`, and rules for every symbol in `rules.yaml`."""
    for number, name in enumerate(names(symbols)):
        for day in range(days):
            at = _BEGIN + timedelta(days=day)
            write_day(folder / f"symbol={name}" / f"{at}.parquet", at, prints, 1000 * number + day)
    write_rules(folder, symbols)


def write_rules(folder: Path, symbols: int) -> None:
    """Three for each symbol."""
    head = "version: 1\ntimezone: America/New_York\nrules:\n"
    (folder / "rules.yaml").write_text(head + "".join(RULES.format(name=name) for name in names(symbols)))


def backtest(folder: Path, *words: str) -> Cost:
    """The command as a process of its own."""
    command = (sys.executable, "-m", "rules_engine", "backtest", "rules.yaml", "--data", str(folder), "--json", *words)
    start_s = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said)
        pages = []
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            pages.append(int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]))
            time.sleep(0.2)
        process.returncode, used = os.waitstatus_to_exitcode(ended[1]), ended[2]
        said.seek(0)
        firings = sum(1 for _ in said)
    wall_s = time.perf_counter() - start_s
    assert process.returncode == 0, process.returncode
    half_mb = max(pages[: len(pages) // 2 + 1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, firings, half_mb)


def memory(folder: Path, sizes: Sequence[tuple[int, int]], prints: int) -> None:
    """A line for each number of symbols and days."""
    print(f"{'symbols':>7} {'days':>5} {'rows':>12} {'bytes':>14} {'firings':>8} {'CPU s':>7} {'us/row':>7} {'MB':>6}")
    for symbols, days in sizes:
        here = folder / f"{symbols}-{days}"
        write_folder(here, symbols, days, prints)
        size = sum(path.stat().st_size for path in here.rglob("*.parquet"))
        # Price by price takes its time: the smaller sizes show the memory too.
        for engine in ("columns", "streaming")[: 1 + (symbols * days * prints <= 4_000_000)]:
            cost, rows = backtest(here, "--engine", engine), symbols * days * prints
            print(
                f"{symbols:>7} {days:>5} {rows:>12,} {size:>14,} {cost.firings:>8,} {cost.cpu_s:>7.1f}"
                f" {cost.cpu_s / rows * 1e6:>7.2f} {cost.resident_mb:>6.0f}  {engine}"
            )
        shutil.rmtree(here)


def year(folder: Path, symbols: int, different: int, days: int, prints: int) -> None:
    """Many files for little room: of the symbols so many are ``different``, the others are links to their files."""
    write_folder(folder, different, days, prints)
    every = names(symbols)
    for number in range(different, symbols):
        like = folder / f"symbol={every[number % different]}"
        shutil.copytree(like, folder / f"symbol={every[number]}", copy_function=os.link)
    write_rules(folder, symbols)
    cost, rows = backtest(folder), symbols * days * prints
    print(
        f"{symbols} symbols, {days} days, {symbols * days:,} files, {rows:,} rows, {cost.firings:,} firings:"
        f" {cost.cpu_s:.0f} s of CPU, {cost.cpu_s / rows * 1e6:.2f} us a row; {cost.resident_mb:.0f} MB at most,"
        f" {cost.half_mb:.0f} MB in the first half; wall s {cost.wall_s:.0f}"
    )


def workers(folder: Path, symbols: int, days: int, prints: int) -> None:
    """One worker process against two, three times in turn: the CPU time of the busiest, which is what there would be to
    wait for where each has a processor of its own. The outcomes are the same."""
    write_folder(folder, symbols, days, prints)
    here, _ = played(folder, Here())
    for _ in range(3):
        shares = {}
        for count in (1, 2):
            with (
                LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0") as processes,
                Client(processes) as client,
            ):
                away = OnDask(client)
                before = client.run(time.process_time)
                outcomes, wall_s = played(folder, away)
                assert outcomes == here
                shares[count] = [after - before[name] for name, after in client.run(time.process_time).items()]
            told = ", ".join(f"{cpu_s:.1f}" for cpu_s in shares[count])
            print(f"{count} workers: CPU s {told}; wall s {wall_s:.1f}; {len(outcomes):,} firings", flush=True)
        print(f"busiest of one / busiest of two: {max(shares[1]) / max(shares[2]):.2f}", flush=True)


def played(folder: Path, by: Workers) -> tuple[list[Outcome], float]:
    """What a backtest of the folder finds, and the seconds that it takes."""
    loaded = load([Source("rules.yaml", (folder / "rules.yaml").read_bytes())], now_s=0.0)
    plans, _ = plan_all(loaded.rules)
    files = of_instruments(Location(str(folder)), loaded.instruments)
    recordings = [Recording(name, each, ZoneInfo("America/New_York")) for name, each in files.items()]
    backtest = Backtest(Request(plans, loaded.instruments, recordings), workers=by)
    start_s = time.perf_counter()
    backtest.survey()
    return list(backtest.outcomes(wanted=(Firing,))), time.perf_counter() - start_s


def main() -> None:
    """What the command line asks for."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("what", choices=["memory", "workers", "year"])
    reader.add_argument("--short", action="store_true")
    reader.add_argument("--days", type=int, default=10, help="of `workers`")
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.what == "memory":
            sizes = [(2, 2), (2, 4)] if asked.short else [(5, 4), (5, 20), (20, 4), (20, 20), (1, 20), (1, 100)]
            memory(Path(folder), sizes, 20_000 if asked.short else 100_000)
        elif asked.what == "year":
            year(Path(folder), *((6, 2, 10, 2_000) if asked.short else (500, 10, 252, 10_000)))
        else:
            workers(
                Path(folder),
                4 if asked.short else 12,
                4 if asked.short else asked.days,
                20_000 if asked.short else 50_000,
            )


if __name__ == "__main__":
    main()
