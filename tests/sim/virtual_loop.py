"""An event loop whose time jumps to whatever is due next: no thread, no socket, no wall clock."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from tests.sim.node import NODE

PAST_THE_TIMER_S = 1e-6
"""Real clocks wake a little late. Waking exactly on time hangs the library's throttle: it waits for more than a second
to have passed, by setting a timer for one second."""
AT_ONE_INSTANT_MAX = 200_000


class Deadlock(Exception):
    """Nothing is ready and no timer is set: everybody waits for somebody else."""


class Livelock(Exception):
    """So much happened at one instant that time seems to stand still."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Calls back in the context of whoever asked, unless that node is dead by then."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._at_this_instant = 0
        self._selector = _Jump(self)
        self.network: Any = None

    def time(self) -> float:
        return self._now_s

    def call_soon(self, callback, *args, context=None):
        return super().call_soon(*_guarded(callback, args, context), context=context)

    def call_at(self, when, callback, *args, context=None):
        return super().call_at(when, *_guarded(callback, args, context), context=context)

    def call_soon_threadsafe(self, callback, *args, context=None):
        raise AssertionError("a thread has no place in a simulation")

    def run_in_executor(self, executor, func, *args):
        raise AssertionError("a thread has no place in a simulation")

    async def getaddrinfo(self, host, port, **kwargs):
        raise AssertionError("the machine's network has no place in a simulation")

    async def create_connection(self, protocol_factory, host=None, port=None, **kwargs):
        return await self.network.connect(protocol_factory, host, port)

    async def create_server(self, protocol_factory, host=None, port=None, **kwargs):
        return self.network.listen(protocol_factory, host, port)

    async def create_unix_server(self, protocol_factory, path=None, **kwargs):
        return self.network.listen_locally(protocol_factory, str(path))

    def jump(self, timeout_s: float | None) -> tuple[()]:
        if timeout_s is None:
            raise Deadlock(f"nothing will ever happen after {self._now_s:.6f} s")
        if timeout_s > 0:
            self._now_s = max(self._now_s, self._scheduled[0]._when) + PAST_THE_TIMER_S
            self._at_this_instant = 0
        else:
            self._at_this_instant += 1
            if self._at_this_instant > AT_ONE_INSTANT_MAX:
                raise Livelock(f"time stands still at {self._now_s:.6f} s")
        return ()

    def _process_events(self, event_list) -> None:
        pass

    def _write_to_self(self) -> None:
        raise AssertionError("a thread has no place in a simulation")


class VirtualClock:
    """The time of day in the simulation. ``ahead_s`` is by how much somebody has set it wrong."""

    def __init__(self, loop: VirtualLoop, start_s: float) -> None:
        self._loop = loop
        self._start_s = start_s
        self.ahead_s = 0.0

    def now_s(self) -> float:
        return self._start_s + self._loop.time() + self.ahead_s

    def wait_s(self, until_s: float) -> float | None:
        return max(0.0, until_s - self.now_s())


class _Jump:
    """Stands where the loop expects to wait for sockets."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.select: Callable[[float | None], tuple[()]] = loop.jump


def _guarded(callback, args, context: contextvars.Context | None) -> Iterator[Any]:
    node = NODE.get() if context is None else context.get(NODE)
    if node is None:
        return (callback, *args)
    return (_unless_dead, node, callback, *args)


def _unless_dead(node, callback, *args) -> None:
    if not node.dead:
        callback(*args)
