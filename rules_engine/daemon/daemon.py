"""One running engine: parts wired together, started, supervised and stopped."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Collection, Coroutine, Iterator, Sequence

from rules_engine.broker.inbox import Inbox
from rules_engine.broker.link import Link
from rules_engine.daemon.alarm import Alarm
from rules_engine.daemon.catching_up import CatchingUp
from rules_engine.daemon.collector import FullCollections
from rules_engine.daemon.commands import Commands
from rules_engine.daemon.control import ControlServer
from rules_engine.daemon.endings import Endings
from rules_engine.daemon.heartbeat import beat
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.incidents import Incidents
from rules_engine.daemon.known_market import KnownMarket
from rules_engine.daemon.overload import Overload
from rules_engine.daemon.reactor import Reactor
from rules_engine.daemon.rulebook import Difference, Edition, Refused, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.supervision import all_cancelled, kept_going
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.daemon.trading_stop import TradingStop
from rules_engine.daemon.watch import rescan
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.execution.clock_set import clock_set
from rules_engine.execution.desk import Desk
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.execution.positions import Positions
from rules_engine.execution.risk import RiskGate
from rules_engine.execution.slices import in_slices
from rules_engine.execution.words import order_words
from rules_engine.model.clock import Clock, SteadyClock
from rules_engine.model.intent import Intent
from rules_engine.model.plan import Where
from rules_engine.model.reports import FeedDown
from rules_engine.model.rule import Rule
from rules_engine.model.settings import Mode, Settings
from rules_engine.notifying.messages import started_notice, stopped_notice
from rules_engine.notifying.sender import Sender

_log = logging.getLogger(__name__)

STEP_LONG_S = 0.02
"""After this time a step leaves what else waits to the next one, so that the socket is read in between."""
RULES_MAX = 10
"""So many rules are judged, and what comes of them is committed, before anybody looks at the time."""
STEP_MAX_S = 1.0
"""The loop turns at least this often, so that time passes for the rules when no tick arrives."""
SAVE_EVERY_S = 5.0
FAREWELL_S = 3.0
"""How long a stopping engine waits for its last messages to leave."""


class Daemon:
    """Everything between `rules run` and its end. Holds the journal's lock from construction to `close`."""

    def __init__(
        self,
        settings: Settings,
        folder: StateFolder,
        book: RuleBook,
        edition: Edition,
        wall: Clock,
        *,
        live: bool,
        surroundings: Surroundings | None = None,
    ) -> None:
        around = surroundings or Surroundings()
        self._settings = settings
        self.clock = self._clock = clock = SteadyClock(wall, around.elapsed_s)
        """Its own: the clock on the wall as it was at the beginning, and whatever it was set since left out."""
        self._watch = around.watch
        self._channels = tuple(settings.channels)
        self.inbox = Inbox()
        """What arrived and is still to be heard."""
        self._journal = Journal(
            folder.journal,
            clock,
            mode=settings.mode,
            account=settings.account,
            token=around.token,
            database=around.database,
        )
        self.link = Link(
            settings.gateway,
            self.inbox,
            clock,
            account=settings.account,
            order_id_floor=lambda: self._journal.order_id_high_water,
            fields=lambda name: self._in_force.fields(name),
            keeps_proven=settings.mode is not Mode.DRY,
            witness=around.witness,
        )
        self._evaluator = Evaluator((), clock.now_s(), RULES_MAX)
        positions = Positions(clock, self._journal.filled_s)
        market = KnownMarket(self._evaluator, self.link, positions, self._journal.intents.at_broker)
        gate = RiskGate(settings.limits, market, clock)
        self._endings = Endings(self._evaluator, self._journal, clock, self._rule_of)
        switch = KillSwitch(folder.stop_flag)
        self._desk = Desk(
            self._journal,
            gate,
            clock,
            settings,
            live_flag=live,
            listener=self._endings,
            stopped=lambda: switch.is_on,
            positions=positions,
        )
        self._trading_stop = TradingStop(switch, self._desk, self._journal, clock, self._channels)
        self._incidents = Incidents(self._journal, self._channels)
        self._in_force = InForce(book, edition, self._evaluator, self._journal, self._endings, clock, self._channels)
        self._full_collections = FullCollections()
        self._overload = Overload(self.inbox, lambda: self._in_force.plans, self._journal, self._channels)
        self._catching_up = CatchingUp(self.link, self._in_force, self._evaluator, self._journal, clock)
        self._reactor = Reactor(
            self.link,
            self._evaluator,
            self._journal,
            self._desk,
            gate,
            market,
            self._endings,
            self._incidents,
            self._in_force,
            self._catching_up,
            settings.mode,
            settings.limits.price_wait_s,
        )
        self._sender = Sender(self._journal.outbox, settings.channels, clock, around.courier)
        commands = Commands(
            settings,
            self._in_force,
            self._evaluator,
            self._desk,
            self._trading_stop,
            self._incidents,
            self._overload,
            clock,
            self._obey,
        )
        self._control = ControlServer(folder.socket, commands.table())
        self._told = 0
        self._folder_changed = asyncio.Event()
        self.is_running = False
        """Whether its rules are armed, and it listens."""
        self._in_force.on_change = self._changed
        self._in_force.on_withdrawal = self._desk.cancel_at_once
        self._in_force.on_leave = self._fall_silent
        self._in_force.until_s = lambda: self._reactor.mature(self.inbox, clock.now_s())
        self._endings.until_s = lambda: self._reactor.until_s(self.inbox, clock.now_s())
        self._set_by_s = 0.0
        self._clock_set = asyncio.Event()

    @property
    def edition(self) -> Edition:
        """The rules in force."""
        return self._in_force.edition

    async def run(self, stopping: asyncio.Event) -> bool:
        """Runs until ``stopping`` is set, then says what stays alive at the broker and lets the last messages out.

        Ends by itself when somebody set the clock: True, and another one is to go on where this one was.
        """
        self._journal.make_room()
        await asyncio.sleep(0)
        await self._in_force.resume()
        await in_slices(self._desk.reading_sent())
        await asyncio.sleep(0)
        await self.link.watch(self._in_force.instruments())
        now_s, summary = self._clock.now_s(), self._summary()
        self._journal.tell(started_notice(summary, self._channels, now_s))
        _log.info("%s", summary)
        self.is_running = True
        async with asyncio.TaskGroup() as tasks:
            acting = [tasks.create_task(part) for part in self._acting()]
            telling = [tasks.create_task(part) for part in self._telling()]
            ends = [tasks.create_task(end.wait()) for end in (stopping, self._clock_set)]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                # Nothing fires and nothing is sent from here on: the last word stays true.
                self.is_running = False
                await all_cancelled(acting)
                await in_slices(self._reactor.giving_up_waiting(self._clock.now_s()))
                if stopping.is_set():
                    await self._say_goodbye()
            finally:
                await all_cancelled([*acting, *telling, *ends])
        await in_slices(self._reactor.saving())
        if self._set_by_s:
            _log.warning("the clock was set by %.1f s: the engine begins anew", self._set_by_s)
            self._clock.take_over()
            clock_set(self._journal, self._clock, self._channels, self._set_by_s)
        return not stopping.is_set()

    async def reload(self) -> Difference | Refused:
        """Puts in force what lies in the rule folder, if all of it is valid."""
        found = await self._in_force.reload()
        self._step()
        return found

    def stop_trading(self) -> None:
        """Pulls the kill switch: nothing more is sent, and what is at the broker is cancelled."""
        self._trading_stop.set()

    def close(self) -> None:
        """Lets the next engine have the journal."""
        self._journal.close()

    def alive(self) -> Sequence[Intent]:
        """Our orders that work, or wait, at the broker whether this program runs or not."""
        return [intent for intent in self._journal.intents.open() if intent.state.may_be_at_broker]

    # The order path stops the engine when it fails; what only tells and listens is started again.
    def _acting(self) -> Iterator[Coroutine[None, None, None]]:
        """What decides, and what makes it decide."""
        yield self._desk.serve()
        yield self._catching_up.run()
        yield self._turn()
        yield self._save()
        yield self._reload()
        yield rescan(self._folder_changed.set)
        yield kept_going(self._control.run)
        yield kept_going(lambda: self._watch(self._in_force.folder, self._folder_changed.set))

    def _telling(self) -> Iterator[Coroutine[None, None, None]]:
        """What goes on until the last word is out. The link stays: cancellations may still wait for IB's pace. So does
        whoever looks at the kill switch."""
        yield self.link.run()
        yield self._trading_stop.watch()
        yield kept_going(self._sender.run)
        if (heartbeat := self._settings.heartbeat) is not None:
            yield kept_going(lambda: beat(heartbeat))

    async def _turn(self) -> None:
        """Steps whenever something arrived or a timer of a rule is due."""
        alarm = Alarm(self.inbox.wake)
        try:
            while True:
                if not (len(self.inbox) or self._reactor.is_busy):
                    alarm.within(self._pause_s())
                    await self.inbox.wait()
                if set_by_s := self._clock.set_by_s():
                    self._set_by_s = set_by_s
                    self._clock_set.set()
                    return
                self._step()
                if len(self.inbox) or self._reactor.is_busy:
                    await asyncio.sleep(0)
        finally:
            alarm.cancel()
            self._full_collections.go_on()

    def _pause_s(self) -> float:
        """How long the rules can go without time passing for them."""
        dues = (self._evaluator.next_timer_s(), self._reactor.due_s())
        due_s = min((due_s for due_s in dues if due_s is not None), default=math.inf)
        return min(max(due_s - self._clock.now_s(), 0.0), STEP_MAX_S)

    def _changed(self) -> None:
        self._catching_up.wake()
        self._desk.wake()

    async def _fall_silent(self, names: Collection[str]) -> None:
        """Returns when IB sends no more prices under these names, and none waits in the inbox."""
        await self.link.watch(self._in_force.instruments())
        ends = [FeedDown(self._clock.now_s(), name) for name in sorted(names)]
        for end in ends:
            self.inbox.report(end)
        while self.inbox.holds(ends[-1]):
            self._step()
            await asyncio.sleep(0)

    def _step(self) -> None:
        now_s = self._clock.now_s()
        until_s = now_s + STEP_LONG_S
        self._overload.look(now_s)
        self._reactor.step(self.inbox, now_s, lambda: self._clock.now_s() >= until_s)
        self._full_collections.look(len(self.inbox))
        if self._journal.outbox.added != self._told:
            self._told = self._journal.outbox.added
            self._sender.wake()

    async def _obey(self) -> None:
        """What comes of a command, and what the rules remember of it: on disk before the answer leaves."""
        self._step()
        await in_slices(self._reactor.saving())

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if not (len(self.inbox) or self.link.has_unread):
                self._journal.move_commits()
            await in_slices(self._reactor.saving())

    async def _reload(self) -> None:
        while True:
            await self._folder_changed.wait()
            self._folder_changed.clear()
            if self._in_force.changed_on_disk():
                await self.reload()

    async def _say_goodbye(self) -> None:
        alive = [f"{intent.rule}: {order_words(intent.draft)} ({intent.key})" for intent in self.alive()]
        words = "Still alive at the broker:\n" + "\n".join(alive) if alive else "Nothing of ours is left at the broker."
        _log.info("stopping. %s", words)
        self._journal.tell(stopped_notice(words, self._channels, self._clock.now_s()))
        self._sender.wake()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._sender.drained()

    def _summary(self) -> str:
        plans = self._in_force.plans.values()
        held = sum(plan.where is Where.AT_BROKER for plan in plans)
        gateway = self._settings.gateway
        rules = "1 rule" if len(plans) == 1 else f"{len(plans)} rules"
        where = f"IB at {gateway.host}:{gateway.port}"
        return f"{rules}, {held} for the broker to hold; mode {self._settings.mode}, {where}"

    def _rule_of(self, name: str) -> Rule | None:
        plan = self._in_force.plans.get(name)
        return plan.rule if plan else None
