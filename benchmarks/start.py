"""What starting costs: checking a file, checking a thousand rules, and a daemon that has nothing to do."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.l2 import CONFIG
from benchmarks.measure import spell, table
from benchmarks.processes import gateway, resident_mb, running

RUNS = 5
RULES_MANY = 1000
RULES_A_FILE = 100
RULES_IDLE = 20
_SETTLE_S = 15.0
"""Long enough to connect, ask for history and arm."""

_SENTENCES = (
    "V crosses above {level}",
    "V moves up {percent}% in 5m",
    "V > {level} for 30s",
    "sma(V, 10s) crosses above sma(V, 60s) + {percent}",
    "V enters {level} to {level}.5",
)


def rules_text(count: int, first: int = 0) -> str:
    """A file of as many different rules."""
    lines = ["version: 1", "timezone: America/New_York", "rules:"]
    for number in range(first, first + count):
        sentence = _SENTENCES[number % len(_SENTENCES)].format(level=200 + number, percent=1 + number % 9)
        lines += [
            f"  - name: rule-{number}",
            f"    when: {sentence}",
            f"    do: buy {number + 1} MA",
            "    cooldown: 15m",
        ]
    return "\n".join(lines) + "\n"


def check_s(count: int, runs: int) -> tuple[list[float], list[float]]:
    """Wall times of `rules check` on so many rules, from the shell's point of view: of text never checked before, and
    of the same text again. The user's cache folder is left out of it; the parser's tables are there before the first.
    """
    fresh, again = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        for run in range(-1, runs):
            for first in range(0, count, RULES_A_FILE):
                text = rules_text(min(RULES_A_FILE, count - first), first)
                (folder / "rules" / f"rules-{first}.yaml").write_text(f"# run {run}\n{text}")
            times = [_wall_s(["-m", "rules_engine", "check", str(folder / "rules")], environment) for _ in range(2)]
            if run >= 0:
                fresh.append(times[0])
                again.append(times[1])
    return fresh, again


def _wall_s(arguments: list[str], environment: dict[str, str]) -> float:
    start_s = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return time.perf_counter() - start_s


async def idle_mb(count: int) -> float:
    """Resident memory of `rules run` with so many armed rules in a market that stands still."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_idle(folder, count)
        async with gateway(folder / "market.yaml") as port:
            config = folder / "config.yaml"
            config.write_text(CONFIG.format(folder=folder, port=port).replace("mode: paper", "mode: dry"))
            config.chmod(0o600)
            arguments = ["-m", "rules_engine", "run", "--config", str(config)]
            async with running(arguments, folder / "run.log") as daemon:
                await asyncio.sleep(_SETTLE_S)
                if daemon.returncode is not None:
                    raise RuntimeError(f"the engine did not stay up\n{(folder / 'run.log').read_text()}")
                return resident_mb(daemon.pid)


def _write_idle(folder: Path, count: int) -> None:
    (folder / "rules").mkdir()
    (folder / "rules" / "idle.yaml").write_text(rules_text(count))
    (folder / "market.yaml").write_text(
        "version: 1\nsymbols:\n  V: {play: [{every: 1s, prices: [190 x60]}]}\n"
        "  MA: {play: [{at: 0s, bid: 399.99, ask: 400.01}]}\n"
    )


def report(runs: int = RUNS) -> str:
    """Each figure beside the bound that it must keep."""
    rows = [
        *_check_rows("one rule", check_s(1, runs), "< 0.3 s"),
        *_check_rows(f"{RULES_MANY:,} rules", check_s(RULES_MANY, runs), "< 2 s"),
        [f"idle daemon, {RULES_IDLE} rules", f"{spell(asyncio.run(idle_mb(RULES_IDLE)))} MB", "", "< 150 MB"],
    ]
    return table(f"Start, {runs} runs", ["", "median", "spread", "bound"], rows)


def _check_rows(what: str, times: tuple[list[float], list[float]], bound: str) -> list[list[str]]:
    return [
        [
            f"rules check, {what}, {kind}",
            f"{spell(median(walls))} s",
            f"{spell(min(walls))} to {spell(max(walls))} s",
            bound,
        ]
        for kind, walls in zip(("new text", "unchanged"), times, strict=True)
    ]
