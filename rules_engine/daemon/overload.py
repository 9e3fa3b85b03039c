"""More prices than the engine can look at: folded by the inbox, told once with its end, and shown in `rules status`."""

import logging
from collections.abc import Callable, Mapping, Sequence

from rules_engine.broker.inbox import Inbox
from rules_engine.execution.journal import Journal
from rules_engine.model.json_value import Json
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices
from rules_engine.notifying.messages import overload_notice, overload_over_notice
from rules_engine.planning.fold_proof import is_fold_proof

OVER_AFTER_S = 30.0
"""Without anything folded for so long, it is over."""
AGAIN_S = 900.0
"""Another one within this time of the last that was told is not told, nor is its end."""
NAMED_MAX = 10
_LOOKED_AT_ONCE = 500
"""Of so many rules it is seen at one look whether they may miss something."""

_log = logging.getLogger(__name__)


class Overload:
    """One incident at a time, however often prices are folded in it.

    Rules that look between the turning points of prices are named: what they would have found there is not known.
    They go on, for what they say after it is right again, and to call them unknown would silence them for as long as
    their windows are. Of very many rules it takes some looks to find them: it is told after that.
    """

    def __init__(
        self, inbox: Inbox, plans: Callable[[], Mapping[str, Plan]], journal: Journal, channels: Sequence[str]
    ) -> None:
        self._inbox = inbox
        self._plans = plans
        self._journal = journal
        self._channels = tuple(channels)
        self._since_s: float | None = None
        self._newest_s = 0.0
        self._before = 0
        self._told_s: float | None = None
        self._is_told = False
        self._beginning: Slices[None] | None = None
        """What is left of telling that it has begun."""

    def look(self, now_s: float) -> None:
        """Begins or ends an incident by what was folded since the last look."""
        folded = self._inbox.take_folded()
        if folded:
            self._newest_s = now_s
            if self._since_s is None:
                self._since_s = now_s
                self._beginning = self._telling(folded, now_s)
        elif self._since_s is not None and self._beginning is None and now_s - self._newest_s >= OVER_AFTER_S:
            self._end(self._since_s, now_s)
        if self._beginning is not None and next(self._beginning, True):
            self._beginning = None

    def status(self) -> Mapping[str, Json]:
        """How many prices wait, at how many they are folded, how many were so far, and since when they are."""
        return {
            "waiting": len(self._inbox),
            "bound": self._inbox.ticks_max,
            "folded": self._inbox.folded,
            "overload_since_s": self._since_s,
        }

    def _telling(self, folded: frozenset[str], now_s: float) -> Slices[None]:
        """Tells that it has begun, in as many looks as that takes."""
        self._is_told = self._told_s is None or now_s - self._told_s >= AGAIN_S
        rules = list[str]()
        for number, (name, plan) in enumerate(list(self._plans().items()), 1):
            if any(one.name in folded for one in plan.reads) and not is_fold_proof(plan.rule):
                rules.append(name)
            if number % _LOOKED_AT_ONCE == 0:
                yield
        named = [*rules[:NAMED_MAX], *([f"and {len(rules) - NAMED_MAX} more"] if len(rules) > NAMED_MAX else [])]
        _log.warning("more prices than can be looked at: they are folded; %d rules may miss something", len(rules))
        if self._is_told:
            self._told_s = now_s
            self._journal.tell(overload_notice(self._inbox.ticks_max, named, self._channels, now_s))

    def _end(self, since_s: float, now_s: float) -> None:
        count, self._before, self._since_s = self._inbox.folded - self._before, self._inbox.folded, None
        _log.warning("prices can all be looked at again; %d were folded", count)
        if self._is_told:
            self._journal.tell(overload_over_notice(count, self._newest_s - since_s, self._channels, now_s))
