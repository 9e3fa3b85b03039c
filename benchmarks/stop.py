"""The kill switch: from the moment that it is pulled until fifty orders at the gateway are cancelled.

`python -m benchmarks.stop [ROUNDS]`. The gateway runs here, the engine as a user starts it; pulled by the command, by
the signal, by a file, and by the command when no engine runs.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.processes import running
from rules_engine.daemon.control import ask
from rules_engine.gateway import Gateway, parse_market

COUNT = 50
ROUNDS = 3
ACCOUNT = "DU1234567"
SYMBOLS = ("MA", "V", "AAPL")
DEADLINE_S = 60.0
_MARKET = "version: 1\nsymbols:\n" + "".join(
    f"  {name}: {{play: [{{every: 1s, prices: [200 x600]}}]}}\n" for name in SYMBOLS
)
_CONFIG = """\
rules: {folder}/rules
state: {folder}/var
gateway: {{host: 127.0.0.1, port: {port}, client_id: 17}}
restart_window: none
mode: paper
account: DU1234567
limits: {{max_orders_per_second: 45}}
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds until the first and the last order of ours was cancelled at the gateway."""

    first_s: float
    last_s: float


class Town:
    """A gateway, and an engine whose fifty orders it holds."""

    def __init__(self, folder: Path, gateway: Gateway, engine: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self.engine = engine
        self._gateway = gateway

    async def took(self, pull: Callable[[], Awaitable[object]]) -> Took:
        """Pulls the switch, and watches the gateway's own book."""
        began_s = time.perf_counter()
        pulling = asyncio.ensure_future(pull())
        async with asyncio.timeout(DEADLINE_S):
            await self.until(lambda: self.live() < COUNT)
            first_s = time.perf_counter() - began_s
            await self.until(lambda: not self.live())
        took = Took(first_s, time.perf_counter() - began_s)
        await pulling
        return took

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Looks at the gateway between what it does."""
        while not is_so():  # noqa: ASYNC110  The gateway's book has no event for it.
            await asyncio.sleep(0.002)

    def live(self) -> int:
        """Orders that may still fill."""
        return sum(order.live for order in self._gateway.orders)


@contextlib.asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """Until the gateway holds all fifty."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(
            "version: 1\nrules:\n"
            + "".join(
                f"  - name: waits-{number}\n    when: V crosses above {300 + number}\n"
                f"    do: buy {number + 1} {SYMBOLS[number % len(SYMBOLS)]}\n"
                for number in range(COUNT)
            )
        )
        (folder / "market.yaml").write_text(_MARKET)
        gateway = Gateway(parse_market([str(folder / "market.yaml")]), accounts=(ACCOUNT,))
        await gateway.start()
        config = folder / "config.yaml"
        config.write_text(_CONFIG.format(folder=folder, port=gateway.port))
        config.chmod(0o600)
        try:
            async with running(_command(folder, "run"), folder / "run.log") as engine:
                here = Town(folder, gateway, engine)
                async with asyncio.timeout(DEADLINE_S):
                    await here.until(lambda: here.live() == COUNT)
                yield here
        finally:
            await gateway.stop()


def _command(folder: Path, word: str) -> list[str]:
    return ["-m", "rules_engine", word, "--config", str(folder / "config.yaml")]


async def by_command(here: Town) -> Took:
    """What `rules stop` asks of a running engine."""
    return await here.took(lambda: asyncio.to_thread(ask, here.folder / "var" / "control.sock", "stop"))


async def by_signal(here: Town) -> Took:
    """SIGUSR1."""

    async def pull() -> None:
        here.engine.send_signal(signal.SIGUSR1)

    return await here.took(pull)


async def by_file(here: Town) -> Took:
    """A file named STOPPED, laid by hand."""
    return await here.took(lambda: asyncio.to_thread((here.folder / "var" / "STOPPED").touch))


async def without_engine(here: Town) -> Took:
    """`rules stop` as a program of its own, after the engine was killed."""
    here.engine.kill()
    await here.engine.wait()

    async def pull() -> None:
        stopping = await asyncio.create_subprocess_exec(
            sys.executable, *_command(here.folder, "stop"), stdout=asyncio.subprocess.DEVNULL
        )
        await stopping.wait()

    return await here.took(pull)


WAYS = {"command": by_command, "signal": by_signal, "file": by_file, "command, no engine": without_engine}


async def measure(rounds: int) -> dict[str, list[Took]]:
    """Each way so often, every time in a new town."""
    found: dict[str, list[Took]] = {}
    for name, way in WAYS.items():
        for _ in range(rounds):
            async with town() as here:
                found.setdefault(name, []).append(await way(here))
    return found


def report(rounds: int = ROUNDS) -> str:
    """First and last cancellation, the middle of the rounds."""
    lines = [f"kill switch, {COUNT} orders, {rounds} rounds{'':8} first      last     worst"]
    for name, took in asyncio.run(measure(rounds)).items():
        first, last = median(one.first_s for one in took), median(one.last_s for one in took)
        lines.append(f"  {name:32} {first:8.3f} s {last:8.3f} s {max(one.last_s for one in took):8.3f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(*map(int, sys.argv[1:2])))
