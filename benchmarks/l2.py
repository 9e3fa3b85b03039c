"""L2: from a print's bytes leaving the gateway to the order's bytes arriving there, ours against a bare callback."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks.measure import Ratio, spell, table
from benchmarks.processes import gateway, running
from benchmarks.relay import Relay

LEVEL = 200.0
_PRELUDE_S = 10
_CYCLE_S = 1.5
_DEADLINE_S = 90.0

RULES = """\
version: 1
timezone: America/New_York
rules:
  - name: follow
    when: V crosses above 200
    do: buy floor(V - 200) MA
    run: here
"""
CONFIG = """\
rules: {folder}/rules
state: {folder}/state
gateway: {{host: 127.0.0.1, port: {port}, client_id: 17}}
mode: paper
restart_window: none
account: DU1234567
"""


@dataclass(frozen=True, slots=True)
class Size:
    """Orders a round that count, and rounds."""

    reactions: int = 15
    rounds: int = 2


SHORT = Size(reactions=3, rounds=1)


def script(reactions: int) -> str:
    """V falls to 190 and leaps over 200 again and again, each time a little higher; MA is quoted anew each second.

    Every leap buys another number of shares: an equal order within a minute would be held back as a duplicate.
    """
    leaps = ", ".join(f"190, 190, {LEVEL + number}" for number in range(1, reactions + 3))
    seconds = _PRELUDE_S + int((reactions + 3) * _CYCLE_S)
    quotes = "\n".join(
        f"      - {{at: {second}s, bid: {399.98 + second % 2 / 100:g}, ask: 400.01}}" for second in range(seconds)
    )
    return (
        "version: 1\nsymbols:\n"
        f"  V:\n    play:\n      - {{every: 1s, prices: [190 x{_PRELUDE_S}]}}\n"
        f"      - {{every: {_CYCLE_S / 3 * 1000:g}ms, prices: [{leaps}]}}\n"
        f"  MA:\n    play:\n{quotes}\n"
    )


def measure(size: Size) -> dict[str, list[list[float]]]:
    """Reaction times of each contender, a list a round; the contenders take turns."""
    found: dict[str, list[list[float]]] = {"engine": [], "bare callback": []}
    for _ in range(size.rounds):
        for name, rounds_so_far in found.items():
            with tempfile.TemporaryDirectory() as folder:
                rounds_so_far.append(asyncio.run(_reactions(name, Path(folder), size.reactions)))
    return found


async def _reactions(name: str, folder: Path, reactions: int) -> list[float]:
    market, log = folder / "market.yaml", folder / f"{name.replace(' ', '-')}.log"
    market.write_text(script(reactions))
    async with (
        gateway(market) as port,
        Relay(LEVEL).to(port) as relay,
        running(_arguments(name, folder, relay.port), log),
    ):
        await relay.wait_for(reactions + 1, _DEADLINE_S)
    if len(relay.reactions_s) <= reactions:
        raise RuntimeError(
            f"{name}: {len(relay.reactions_s)} orders for {relay.triggers} prints that should fire\n{log.read_text()}"
        )
    return relay.reactions_s[1 : reactions + 1]  # The first one pays for what is loaded late.


def _arguments(name: str, folder: Path, port: int) -> list[str]:
    if name == "bare callback":
        return ["-m", "benchmarks.bare_callback", str(port)]
    (folder / "rules").mkdir()
    (folder / "rules" / "follow.yaml").write_text(RULES)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(folder=folder, port=port))
    config.chmod(0o600)
    return ["-m", "rules_engine", "run", "--config", str(config)]


def report(size: Size) -> str:
    """Median, ninth decile and extremes of each, and the ratio of the medians."""
    measured = measure(size)
    rows = [[name, *_row([one for each in rounds for one in each])] for name, rounds in measured.items()]
    ratios = [
        median(ours) / median(bare) for ours, bare in zip(measured["engine"], measured["bare callback"], strict=True)
    ]
    title = f"L2, {size.reactions} orders a round, {size.rounds} rounds, mode paper, journal included"
    over = Ratio(median(ratios), min(ratios), max(ratios))
    return f"{table(title, ['', 'median', 'p90', 'least', 'most'], rows)}  engine over bare callback: {over}\n"


def _row(reactions_s: list[float]) -> list[str]:
    figures = (median(reactions_s), quantiles(reactions_s, n=10)[-1], min(reactions_s), max(reactions_s))
    return [f"{spell(figure * 1e3)} ms" for figure in figures]
