"""One process of the engine: everything it does happens in its context, and a kill ends all of it at once."""

from collections.abc import Callable
from contextvars import ContextVar


class Killed(SystemExit):
    """SIGKILL. asyncio lets a SystemExit out of the loop, and no `except Exception` on its way stops it."""


class Node:
    """A life of the engine from start to kill. Every use of disk or network is a call of ``port``."""

    def __init__(self, number: int, on_port: Callable[["Node", str], None]) -> None:
        self.number = number
        self.dead = False
        self.buried = False
        self.ports = 0
        self.dies_at: tuple[str, int] | None = None
        """The name of a port call, and how many of them it survives from now on."""
        self.holds_up: Callable[[Callable[[], None]], bool] = lambda hand_over: False
        """Asked as bytes come for it: whether it takes them only when it calls what it is given."""
        self.closers: list[Callable[[], None]] = []
        """What the operating system does for a process that is gone: closes its files and sockets."""
        self.keeps: list[object] = []
        """Objects that must not be collected while the simulation runs: their finalizers would run code of the dead."""
        self._on_port = on_port

    def port(self, name: str) -> None:
        """Something outside the process is used; here it may die. Raises Killed."""
        if self.dead:
            raise Killed
        self.ports += 1
        self._on_port(self, name)
        if self.dies_at is None:
            return
        wanted, left = self.dies_at
        if name.startswith(wanted):
            if left <= 0:
                self.dead = True
                raise Killed
            self.dies_at = (wanted, left - 1)

    def bury(self) -> None:
        """Closes what the dead process had open."""
        self.dead = self.buried = True
        while self.closers:
            self.closers.pop()()


NODE: ContextVar[Node | None] = ContextVar("node", default=None)
"""The process that the running code belongs to; None for the gateway and the simulation itself."""
