"""L3: ten thousand rules from text to armed, one file of a hundred edited, and the longest callback meanwhile."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.callbacks import callbacks_timed
from benchmarks.measure import spell, table
from benchmarks.start import rules_text
from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Difference, Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.execution.slices import in_slices
from rules_engine.language.grammar import sentence_parser
from rules_engine.model.clock import SystemClock
from rules_engine.model.settings import GatewaySettings, Settings

_NOBODY = GatewaySettings(port=1)
"""There is no broker in this."""


@dataclass(frozen=True, slots=True)
class Size:
    """Files, rules in each of them, and rounds."""

    files: int = 100
    rules: int = 100
    rounds: int = 3


SHORT = Size(files=3, rules=10, rounds=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds by the clock, and of CPU, until all rules were armed and until the edited file was in force; CPU seconds
    of a callback. What the two differ by is nearly all the time for which other programs had the cores."""

    armed_s: float
    armed_cpu_s: float
    edited_s: float
    edited_cpu_s: float
    longest_s: float


def once(size: Size) -> Taken:
    """One engine that starts with all files and hears of a change in one."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_start_and_edit(size, Path(folder)))


async def _start_and_edit(size: Size, home: Path) -> Taken:
    folder, state, clock = home / "rules", StateFolder(home / "var"), SystemClock()
    folder.mkdir()
    state.prepare()
    for number in range(size.files):
        (folder / f"{number:03}.yaml").write_text(rules_text(size.rules, number * size.rules))
    sentence_parser()  # Made once, before there is a connection that could bring prices.
    settings = replace(Settings(), rules=folder, state=state.path, gateway=_NOBODY)
    book = RuleBook(folder, frozenset())
    stopping = asyncio.Event()
    await asyncio.sleep(0)  # What came before is a callback of its own.
    with callbacks_timed() as callbacks:
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        with collector_waits():
            edition = await in_slices(book.reading(clock.now_s(), frozenset(), {}))
        assert isinstance(edition, Edition), edition
        daemon = Daemon(settings, state, book, edition, clock, live=False)
        running = asyncio.create_task(daemon.run(stopping))
        while not daemon.is_running:  # noqa: ASYNC110  # It tells nobody when it is.
            await asyncio.sleep(0)
        armed_s, armed_cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
        edited = folder / f"{size.files // 2:03}.yaml"
        edited.write_text(edited.read_text().replace("cooldown: 15m", "cooldown: 16m"))
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        changed = await daemon.reload()
        edited_s, edited_cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
        assert isinstance(changed, Difference) and len(changed.changed) == size.rules, changed
    stopping.set()
    await running
    daemon.close()
    return Taken(armed_s, armed_cpu_s, edited_s, edited_cpu_s, max(callbacks))


def report(size: Size) -> str:
    """Each figure beside its goal."""
    rounds = [once(size) for _ in range(size.rounds)]
    figures = (
        ("text to armed", [one.armed_s for one in rounds], "<= 3 s"),
        ("text to armed, CPU", [one.armed_cpu_s for one in rounds], ""),
        ("one file edited, read and in force", [one.edited_s for one in rounds], "<= 0.3 s"),
        ("one file edited, CPU", [one.edited_cpu_s for one in rounds], ""),
        ("longest callback, CPU", [one.longest_s for one in rounds], "<= 0.05 s"),
    )
    rows = [[name, *(f"{spell(pick(all_s))} s" for pick in (median, min, max)), goal] for name, all_s, goal in figures]
    title = f"L3, {size.files * size.rules:,} rules in {size.files} files, {size.rounds} rounds"
    return table(title, ["", "median", "least", "most", "goal"], rows)
