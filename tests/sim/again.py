"""An order that leaves a second time: what must be so, by what the world is and not by what the engine thinks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.sim.wire import PROBE_MAX_S, Sent

if TYPE_CHECKING:
    from tests.sim.house import House

SETTLE_S = 15.0
"""So long it must have been absent from IB's answers."""


@dataclass(frozen=True, slots=True)
class First:
    """The first time that an order left, and through which process of the gateway."""

    order_id: int
    process: int
    at_s: float


class Repetitions:
    """Every order leaves once; a second time only as the settings and the protocol allow, and never a third time."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._first: dict[str, First] = {}
        self.again: set[str] = set()
        """Keys of those that left twice."""

    def order_sent(self, sent: Sent) -> None:
        """An order is being written to the socket."""
        first = self._first.get(sent.key)
        if first is None:
            self._first[sent.key] = First(sent.order_id, self._house.gateway.process, self._house.loop.time())
        elif objection := self._objection(first, sent):
            ids = f"{first.order_id} and {sent.order_id}"
            self._house.checks.broken("an order is sent once", f"{sent.key} as {ids}: {objection}")
        else:
            self.again.add(sent.key)

    def _objection(self, first: First, sent: Sent) -> str:
        house, wanted = self._house, self._house.wanted
        age_s = house.loop.time() - first.at_s
        within_s = max(wanted.resend_within_s, wanted.resend_market_within_s)
        if not within_s:
            return "nobody asked for that"
        if sent.key in self.again:
            return "for the third time"
        if sent.order_id != first.order_id:
            return "under another number"
        if house.gateway.process != first.process:
            return "to another process of the gateway"
        if age_s < SETTLE_S:
            return f"after {age_s:.1f} s already"
        if age_s > within_s + PROBE_MAX_S:
            return f"after {age_s:.1f} s, allowed are {within_s:g}"
        if house.watcher.cut_s > first.at_s:
            return "IB's own link was lost since"
        return ""
