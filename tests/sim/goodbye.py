"""An engine that is asked to stop: how soon it ends, and whether its last word stays true."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rules_engine.daemon.daemon import FAREWELL_S
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from tests.sim.node import Node
from tests.sim.wire import OUR_PREFIX, Sent

if TYPE_CHECKING:
    from tests.sim.house import House

AT_ONCE_S = 0.5
"""A part that loses its cancellation is cancelled again later than this."""
_MAY_BE_AT_IB = tuple(state.value for state in IntentState if state.may_be_at_broker)


class Goodbye:
    """What one engine was asked and said at its end. The last word comes at once, and nothing that it does not name
    happens afterwards."""

    def __init__(self, house: "House", node: Node) -> None:
        self._house = house
        self._node = node
        self.stopping = asyncio.Event()
        """What the engine waits for."""
        self._asked_s: float | None = None
        self._told_s: float | None = None
        """When its last word was out."""
        self._before = house.checks.newest_letter()
        self._held: list[Callable[[], None]] = []
        self._turns = 0
        self._released = False
        self._text: str | None = None
        self._firings = 0

    def ask(self) -> None:
        """SIGTERM, unless it was asked already."""
        if not self.stopping.is_set() and not self._node.dead:
            self._house.say(f"engine {self._node.number} is asked to stop")
            self._asked_s = self._house.loop.time()
            self.stopping.set()

    def ask_at_packet(self, packets: int, turns: int, *, late: bool) -> None:
        """SIGTERM as so many packets have come. The last is read only so many turns of the loop later; ``late``: after
        the last letter is out, or given up."""
        to_come, self._turns = packets, turns

        def holds_up(hand_over: Callable[[], None]) -> bool:
            nonlocal to_come
            to_come -= 1
            if to_come > 0 or self._released:
                return False
            self.ask()
            self._held.append(hand_over)
            if late:
                self._house.loop.call_later(FAREWELL_S, self._release, turns)
            else:
                self._release(turns)
            return True

        self._node.holds_up = holds_up

    def _release(self, turns: int) -> None:
        """What was held up is read after so many turns of the loop."""
        self._released = True
        if turns:
            self._house.loop.call_soon(self._release, turns - 1)
            return
        while self._held:
            self._held.pop()()

    def committed(self, node: Node) -> None:
        """A transaction is on disk: perhaps the one with the last word."""
        if node is not self._node or self._asked_s is None:
            return
        if self._text is None:
            row = self._house.checks.row(
                "SELECT text FROM outbox WHERE kind = ? AND id > ?", NoticeKind.STOPPED, self._before
            )
            if row is not None:
                self._text, self._firings = row["text"], self._count_firings()
                self._within(AT_ONCE_S, "says goodbye at once")
        elif (count := self._count_firings()) > self._firings:
            self._firings = count
            self._broken("nothing fires after the goodbye", f"firing {count}")
        if self._text is not None and self._told_s is None and self._is_all_told():
            self._told_s = self._house.loop.time()
            self._release(self._turns)

    def order_sent(self, sent: Sent) -> None:
        """An order is being written to the socket."""
        if sent.node is self._node and self._text is not None and sent.key not in self._text:
            self._broken("nothing is sent after the goodbye but what it names", sent.key)

    def ended(self) -> None:
        """The engine has ended in order."""
        if self._asked_s is None or self._node.dead:
            return
        over_s = self._asked_s + FAREWELL_S if self._told_s is None else self._told_s
        self._within(over_s - self._asked_s + AT_ONCE_S, "ends as soon as its last word is out, or given up")
        if self._text is None:
            self._broken("an engine that is asked to stop says goodbye", "nothing")
            return
        for key in sorted(self._alive()):
            if key not in self._text:
                self._broken("the goodbye names what is alive at the broker", f"not {key}, but: {self._text[:80]}")

    def _alive(self) -> set[str]:
        """By the journal, and by the gateway's own books, but for what the user has called over."""
        states = dict(self._house.rows("SELECT key, state FROM intent"))
        alive = {key for key, state in states.items() if state in _MAY_BE_AT_IB}
        for order in self._house.gateway.orders:
            key = order.orderRef
            if order.live and key.startswith(OUR_PREFIX) and states.get(key) != IntentState.ABANDONED:
                alive.add(key)
        return alive

    def _is_all_told(self) -> bool:
        return self._house.checks.row("SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')") is None

    def _count_firings(self) -> int:
        return int(self._house.rows("SELECT count(*) FROM firing")[0][0])

    def _within(self, most_s: float, what: str) -> None:
        assert self._asked_s is not None
        taken_s = self._house.loop.time() - self._asked_s
        if taken_s > most_s:
            self._broken(f"an engine that is asked to stop {what}", f"after {taken_s:.2f} s")

    def _broken(self, promise: str, detail: str) -> None:
        self._house.checks.broken(promise, f"engine {self._node.number}: {detail}")
