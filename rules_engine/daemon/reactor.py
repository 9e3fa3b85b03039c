"""What arrives from IB, and the passing of time, into committed decisions: one step at a time, nothing awaited."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from rules_engine.broker.inbox import Inbox, Report
from rules_engine.broker.link import Link
from rules_engine.daemon.catching_up import CatchingUp
from rules_engine.daemon.decision_words import DecisionWords, summary
from rules_engine.daemon.endings import Endings
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.incidents import Incidents
from rules_engine.daemon.known_market import KnownMarket
from rules_engine.daemon.rolls import Rolls
from rules_engine.daemon.undecided import Undecided
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.evaluation.past import NEVER
from rules_engine.execution.book import Refusal
from rules_engine.execution.decide import SEND_WITHIN_S, decide, decide_arming, hold_back
from rules_engine.execution.decision import Decision
from rules_engine.execution.desk import Desk
from rules_engine.execution.journal import Journal
from rules_engine.execution.price_wait import PriceWait
from rules_engine.execution.risk import RiskGate
from rules_engine.model.expression import AccountField
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.life import Arming, CancelWanted, Known, Memory, Outcome
from rules_engine.model.reports import (
    AccountValue,
    ClockCompared,
    CommissionReport,
    ExecutionReport,
    FeedDown,
    FeedUp,
    LinkChange,
    OrderError,
    OrderReport,
    PositionReport,
    PositionsTold,
)
from rules_engine.model.rule import Rule
from rules_engine.model.settings import Mode
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick

_log = logging.getLogger(__name__)
_SAVED_AT_ONCE = 20
_QUIET_MAX = 16
"""So many prices of which nothing comes are heard before anybody looks at the time, which costs as much as one."""
_LATE_EVERY_S, _LATE_AT_ONCE = 0.05, 50


class Reactor:
    """The engine's heart: the only place where outcomes of rules become decisions."""

    def __init__(
        self,
        link: Link,
        evaluator: Evaluator,
        journal: Journal,
        desk: Desk,
        gate: RiskGate,
        market: KnownMarket,
        endings: Endings,
        incidents: Incidents,
        in_force: InForce,
        catching_up: CatchingUp,
        mode: Mode,
        price_wait_s: float,
    ) -> None:
        self._link = link
        self._evaluator = evaluator
        self._journal = journal
        self._desk = desk
        self._gate = gate
        self._market = market
        self._endings = endings
        self._incidents = incidents
        self._in_force = in_force
        self._catching_up = catching_up
        self._rolls = Rolls(journal, in_force, evaluator, incidents, self._call_off)
        self._dry = mode is Mode.DRY
        self._wording = DecisionWords(in_force, evaluator, dry=self._dry)
        self._saved: dict[str, Memory] = {}
        self._postponed: dict[str, tuple[Arming, Rule]] = {}
        """Armings whose orders cannot be placed yet, each with the rule as it was."""
        self._price_wait = PriceWait(price_wait_s)
        self._undecided: dict[str, Undecided] = {}
        self._late_s = 0.0
        self._unheard: deque[Callable[[], Sequence[Outcome]]] = deque()
        """What else is to be told to the rules before anything that waits."""

    def step(self, inbox: Inbox, now_s: float, is_long: Callable[[], bool]) -> None:
        """Hears what waits, in order, until that takes long; lets timers mature, and commits what comes of it.

        While more waits, or was not read yet, time passes by what is heard only: a price that came earlier may end what
        a timer awaits.
        """
        self._incidents.look(now_s)
        if self._is_left:
            if not self._judge_on(now_s, is_long):
                return
            self._settle(now_s, NEVER)
        self._catching_up.learn()
        for count, item in enumerate(inbox.take(), 1):
            is_price = isinstance(item, Tick)
            heard = self._evaluator.tick(item) if isinstance(item, Tick) else self._hear(item, now_s)
            if heard or self._is_left:
                self._commit(heard, now_s)
                if not self._judge_on(now_s, is_long):
                    return
                self._settle(now_s, NEVER)
            elif is_price and count % _QUIET_MAX:
                continue
            if is_long():
                break
        until_s = self.until_s(inbox, now_s)
        self._commit(self._evaluator.advance(until_s), now_s)
        if not self._judge_on(now_s, is_long):
            return
        if self._undecided and now_s >= self._late_s:
            self._decide_late(now_s, is_long, give_up=self._desk.is_stopped)
        self._rolls.go_on(is_long)
        self._settle(now_s, until_s)

    @property
    def is_busy(self) -> bool:
        """Whether the last step left some of what it heard to the next one, which goes on with that first."""
        return self._is_left or self._rolls.is_left

    @property
    def _is_left(self) -> bool:
        return self._evaluator.is_judging or bool(self._unheard)

    def _judge_on(self, now_s: float, is_long: Callable[[], bool]) -> bool:
        """Rules that are left are judged by what was heard last, until that takes long, and what comes of it is
        committed as it comes. Whether none is left."""
        while self._is_left:
            if is_long():
                return False
            go_on = self._evaluator.judge_on if self._evaluator.is_judging else self._unheard.popleft()
            self._commit(go_on(), now_s)
        return True

    def until_s(self, inbox: Inbox, now_s: float) -> float:
        """Until when time may pass by itself: not past prices that are still to be heard, or to be read. A program that
        was held up finds its timers due before it finds what came meanwhile."""
        return NEVER if len(inbox) or self._unheard or self._link.has_unread else now_s

    def mature(self, inbox: Inbox, now_s: float) -> float:
        """Commits what time alone brings about; returns until when it may pass by itself."""
        until_s = self.until_s(inbox, now_s)
        self._commit(self._evaluator.advance(until_s), now_s)
        self._judge_on(now_s, lambda: False)
        return until_s

    def due_s(self) -> float | None:
        """When to look at the latest at what waits for a price; None when nothing does."""
        return self._late_s if self._undecided else None

    def _settle(self, now_s: float, until_s: float) -> None:
        """What commits, and the ends of orders, make of the rules."""
        self._endings.count_working()
        while not self._evaluator.is_judging and (
            outcomes := [*self._no_longer_postponed(now_s, until_s), *self._evaluator.advance(until_s)]
        ):
            self._commit(outcomes, now_s)
            self._endings.count_working()

    def saving(self) -> Slices[None]:
        """Commits the memories of rules that changed since they were last saved, and until when the others did not;
        each slice is a commit."""
        edition, names = self._in_force.edition, list(self._in_force.plans)
        settled = {} if self._evaluator.is_judging else self._rolls.settled()
        first = self._evaluator.life(names[0]) if names else None
        for start in range(0, len(names), _SAVED_AT_ONCE):
            memories = {rule: self._evaluator.memory(rule) for rule in names[start : start + _SAVED_AT_ONCE]}
            news = {rule: memory for rule, memory in memories.items() if memory and self._is_news(rule, memory)}
            if news:
                lives = {rule: self._evaluator.life(rule) for rule in news}
                self._journal.save_lives({rule: life for rule, life in lives.items() if life is not None})
                self._note_saved(news)
            yield
        known_s = None if first is None else first.known_s
        if known_s is not None and self._in_force.edition is edition and not self._journal.undecided:
            self._journal.put_known(Known(known_s))
            self._rolls.saved(settled)
        for rule in self._saved.keys() - self._in_force.plans.keys():
            del self._saved[rule]

    def _is_news(self, rule: str, memory: Memory) -> bool:
        """Whether the disk may hold another one. With the end of an order, say, one is written that is not known here:
        a rule that is by now as it was before that would be remembered as it was in between."""
        return memory != self._saved.get(rule) or rule in self._journal.remembered

    def _note_saved(self, memories: Mapping[str, Memory]) -> None:
        self._saved.update(memories)
        self._journal.remembered.difference_update(memories)

    def _hear(self, item: Report, now_s: float) -> Sequence[Outcome]:
        match item:
            case FeedDown(time_s, instrument):
                self._catching_up.feed_down(instrument)
                self._incidents.data_paused(item)
                return self._evaluator.feed_down(time_s, instrument)
            case FeedUp(instrument=instrument):
                self._catching_up.feed_up(instrument)
                self._incidents.data_back(item)
                return self._rolls.feed_up(item)
            case AccountValue(name, value):
                return self._evaluator.account(name, value)
            case PositionsTold():
                self._market.all_told(item)
                self._desk.wake()
            case PositionReport(instrument, _, quantity):
                self._market.holds(item)
                self._desk.wake()
                return self._evaluator.position(instrument, float(quantity))
            case ExecutionReport():
                self._desk.on_report(item)
                # A clock of IB that runs ahead of ours must not let our time pass.
                return self._evaluator.executed(item.instrument, min(item.time_s, now_s))
            case LinkChange(state="down"):
                self._link_lost(item)
            case LinkChange():
                self._link_changed(item)
            case ClockCompared():
                self._incidents.clock_compared(item)
            case OrderReport() | OrderError():
                self._desk.on_report(item)
            case CommissionReport():
                pass
        return ()

    def _link_changed(self, change: LinkChange) -> None:
        if change.state == "up" and self._link.connection is not None:
            self._desk.attach(self._link.connection)
        else:
            self._desk.on_report(change)
        self._incidents.link_changed(change)

    def _link_lost(self, change: LinkChange) -> None:
        """What the account holds and is worth may change unseen from here on."""
        self._desk.detach()
        self._incidents.link_changed(change)
        self._unheard += [partial(self._evaluator.position, name, None) for name in sorted(self._market.link_lost())]
        self._unheard += [partial(self._evaluator.account, field, None) for field in AccountField]

    def _commit(self, outcomes: Sequence[Outcome], now_s: float) -> None:
        """Decides one after the other: each sees the orders that those before it committed."""
        for outcome in outcomes:
            if (waiting := self._undecided.get(_rule_of(outcome))) is not None:
                waiting.behind.append((self._in_force.plans[_rule_of(outcome)].rule, outcome))
                continue
            decision = self._decide(outcome, now_s)
            if decision is None:
                continue
            if isinstance(outcome, Firing) and self._price_wait.holds((outcome.rule, 0), _refusal(decision), now_s):
                self._journal.undecided.add(outcome.rule)
                self._desk.wake()
                self._undecided[outcome.rule] = Undecided(outcome, self._in_force.plans[outcome.rule].rule)
                _log.info("%s: fired, and waits for a price: %s", outcome.rule, summary(decision))
                continue
            if isinstance(outcome, Firing) and isinstance(decision.outcome, HeldBack):
                self._evaluator.not_used(outcome.rule)
            self._record(decision)

    def _decide_late(self, now_s: float, is_long: Callable[[], bool], *, give_up: bool = False) -> None:
        """Decides the firings for which a price came, or came too late, and then what came behind them. Of very many
        some are looked at each time, in turn."""
        self._late_s = now_s + _LATE_EVERY_S
        for number, (name, waiting) in enumerate(list(islice(self._undecided.items(), _LATE_AT_ONCE))):
            if number and is_long():
                break
            plan, off = self._in_force.plans.get(name), waiting.off or self._why_off(waiting.rule)
            if off:
                decision = self._too_late(waiting.firing, waiting.rule, off)
            else:
                decision = self._decide_firing(waiting.firing, now_s)
                if not give_up and self._price_wait.holds((name, 0), _refusal(decision), now_s):
                    self._undecided[name] = self._undecided.pop(name)
                    continue
            del self._undecided[name]
            self._journal.undecided.discard(name)
            self._price_wait.forget((name, 0))
            if plan is not None and isinstance(decision.outcome, HeldBack):
                self._evaluator.not_used(name)
            self._record(decision)
            for place, (rule, outcome) in enumerate(waiting.behind):
                off = waiting.off_behind(place) or self._why_off(rule)
                if not off or isinstance(outcome, CancelWanted):
                    self._commit([outcome], now_s)
                elif isinstance(outcome, Firing | HeldBack):
                    self._record(self._too_late(outcome, rule, off))

    def _call_off(self, name: str) -> None:
        """What fired before this name meant another contract does not order in that one."""
        for rule, waiting in self._undecided.items():
            plan = self._in_force.plans.get(rule)
            if plan is not None and any(one.name == name for one in plan.orders_in):
                waiting.call_off(f"{name} means another contract now")

    def _why_off(self, said: Rule) -> str:
        """Why a firing that waits is not to be acted on any more; empty while it is."""
        plan = self._in_force.plans.get(said.name)
        if plan is None or plan.rule.digest != said.digest:
            return "its rule changed"
        life = self._evaluator.life(said.name)
        return "its rule was paused" if life is not None and life.paused else ""

    def _too_late(self, outcome: Firing | HeldBack, rule: Rule, off: str) -> Decision:
        """Of a rule that is no longer as it was: what took its place may order something else."""
        held = outcome if isinstance(outcome, HeldBack) else HeldBack(outcome, Reason.NO_PRICE, off)
        return hold_back(held, rule, self._wording.of(rule))

    def giving_up_waiting(self, now_s: float) -> Slices[None]:
        """The engine stops: what still waits for a price is held back and told, in slices."""
        while self._undecided:
            self._decide_late(now_s, lambda: True, give_up=True)
            yield

    def _record(self, decision: Decision) -> None:
        rule = decision.firing.rule
        life, memory = self._evaluator.life(rule), self._evaluator.memory(rule)
        known = {} if life is None else {rule: life}
        # Whoever decides a firing asks the gate; what waits at the broker is asked about when it leaves.
        joined = partial(self._desk.join, checked=not decision.held)
        recorded = self._journal.record([decision], known, joined)[0]
        self._desk.depart(recorded.unit, cancels=bool(decision.cancels))
        if memory is not None:
            self._note_saved({rule: memory})
        if decision.held and recorded.unit:
            self._endings.holds(rule, recorded.seq)
        _log.info("%s", summary(decision))
        self._endings.touched |= {leg.instrument.name for leg in decision.unit}
        self._desk.wake()

    def _decide(self, outcome: Outcome, now_s: float) -> Decision | None:
        match outcome:
            case Firing():
                return self._decide_firing(outcome, now_s)
            case HeldBack(firing):
                return hold_back(outcome, self._in_force.plans[firing.rule].rule, self._wording)
            case Arming(rule, case):
                if self._must_wait(rule):
                    self._postponed[rule] = outcome, self._in_force.plans[rule].rule
                    return None
                held = next(held for held in self._in_force.plans[rule].held if held.case == case)
                decision = decide_arming(outcome, held.unit, self._in_force.plans[rule].rule, now_s=now_s)
                return replace(decision, notices=(self._wording.dry_arming(decision),)) if self._dry else decision
            case CancelWanted(rule):
                self._desk.cancel_ours(rule=rule)
                return None

    def _decide_firing(self, firing: Firing, now_s: float) -> Decision:
        rule = self._in_force.plans[firing.rule].rule
        return decide(
            firing, rule, self._market, self._gate, self._desk.book(), self._wording, now_s=now_s, dry=self._dry
        )

    def _must_wait(self, rule: str) -> bool:
        """Whether contracts, or what an order is checked against, are not known yet, an order that the broker held for
        an older version of this rule has not ended yet, it still has to leave an old contract behind, or the gateway
        may be restarting."""
        if self._rolls.is_leaving(rule):
            return True
        if self._desk.is_restart_near and not self._dry:
            return True
        plan = self._in_force.plans[rule]
        named = (one.name for one in plan.reads | plan.orders_in)
        return (
            not all(self._in_force.is_known(name, self._market.traded(name)) for name in named)
            or not all(self._market.is_priced(one.name) for one in plan.orders_in)
            or any(intent.held and not intent.is_child for intent in self._journal.intents.open_of(rule))
        )

    def _is_still_held(self, arming: Arming, said: Rule) -> bool:
        """Whether it is the rule in force that was armed: an edited one has to see its own other side first."""
        plan = self._in_force.plans.get(arming.rule)
        if plan is None or plan.rule.digest != said.digest:
            return False
        return any(held.case == arming.case for held in plan.held)

    def _is_off(self, arming: Arming) -> bool:
        """Whether the rule was paused meanwhile, or is done or broken by the end of an older order."""
        life = self._evaluator.life(arming.rule)
        if life is None or life.paused or life.done or life.broken:
            return True
        return str(arming.case) not in life.placed.split(",")

    def _no_longer_postponed(self, now_s: float, until_s: float) -> Sequence[Arming]:
        if not self._postponed:
            return ()
        looked_at = {rule: self._postponed.pop(rule) for rule in list(self._postponed)[:_LATE_AT_ONCE]}
        current = {rule: late for rule, late in looked_at.items() if self._is_still_held(*late)}
        off = {rule for rule, (arming, _) in current.items() if self._is_off(arming)}
        waiting = {rule: late for rule, late in current.items() if rule not in off and self._must_wait(rule)}
        self._postponed |= waiting
        ready = [arming for rule, (arming, _) in current.items() if rule not in waiting]
        gone = [one.rule for one in ready if one.rule in off or now_s - one.at_s > SEND_WITHIN_S]
        for rule in gone:
            # What was seen then may be on the other side by now: the rule looks again, once it listens.
            self._evaluator.held_ended(rule, False, until_s)
        return [one for one in ready if one.rule not in gone]


def _rule_of(outcome: Outcome) -> str:
    return outcome.firing.rule if isinstance(outcome, HeldBack) else outcome.rule


def _refusal(decision: Decision) -> Refusal | None:
    """What held a firing back, None when it goes ahead."""
    held = decision.outcome
    return Refusal(held.reason, held.detail) if isinstance(held, HeldBack) else None
