"""How long what is to be sent waits for a price to be checked against: the first seconds after a start or a reconnect
have none."""

from collections.abc import Collection

from rules_engine.execution.book import Refusal
from rules_engine.model.firing import Reason

WAITABLE = frozenset({Reason.NO_PRICE, Reason.POSITION_UNKNOWN, Reason.UNKNOWN_DATA, Reason.TOO_WIDE})
"""What IB usually tells within moments of a connection, and a market that may be narrow again in a moment."""


class PriceWait:
    """Remembers since when each one waits, by a name of the caller's choice."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._since_s: dict[tuple[str, int], float] = {}

    @property
    def is_on(self) -> bool:
        """Whether anything waits."""
        return bool(self._since_s)

    def holds(self, name: tuple[str, int], found: Refusal | None, now_s: float) -> bool:
        """Whether it is to wait on, given what would hold it back now. Its time runs from the first such answer."""
        if found is None or found.reason not in WAITABLE:
            return False
        return now_s - self._since_s.setdefault(name, now_s) < self._wait_s

    def forget(self, name: tuple[str, int]) -> None:
        """It waits no more."""
        self._since_s.pop(name, None)

    def only(self, names: Collection[tuple[str, int]]) -> None:
        """Forgets all others: they wait no more."""
        self._since_s = {name: since_s for name, since_s in self._since_s.items() if name in names}
