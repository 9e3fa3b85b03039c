"""L1: what our receive path adds to a bare client's cost of a trade, and the firings that an unpaced burst loses."""

import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.feeder import FIRST_CENTS, names, trades
from benchmarks.measure import Ratio, spell, table

_RULES_A_LINE = 10
_DEADLINE_S = 120.0
_LEVELS = (-80, -30, 30, 80)
"""Of the burst's rules, in cents from the first price."""

Sentences = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Size:
    """Lines, trades in a paced round and in the burst, how many leave every ten milliseconds, and rounds."""

    lines: int = 100
    trades: int = 20_000
    burst: int = 50_000
    batch: int = 20
    rounds: int = 3
    settle_s: float = 12.0
    """Long enough for the engine to catch up on history and to save what it knows of every rule."""


SHORT = Size(lines=5, trades=500, burst=2_000, batch=100, rounds=1, settle_s=1.0)


@dataclass(frozen=True, slots=True)
class Received:
    """CPU seconds of the receiver, firings by rule, ticks that the inbox folded; and why it did not hear the last
    trade, if it did not."""

    cpu_s: float
    fired: Counter[str]
    folded: int
    cut_short: str


def quiet_rules(lines: int) -> Sentences:
    """Levels and moves that the trades do not come near."""
    half = range(1, _RULES_A_LINE // 2 + 1)
    sentences = [
        (name, sentence)
        for name in names(lines)
        for sentence in (
            *(f"{name} crosses above {230 + number}" for number in half),
            *(f"{name} moves {20 + number}% in {number}m" for number in half),
        )
    ]
    return [(f"{name}-{at % _RULES_A_LINE}", sentence) for at, (name, sentence) in enumerate(sentences)]


def burst_rules(lines: int) -> Sentences:
    """Levels on both sides of the first price, crossed again and again."""
    return [
        (f"{name}-{at}", f"{name} crosses above {(FIRST_CENTS + offset) / 100}")
        for name in names(lines)
        for at, offset in enumerate(_LEVELS)
    ]


def expected(lines: int, made: Iterable[tuple[int, int]]) -> Counter[str]:
    """How often each rule of the burst fires, print by print: a level is reached from below."""
    newest, fired, called = [FIRST_CENTS] * lines, Counter[str](), names(lines)
    for line, cents in made:
        for at, offset in enumerate(_LEVELS):
            if newest[line] < FIRST_CENTS + offset <= cents:
                fired[f"{called[line]}-{at}"] += 1
        newest[line] = cents
    return fired


async def receive(who: str, rules: Sentences, lines: int, count: int, batch: int, settle_s: float) -> Received:
    """One receiver on one gateway, from the first trade to the last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(_text(rules))
        async with (
            asyncio.timeout(_DEADLINE_S),
            _program("benchmarks.feeder", lines, count, batch) as feeder,
        ):
            port = int(await _line(feeder))
            async with _program(
                "benchmarks.receiver", who, port, settle_s, lines if who == "bare" else folder
            ) as receiver:
                assert feeder.stdin is not None
                await _line(receiver)
                feeder.stdin.write(b"go\n")
                said = json.loads(await _line(receiver))
                feeder.stdin.write(b"end\n")
    return Received(said["cpu_s"], Counter(said["fired"]), said["folded"], said["cut_short"])


def _text(rules: Sentences) -> str:
    lines = [f"  - {{name: {name}, when: '{sentence}', do: notify desk}}" for name, sentence in rules]
    return "\n".join(["version: 1", "timezone: UTC", "rules:", *lines])


@asynccontextmanager
async def _program(module: str, *arguments: object) -> AsyncIterator[Process]:
    """What it says besides its lines goes where ours goes."""
    words = map(str, arguments)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *words, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _line(process: Process) -> str:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a receiver or the gateway ended early")
    return line.decode()


def burst(size: Size) -> tuple[Counter[str], Received]:
    """What should fire in an unpaced burst, and what came of it."""
    rules = burst_rules(size.lines)
    received = asyncio.run(receive("engine", rules, size.lines, size.burst, 0, size.settle_s))
    return expected(size.lines, trades(size.lines, size.burst)), received


def report(size: Size) -> str:
    """CPU time of each receiver, our share, and the firings lost."""
    rows, shares = [], []
    quiet = quiet_rules(size.lines)
    for pace, count, batch in (("paced", size.trades, size.batch), ("unpaced", size.burst, 0)):
        costs: dict[str, list[float]] = {"bare": [], "engine": []}
        for _ in range(size.rounds):
            for who, so_far in costs.items():
                received = asyncio.run(receive(who, quiet, size.lines, count, batch, size.settle_s))
                if received.cut_short:
                    raise RuntimeError(f"the {who} receiver did not hear the last trade: {received.cut_short}")
                so_far.append(received.cpu_s / count * 1e6)
        added = [ours / theirs - 1 for ours, theirs in zip(costs["engine"], costs["bare"], strict=True)]
        rows += [[f"{pace}, {who}", spell(median(us)), spell(min(us)), spell(max(us))] for who, us in costs.items()]
        shares.append(f"  added to the bare client, {pace}: {Ratio(median(added), min(added), max(added))}")
    wanted, received = burst(size)
    outcome = f"NOT HEARD TO THE END ({received.cut_short})" if received.cut_short else "heard to the end"
    lost, surplus = (wanted - received.fired).total(), (received.fired - wanted).total()
    head = ["us of CPU a trade", "median", "least", "most"]
    title = f"L1, {size.lines} lines, {len(quiet):,} rules, 4 messages a trade, {size.rounds} rounds"
    return "\n".join(
        [
            table(title, head, rows).rstrip("\n"),
            *shares,
            f"  burst of {size.burst:,} trades: {wanted.total():,} firings, {lost:,} lost, {surplus:,} too many"
            f"; {received.folded:,} ticks folded; {outcome}",
            "",
        ]
    )
