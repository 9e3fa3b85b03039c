"""How fast orders may leave: IB cuts off who sends too many messages a second."""

from rules_engine.execution.journal import Journal
from rules_engine.model.tolerance import EDGE_S

SPAN_S = 1.0


class Pace:
    """Counts what the journal says was sent, so that a restart does not begin anew."""

    def __init__(self, journal: Journal, most: int) -> None:
        self._journal = journal
        self._most = most

    def pause_s(self, count: int, now_s: float) -> float:
        """How long ``count`` more orders have to wait; a unit of more than a second allows waits for a quiet one."""
        sent = self._journal.intents.sent_since(now_s - SPAN_S)
        # A pause that is too short for the clock to show would never be seen to end.
        since_s = now_s - SPAN_S + EDGE_S
        times = sorted(one.sent_s for one in sent if one.sent_s is not None and since_s < one.sent_s <= now_s)
        over = len(times) + count - self._most
        if over <= 0 or not times:
            return 0.0
        return times[min(over, len(times)) - 1] + SPAN_S - now_s
