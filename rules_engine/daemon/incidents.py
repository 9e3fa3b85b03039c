"""Connection and data troubles into one message each, with its end."""

import logging
from collections.abc import Sequence

from rules_engine.broker.codes import FARM_BROKEN, LINK_LOST
from rules_engine.execution.journal import Journal
from rules_engine.model.reports import FeedDown, LinkChange
from rules_engine.notifying.messages import connection_back_notice, connection_lost_notice, data_paused_notice

_log = logging.getLogger(__name__)
PAUSED_AGAIN_S = 900.0


class Incidents:
    """Remembers what was told, so that a flood of the same trouble is one message."""

    def __init__(self, journal: Journal, channels: Sequence[str]) -> None:
        self._journal = journal
        self._channels = tuple(channels)
        self._was_up = False
        self._lost_s: float | None = None
        self._paused_s: dict[tuple[str, int], float] = {}
        self.link = LinkChange(0.0, "down", text="not connected yet")

    def link_changed(self, change: LinkChange) -> None:
        """Tells that the connection was lost and that it is back; an engine that was never connected only logs."""
        self.link = change
        if change.state == "up":
            _log.info("connected to IB")
            if self._lost_s is not None:
                down_s = change.time_s - self._lost_s
                self._journal.tell(connection_back_notice(down_s, self._channels, change.time_s))
            self._was_up, self._lost_s = True, None
            return
        _log.warning("connection to IB %s: %s", change.state, change.text)
        if self._was_up and self._lost_s is None:
            self._lost_s = change.time_s
            self._journal.tell(connection_lost_notice(change.text, self._channels, change.time_s))

    def data_paused(self, report: FeedDown) -> None:
        """Tells that IB refuses the data of an instrument; the silence of a lost connection has its own message."""
        if report.code == 0 or report.code in LINK_LOST:
            return
        _log.warning("no data for %s: %s (%d)", report.instrument or "any instrument", report.text, report.code)
        trouble = ("" if report.code in _FOR_ALL else report.instrument, report.code)
        if report.time_s - self._paused_s.get(trouble, -PAUSED_AGAIN_S) >= PAUSED_AGAIN_S:
            self._paused_s[trouble] = report.time_s
            notice = data_paused_notice(trouble[0], f"{report.text} ({report.code})", self._channels, report.time_s)
            self._journal.tell(notice)


_FOR_ALL = frozenset({10197, *FARM_BROKEN})
