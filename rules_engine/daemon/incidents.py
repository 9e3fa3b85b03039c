"""Connection and data troubles into one message each, with its end."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from rules_engine.broker.codes import FARM_BROKEN, LINK_LOST
from rules_engine.broker.farms import farm_in
from rules_engine.execution.journal import Journal
from rules_engine.model.reports import ClockCompared, FeedDown, FeedUp, LinkChange
from rules_engine.notifying.messages import (
    clock_agrees_notice,
    clock_apart_notice,
    connection_back_notice,
    connection_lost_notice,
    contract_changed_notice,
    data_back_notice,
    data_paused_notice,
    spell_names,
)

_log = logging.getLogger(__name__)
PAUSED_AGAIN_S = 900.0
"""The same trouble again within this time is not told again, nor is its end."""
CLOCK_APART_S = 60.0
"""A clock that differs from IB's is told after this time."""
NEVER_CONNECTED_S = 120.0
"""An engine that cannot connect at all is told after this time."""


@dataclass(slots=True)
class Pause:
    """Data that IB refuses, over when every instrument that it silenced is heard again; or a clock that is wrong."""

    since_s: float
    told: bool
    silent: set[str] = field(default_factory=set)


class Incidents:
    """Remembers what was told, so that a flood of the same trouble is one message."""

    def __init__(self, journal: Journal, channels: Sequence[str]) -> None:
        self._journal = journal
        self._channels = tuple(channels)
        self._was_up = False
        self._told_why, self._told_why_still = "", False
        self._lost_s: float | None = None
        self._began_s: float | None = None
        self._told_s: dict[tuple[str, int], float] = {}
        self._pauses: dict[tuple[str, int], Pause] = {}
        self._apart: Pause | None = None
        self.link = LinkChange(0.0, "down", text="not connected yet")

    def look(self, now_s: float) -> None:
        """Tells of an engine that has tried in vain to connect since it started, and what keeps one from connecting
        again where that is not what the connection was lost by."""
        if self._began_s is None:
            self._began_s = now_s
        if not self._was_up and self._lost_s is None and now_s - self._began_s >= NEVER_CONNECTED_S:
            self._tell_lost(self._began_s, self.link.text, now_s)
        elif self._lost_s is not None and now_s - self._lost_s >= NEVER_CONNECTED_S and not self._told_why_still:
            self._told_why_still = True
            if self.link.text not in ("", self._told_why):
                why = f"Still none, for another reason: {self.link.text}"
                self._journal.tell(connection_lost_notice(why, self._channels, now_s))

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
            self._tell_lost(change.time_s, change.text, change.time_s)

    def _tell_lost(self, since_s: float, why: str, now_s: float) -> None:
        self._lost_s, self._told_why, self._told_why_still = since_s, why, False
        self._journal.tell(connection_lost_notice(why, self._channels, now_s))

    def clock_compared(self, report: ClockCompared) -> None:
        """Tells of a clock that has been wrong for a while, and of its end."""
        if not report.ahead_s:
            if self._apart is not None and self._apart.told:
                apart_s = max(report.time_s - self._apart.since_s, 0.0)
                self._journal.tell(clock_agrees_notice(apart_s, self._channels, report.time_s))
            self._apart = None
            return
        self._apart = self._apart or Pause(report.time_s, told=False)
        if not self._apart.told and report.time_s - self._apart.since_s >= CLOCK_APART_S:
            self._apart.told = True
            self._journal.tell(clock_apart_notice(report.ahead_s, self._channels, report.time_s))

    def data_paused(self, report: FeedDown) -> None:
        """Tells that IB refuses the data of an instrument; the silence of a lost connection has its own message."""
        if report.code == 0 or report.code in LINK_LOST:
            return
        _log.warning("no data for %s: %s (%d)", report.instrument or "any instrument", report.text, report.code)
        trouble = (_whom(report), report.code)
        if trouble not in self._pauses:
            is_news = report.time_s - self._told_s.get(trouble, float("-inf")) >= PAUSED_AGAIN_S
            self._pauses[trouble] = Pause(report.time_s, is_news)
            if is_news:
                self._told_s[trouble] = report.time_s
                why = f"{report.text} ({report.code})"
                self._journal.tell(data_paused_notice(trouble[0], why, self._channels, report.time_s))
        self._pauses[trouble].silent.add(report.instrument)

    def data_back(self, report: FeedUp) -> None:
        """Tells the end of what was told, once nothing is silent any more."""
        for trouble, pause in list(self._pauses.items()):
            pause.silent.discard(report.instrument)
            if pause.silent:
                continue
            del self._pauses[trouble]
            if pause.told:
                down_s = report.time_s - pause.since_s
                self._journal.tell(data_back_notice(trouble[0], down_s, self._channels, report.time_s))

    def contract_changed(self, instrument: str, before: int, after: int, rules: Sequence[str], now_s: float) -> None:
        """Tells that a name means another contract, and which rules begin anew by that."""
        _log.warning(
            "%s means contract %d now, before %d: %s begin anew", instrument, after, before, spell_names(rules)
        )
        self._journal.tell(contract_changed_notice(instrument, before, after, rules, self._channels, now_s))


_FOR_ALL = frozenset({10197})


def _whom(report: FeedDown) -> str:
    """Whom the trouble is about: one instrument, a farm's instruments, or any (empty). It is one trouble for all."""
    if report.code in FARM_BROKEN:
        farm = farm_in(report.text)
        return f"what {farm} serves" if farm else ""
    return "" if report.code in _FOR_ALL else report.instrument
