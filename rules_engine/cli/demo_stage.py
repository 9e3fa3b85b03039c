"""What the demo stands on: a gateway with a market, a receiver of messages, and the engine as a process of its own."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rules_engine.daemon.control import CommandRefused, NotRunning, ask
from rules_engine.gateway import Gateway, Order, parse_market
from rules_engine.model.json_value import Json
from rules_engine.notifying.receiver import Received, Receiver

ACCOUNT = "DU1234567"
DEADLINE_S = 20.0
_POLL_S = 0.05
_STOP_S = 10.0

_MARKET = """\
version: 1
symbols:
  V:
    close: 196.50
    history:
      - {every: 1s, prices: [196.90, 197.10, 197.00, 196.80]}
      - {from: 196.80, to: 197.20, over: 10m, every: 1s}
  MA:
    close: 401.00
    history:
      - {from: 401.00, to: 400.00, over: 10m, every: 1s}
"""

RULES = """\
version: 1
defaults: {notify: phone}
rules:
  - name: ma-when-v-hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true
  - name: ma-follows-v-down
    when: V moves down 5% in 5m
    do: sell 100 MA
    once: true
"""

ADDED_RULE = """\
  - name: ma-when-v-recovers
    when: V crosses above 195
    do: buy 50 MA
    once: true
"""


class DemoFailed(Exception):
    """Something that the demo promises did not happen."""


class Stage:
    """Starts and stops the parts, moves the market, and waits until something really happened."""

    def __init__(self, folder: Path, gateway: Gateway, receiver: Receiver) -> None:
        self.gateway = gateway
        self.received: list[Received] = []
        self.rules_file = folder / "rules" / "demo.yaml"
        self._folder = folder
        self._receiver = receiver
        self._engine: asyncio.subprocess.Process | None = None

    async def start_engine(self) -> None:
        """Starts `rules run` with the demo's configuration; its output goes to a file in the demo's folder."""
        with (self._folder / "output.log").open("ab") as output:
            self._engine = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rules_engine", "run", "--config", str(self._folder / "config.yaml")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def end_engine(self, with_signal: signal.Signals) -> None:
        """Sends the signal to the engine and waits until the process is gone."""
        assert self._engine is not None
        with contextlib.suppress(ProcessLookupError):
            self._engine.send_signal(with_signal)
        try:
            await asyncio.wait_for(self._engine.wait(), _STOP_S)
        except TimeoutError as error:
            self._engine.kill()
            raise DemoFailed(f"the engine did not stop on {with_signal.name}") from error

    async def ask(self, command: str) -> dict[str, Json]:
        """The running engine's answer; empty while it does not answer."""
        try:
            answer = await asyncio.to_thread(ask, self._folder / "var" / "control.sock", command)
        except (NotRunning, CommandRefused):
            return {}
        assert isinstance(answer, dict)
        return answer

    async def until(self, happened: Callable[[], bool], what: str) -> None:
        """Waits for something that gateway or receiver show; DemoFailed names what did not happen in time."""
        with _named(what):
            async with asyncio.timeout(DEADLINE_S):
                while not happened():
                    self._check_engine(what)
                    await asyncio.sleep(_POLL_S)

    async def until_status(self, happened: Callable[[dict[str, Json]], bool], what: str) -> dict[str, Json]:
        """Waits for something that the engine says of itself, and returns what it said."""
        with _named(what):
            async with asyncio.timeout(DEADLINE_S):
                while not ((status := await self.ask("status")) and happened(status)):
                    self._check_engine(what)
                    await asyncio.sleep(_POLL_S)
        return status

    async def move(self, symbol: str, *prices: float, every_s: float = 0.9) -> None:
        """Prints these prices one after the other, with a quote around each; MA's quote flickers beside them."""
        for number, price in enumerate(prices):
            self.gateway.push(symbol, price)
            self.gateway.push_quote(symbol, round(price - 0.02, 2), round(price + 0.02, 2))
            self.gateway.push_quote("MA", 399.98, (400.02, 400.03)[number % 2])
            await asyncio.sleep(every_s)

    def order_of(self, *, action: str, quantity: int) -> Order | None:
        """The newest order of that side and size that the gateway knows."""
        matching = [
            order
            for order in self.gateway.orders
            if order.form.action == action and order.form.totalQuantity == quantity
        ]
        return matching[-1] if matching else None

    def output(self) -> str:
        """The last lines that the engine printed."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join((self._folder / "output.log").read_text(errors="replace").splitlines()[-20:])
        return ""

    async def collect(self) -> None:
        """Takes in messages until cancelled."""
        async for message in self._receiver:
            self.received.append(message)

    async def close(self) -> None:
        """Leaves no process behind."""
        if self._engine is not None and self._engine.returncode is None:
            self._engine.kill()
            await self._engine.wait()

    def _check_engine(self, what: str) -> None:
        if self._engine is not None and self._engine.returncode not in (None, -signal.SIGKILL):
            raise DemoFailed(f"the engine ended with {self._engine.returncode} before this: {what}")


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise DemoFailed(f"{what} did not happen within {DEADLINE_S:g} s") from error


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage in a temporary folder; everything is gone afterwards."""
    with TemporaryDirectory(prefix="rules-demo-") as name:
        folder = Path(name)
        (folder / "market.yaml").write_text(_MARKET)
        gateway = Gateway(parse_market([str(folder / "market.yaml")]), accounts=(ACCOUNT,))
        receiver = Receiver()
        async with receiver.listening():
            await gateway.start()
            _write_configuration(folder, gateway.port, receiver.url)
            scene = Stage(folder, gateway, receiver)
            collecting = asyncio.create_task(scene.collect())
            try:
                yield scene
            finally:
                collecting.cancel()
                await scene.close()
                await gateway.stop()


def _write_configuration(folder: Path, port: int, url: str) -> None:
    (folder / "rules").mkdir()
    (folder / "rules" / "demo.yaml").write_text(RULES)
    config = folder / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(
        f"rules: {folder}/rules\n"
        f"state: {folder}/var\n"
        f"gateway: {{host: 127.0.0.1, port: {port}, client_id: 17}}\n"
        "mode: paper\n"
        "restart_window: none\n"
        f"account: {ACCOUNT}\n"
        f"channels: {{phone: '{url}'}}\nlocal_webhooks: true\n"
        "limits: {max_order_quantity: 1000, max_order_value: 100000}\n"
    )
