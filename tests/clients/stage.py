"""Gateways for clients of other processes: each runs in a loop of its own thread, on a clock that the test moves."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock

NOON_S = 1_782_921_600
"""Wednesday 1 July 2026, noon in New York."""
DEADLINE_S = 60.0

Result = TypeVar("Result")


class Stage:
    """A gateway whose market moves only when the test pushes it; V stands at 199, MA at 300."""

    def __init__(self, state: Path | None = None, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage")
        self._thread.start()
        self._options = {"accounts": ("DU1",), "state": state, "clock": SteppedClock(NOON_S), **options}
        self.start()

    def start(self) -> None:
        """Start a gateway; after a stop it knows what is in the state file."""
        self._gateway = Gateway(Market(Catalogue(clock=self._options["clock"])), **self._options)
        self._wait(self._gateway.start)
        self.push("V", 199.0)
        self.push("MA", 300.0)

    def stop(self) -> None:
        """Stop the gateway; its clients are cut off."""
        self._wait(self._gateway.stop)

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._gateway.port

    def do(self, action: Callable[[Gateway], Result]) -> Result:
        """Do something with the gateway in its own thread."""

        async def done() -> Result:
            return action(self._gateway)

        return self._wait(done)

    def push(self, symbol: str, price: float, size: float = 100.0) -> None:
        """A print."""
        self.do(lambda gateway: gateway.push(symbol, price, size))

    def quote(self, symbol: str, bid: float, ask: float) -> None:
        """A quote."""
        self.do(lambda gateway: gateway.push_quote(symbol, bid, ask))

    def pass_time(self, seconds: float) -> None:
        """Let the clock go on, and what falls due happen."""
        self.do(lambda gateway: gateway.step_to(self._options["clock"].now_s() + seconds))

    def until(self, holds: Callable[[Gateway], object]) -> None:
        """Wait until something holds of the gateway."""

        async def waited() -> None:
            async with asyncio.timeout(DEADLINE_S):
                while not holds(self._gateway):
                    await asyncio.sleep(0.005)

        self._wait(waited)

    def _wait(self, start: Callable[[], Awaitable[Result]]) -> Result:
        async def run() -> Result:
            return await start()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(DEADLINE_S)
