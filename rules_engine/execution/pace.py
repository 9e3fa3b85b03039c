"""How fast orders may leave: IB cuts off who sends too many messages, and a rule gone wild must not use up the day."""

from collections import deque
from collections.abc import Iterable, Sequence

from rules_engine.execution.journal import Journal
from rules_engine.model.tolerance import EDGE_S

SECOND_S = 1.0
MINUTE_S = 60.0


class Pace:
    """Orders of all rules in a second. Counts what the journal says was sent, so that a restart does not begin anew."""

    def __init__(self, journal: Journal, most: int) -> None:
        self._journal = journal
        self._most = most

    def pause_s(self, count: int, now_s: float) -> float:
        """How long ``count`` more orders have to wait; a unit of more than a second allows waits for a quiet one."""
        times = self._journal.intents.times_sent(now_s - SECOND_S)
        return _pause_s(times, count, self._most, SECOND_S, now_s)


class MessageBudget:
    """Messages about the orders of one rule in a minute: orders and cancellations.

    Cancellations never wait, since they only take risk away; what they use up is missing for orders.
    """

    def __init__(self, journal: Journal, most: int, now_s: float) -> None:
        self._journal = journal
        self._most = most
        self._cancels = deque(journal.cancels_since(now_s - MINUTE_S))

    @property
    def words(self) -> str:
        return f"max_messages_per_rule_per_minute is {self._most}"

    def cancelled(self, rules: Iterable[str], now_s: float) -> None:
        """A cancellation was sent for an order of each of these rules."""
        self._cancels.extend((now_s, rule) for rule in rules)

    def pause_s(self, rule: str, count: int, now_s: float) -> float:
        """How long ``count`` more orders of the rule have to wait."""
        times = self._journal.intents.times_sent(now_s - MINUTE_S, rule)
        while self._cancels and self._cancels[0][0] <= now_s - MINUTE_S:
            self._cancels.popleft()
        times = sorted([*times, *(at_s for at_s, name in self._cancels if name == rule)])
        return _pause_s(times, count, self._most, MINUTE_S, now_s)


def _pause_s(times: Sequence[float], count: int, most: int, span_s: float, now_s: float) -> float:
    """``times`` are sorted."""
    # A pause that is too short for the clock to show would never be seen to end.
    since_s = now_s - span_s + EDGE_S
    times = [at_s for at_s in times if since_s < at_s <= now_s]
    over = len(times) + count - most
    if over <= 0 or not times:
        return 0.0
    return times[min(over, len(times)) - 1] + span_s - now_s
