"""What rules need from IB before they can judge: contracts, price steps, and the past that fills their windows."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import islice

from rules_engine.broker.connection import Connection
from rules_engine.broker.contracts import Unqualified
from rules_engine.broker.history import Past
from rules_engine.broker.link import Link
from rules_engine.daemon.in_force import InForce
from rules_engine.evaluation import Evaluator
from rules_engine.execution.journal import Journal
from rules_engine.execution.slices import in_slices
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.plan import History, Plan
from rules_engine.model.rule import Rule
from rules_engine.model.slices import Slices
from rules_engine.notifying.messages import broken_notice

_log = logging.getLogger(__name__)

_Key = tuple[str, str, float]

LOOK_EVERY_S = 1.0
_TOLD_AT_ONCE = 20
PAUSES_S = (20.0, 60.0, 180.0, 600.0, 1800.0)
"""Before IB is asked again for a past that it did not tell, because its history servers are away, say; the last one
repeats. IB allows sixty such requests in ten minutes, and the same one not twice in fifteen seconds."""


class CatchingUp:
    """Works in the background: subscribes after a reload, and fills windows whenever a feed is up and they are not.

    History is asked for only after the feed is up, so that no print can fall between the past and the stream.
    """

    def __init__(self, link: Link, in_force: InForce, evaluator: Evaluator, journal: Journal, clock: Clock) -> None:
        self._link = link
        self._in_force = in_force
        self._evaluator = evaluator
        self._journal = journal
        self._clock = clock
        self._wanted = asyncio.Event()
        self._up: set[str] = set()
        self._filled: dict[_Key, History] = {}
        self._untold: dict[_Key, int] = {}
        """How often IB was asked in vain."""
        self._ask_again_s: dict[_Key, float] = {}
        """When to ask again, by the loop's time."""
        self._broken: set[str] = set()
        self._untold_broken: dict[str, tuple[Rule, str]] = {}
        """Of those the ones that are still to be told, as they were, and why."""
        self._learnt: Connection | None = None

    def wake(self) -> None:
        """Other rules are in force: what they need may have changed."""
        self._wanted.set()

    def feed_up(self, instrument: str) -> None:
        """From now on every print is heard: the time before may be asked for."""
        self._up.add(instrument)
        self.wake()

    def feed_down(self, instrument: str) -> None:
        """What happens from here on must be asked for later; no name means every instrument."""
        self._up = self._up - {instrument} if instrument else set()
        for known in (self._filled, self._untold, self._ask_again_s):
            for key in [key for key in known if instrument in ("", key[0])]:
                del known[key]

    def learn(self) -> None:
        """On a new connection: what IB says of our instruments may change levels, and leave rules broken."""
        connection = self._link.connection
        if connection is None or connection is self._learnt:
            return
        self._learnt = connection
        self._break_unqualified(connection.unqualified)
        if self._new_steps(connection):
            self.wake()

    async def run(self) -> None:
        """Catches up whenever that is needed, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._wanted.wait()
            self._wanted.clear()
            await in_slices(self._telling_broken())
            try:
                await self._catch_up()
            except LinkDown as error:
                _log.warning("catching up was cut short: %s", error)

    async def _catch_up(self) -> None:
        await self._link.watch(self._in_force.instruments())
        connection = self._link.connection
        if connection is None:
            return
        await self._take_in(connection)
        longest = _longest(self._in_force.plans.values())
        for key in self._ask_again_s.keys() - longest.keys():
            del self._ask_again_s[key]
        for key, wanted in longest.items():
            if wanted.instrument.name in self._up and self._lacks(key, wanted):
                await self._fill(connection, key, wanted)

    def _pause_s(self) -> float | None:
        """How long nobody need look by himself; None: until something happens."""
        if not self._ask_again_s:
            return None
        return max(min(self._ask_again_s.values()) - asyncio.get_running_loop().time(), LOOK_EVERY_S)

    def _lacks(self, key: _Key, wanted: History) -> bool:
        if _covers(self._filled.get(key), wanted):
            return False
        return self._ask_again_s.get(key, -math.inf) <= asyncio.get_running_loop().time()

    async def _fill(self, connection: Connection, key: _Key, wanted: History) -> None:
        """Asks for one past. Where the feed went meanwhile it has a hole by now: it is asked for once the feed is back.
        Raises LinkDown where the connection is gone."""
        self._filled[key] = wanted
        past: Past | None = None
        try:
            # Windows are judged as of what was heard, which may be less than what waits: they must be full then too.
            past = await connection.history(wanted, self._evaluator.now_s)
        except LinkDown as error:
            if not connection.is_open:
                self._filled.pop(key, None)
                raise
            _log.warning("%s; it is asked again", error)
        if self._filled.get(key) is not wanted:
            return
        if past is not None:
            self._backfill(wanted, past)
        if past is not None and past.is_told:
            self._untold.pop(key, None)
            self._ask_again_s.pop(key, None)
        else:
            self._put_off(key)

    def _put_off(self, key: _Key) -> None:
        tries = self._untold.get(key, 0)
        pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)]
        self._untold[key] = tries + 1
        self._ask_again_s[key] = asyncio.get_running_loop().time() + pause_s
        del self._filled[key]

    def _backfill(self, wanted: History, past: Past) -> None:
        filled = past.bars or past.ticks
        _log.info("history of %s: %d %s", wanted.instrument.name, len(filled), "bars" if past.bars else "prints")
        name, until_s = wanted.instrument.name, self._in_force.until_s()
        self._evaluator.backfill(name, wanted.field, filled, past.complete_from_s, wanted.bar_s, until_s)

    async def _take_in(self, connection: Connection) -> None:
        self._break_unqualified(connection.unqualified)
        await in_slices(self._telling_broken())
        # A level `above 200` is held one price step higher: the real steps may differ from the usual ones.
        if new := self._new_steps(connection):
            await self._in_force.replan(new)

    def _new_steps(self, connection: Connection) -> dict[str, Decimal]:
        """Price steps of our instruments that are other ones than the rules were planned with."""
        named = ((one.name, connection.traded(one.name)) for one in self._in_force.instruments())
        return {
            name: traded.min_tick
            for name, traded in named
            if traded is not None and not self._in_force.is_known(name, traded)
        }

    def _break_unqualified(self, unqualified: Mapping[str, Unqualified]) -> None:
        """A rule whose instrument means nothing to IB, or several things, needs its user; told once, soon after."""
        if not unqualified:
            self._broken.clear()
            return
        bad = dict[str, str]()
        for name in sorted(unqualified):
            for rule in self._in_force.rules_on(name):
                bad.setdefault(rule, name)
        for rule, name in bad.items():
            if rule not in self._broken:
                reason = _unqualified_words(unqualified[name])
                self._evaluator.break_rule(rule, reason)
                self._untold_broken[rule] = self._in_force.plans[rule].rule, reason
        self._broken = set(bad)
        if self._untold_broken:
            self.wake()

    def _telling_broken(self) -> Slices[None]:
        """After a kill in between the rules are found to be broken again, and the rest is told."""
        while self._untold_broken:
            with self._journal.transaction():
                for name in list(islice(self._untold_broken, _TOLD_AT_ONCE)):
                    rule, reason = self._untold_broken.pop(name)
                    _log.error("%s:%d: rule %s: %s", rule.place.file, rule.place.line, name, reason)
                    self._journal.tell(broken_notice(rule, reason, self._clock.now_s()))
            yield


def _longest(plans: Iterable[Plan]) -> dict[_Key, History]:
    """One request for each series, long enough for every rule that reads it."""
    found: dict[_Key, History] = {}
    for plan in plans:
        for wanted in plan.history:
            key = (wanted.instrument.name, wanted.field, wanted.bar_s)
            if not _covers(found.get(key), wanted):
                found[key] = wanted
    return found


def _covers(known: History | None, wanted: History) -> bool:
    return known is not None and known.duration_s >= wanted.duration_s and known.bar_count >= wanted.bar_count


def _unqualified_words(found: Unqualified) -> str:
    candidates = f"; candidates: {', '.join(found.candidates)}" if found.candidates else ""
    return f"{found.instrument.name}: {found.text}{candidates}"
