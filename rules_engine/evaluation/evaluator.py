"""Ticks and the passing of time into firings: the streaming evaluator. Pure: given the time, it never asks for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rules_engine.evaluation.audience import Audience
from rules_engine.evaluation.lane import Lane
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.newcomers import Newcomers
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.quote import Feed
from rules_engine.evaluation.reload import Reload, renewed
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.state import status_of
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.view import Key, Uses, View, execution_key
from rules_engine.evaluation.watch import Role, Watch
from rules_engine.model.expression import Expression, instruments_in
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment
from rules_engine.model.life import Life, Outcome, Replaced, RuleStatus
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices, at_once
from rules_engine.model.tick import Bar, Tick
from rules_engine.model.tolerance import EDGE_S
from rules_engine.model.truth import Truth


class Evaluator:
    """All rules on one stream of ticks. Same ticks and times in, same outcomes out.

    Rules are armed with the first thing that happens after they were given, so that `restore` can come between: as of
    ``now_s`` or, where that is NEVER, of its own time.
    Every method that lets time pass or news in returns what came of it, in order.
    """

    def __init__(self, plans: Iterable[Plan], now_s: float) -> None:
        self._market = Market(now_s)
        self._timers: Timers[Run | Watch] = Timers()
        self._audience = Audience(self._market, self._timers, self._look)
        self._runs: dict[str, Run] = {}
        self._unarmed = Newcomers(self._arm_newcomer)
        self._gone: list[Run] = []
        """Nobody hears of them any more, but they are still to be taken apart."""
        self._outcomes: list[Outcome] = []
        at_once(self.giving(plans, {}))

    # The market and the clock.

    def tick(self, tick: Tick) -> Sequence[Outcome]:
        """One print or quote. Time advances to it first; one older than the newest of its field changes nothing."""
        lane = self.lane(tick.instrument, tick.field)
        if tick.value is None or tick.snapshot:
            moment = Moment.SNAPSHOT if tick.snapshot else Moment.PRINT
            return self.look(lane, tick.time_s, tick.value, tick.size, moment)
        fired = lane.hear(tick.time_s, tick.value, tick.size)
        return [*self._flush(), *fired] if self._outcomes else fired

    def lane(self, instrument: str, field: Field) -> Lane:
        """The way of its prints. It holds until the rules are replaced."""
        for lane in self._audience.lanes.get(instrument, ()):
            if lane.field is field:
                return lane
        self._unarmed.hurry_all(self._audience.reading([instrument]))
        return self._audience.lane(instrument, field)

    def look(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Outcome]:
        """A tick that the lane does not take by itself."""
        self._look(lane, time_s, value, size, moment)
        return self._flush()

    @property
    def now_s(self) -> float:
        """Until when time has passed for the rules."""
        return self._market.now_s

    def advance(self, now_s: float) -> Sequence[Outcome]:
        """Lets time pass: what matures by the clock matures in order. Time never goes back."""
        self._advance(now_s)
        return self._flush()

    def feed_down(self, time_s: float, instrument: str = "") -> Sequence[Outcome]:
        """From now on data of the instrument (of all, when empty) cannot be trusted."""
        self._advance(time_s)
        lost, reading = self._readers(instrument)
        for feed in lost:
            feed.lose()
        for watch in reading:
            watch.lose(self._market.now_s)
            self._judge(watch, Moment.SNAPSHOT)
        return self._flush()

    def feed_up(self, time_s: float, instrument: str = "", *, anew: bool = False) -> Sequence[Outcome]:
        """From now on every print of the instrument (of all, when empty) is heard. ``anew``: it is another contract's,
        so nothing that was seen of the old one counts any more."""
        self._advance(time_s)
        found, reading = self._readers(instrument)
        for feed in found:
            feed.restore(self._market.now_s, anew=anew)
        for watch in reading:
            if anew:
                watch.begin_anew()
            self._judge(watch, Moment.SNAPSHOT)
        return self._flush()

    def backfill(
        self,
        instrument: str,
        field: Field,
        history: Sequence[Tick] | Sequence[Bar],
        complete_from_s: float,
        bar_s: float = 0.0,
        now_s: float = NEVER,
    ) -> None:
        """Puts the past, oldest first, under what is known: windows and bars fill, nothing fires by it.

        ``history`` is complete from ``complete_from_s`` until ``now_s``, or until the evaluator's own time. Prints
        fill windows and bars; bars, of the length ``bar_s``, only bars of that length or longer ones.
        """
        self._advance(now_s)
        _, reading = self._readers(instrument)
        self._market.backfill(instrument, field, history, complete_from_s, bar_s)
        prints = [] if bar_s else [entry for entry in history if isinstance(entry, Tick)]
        for watch in reading:
            if not bar_s:
                watch.remember(instrument, field, prints, complete_from_s)
            self._judge(watch, Moment.SNAPSHOT)

    # The account.

    def account(self, name: str, value: float | None) -> Sequence[Outcome]:
        """A value of the account, by its AccountField name."""
        self._market.account[name] = value
        return self._changed((f"account.{name}", None))

    def position(self, instrument: str, quantity: float | None) -> Sequence[Outcome]:
        """What the account holds, negative when short; None when that is not known."""
        self._market.positions[instrument] = quantity
        return self._changed((f"position({instrument})", None))

    def executed(self, instrument: str, time_s: float) -> Sequence[Outcome]:
        """The account had an execution."""
        self._advance(time_s)
        self._market.feed(instrument).executions += 1
        return self._changed((execution_key(instrument), None))

    # Questions.

    def read(self, expression: Expression) -> float | None:
        """The value now, as an order would read it."""
        self._audience.settle(instrument.name for instrument in instruments_in(expression))
        return View(self._market, Uses()).value(expression)()

    def status(self, now_s: float) -> tuple[RuleStatus, ...]:
        """Every rule's state, since when, and why."""
        return tuple(status_of(run, self._market, max(now_s, self.now_s)) for run in self._runs.values())

    def rule_status(self, rule: str, now_s: float) -> RuleStatus | None:
        """The same of one rule; None when there is none of that name."""
        run = self._runs.get(rule)
        return None if run is None else status_of(run, self._market, max(now_s, self.now_s))

    def truths(self, rule: str) -> tuple[Truth, ...]:
        """What was last found of each of the rule's cases, as states: an event is never true for a while."""
        cases = self._runs[rule].watches_of(Role.CASE)
        for watch in cases:
            watch.catch_up()
        return tuple(watch.verdict.truth for watch in cases)

    def next_timer_s(self) -> float | None:
        """When `advance` must be called at the latest."""
        return self._timers.next_s()

    @property
    def late(self) -> int:
        """Prints that came after a newer one of their field, so far."""
        return sum(quote.late for feed in self._market.feeds.values() for quote in feed.quotes.values())

    # The lives of rules.

    def lives(self) -> Mapping[str, Life]:
        """What must survive a restart, by rule."""
        return {name: run.life(self._market.now_s) for name, run in self._runs.items()}

    def life(self, rule: str) -> Life | None:
        """The same of one rule; None when there is none of that name."""
        run = self._runs.get(rule)
        return None if run is None else run.life(self._market.now_s)

    def giving(self, plans: Iterable[Plan], lives: Mapping[str, Life]) -> Slices[None]:
        """More rules, in slices, each with what is remembered of it. To be called before anything happens."""
        for plan in plans:
            name, life = plan.rule.name, lives.get(plan.rule.name)
            run = Run(plan, self._market, Life() if life is None else renewed(life, plan.rule))
            run.number(len(self._runs))
            self._runs[name] = run
            self._unarmed.add(run, life)
            self._audience.enter(run.watches)
            yield

    def restore(self, lives: Mapping[str, Life]) -> None:
        """Goes on with former lives. To be called before anything happens."""
        plans = [run.plan for run in self._runs.values()]
        self._audience = Audience(self._market, self._timers, self._look)
        self._runs, self._unarmed = {}, Newcomers(self._arm_newcomer)
        at_once(self.giving(plans, lives))

    def replace(self, plans: Iterable[Plan], now_s: float) -> Replaced:
        """Another set of rules: what says the same keeps its whole state, what changed keeps what still means the same.

        What comes of arming the new ones is returned by the next call.
        """
        replaced = at_once(self.replacing(plans, lambda: now_s))
        at_once(self._clearing())
        return replaced

    def replacing(self, plans: Iterable[Plan], now_s: Callable[[], float]) -> Slices[Replaced]:
        """The same in slices: in the last one all of them are replaced at once, as of ``now_s()`` then.

        What is new is to be armed by `arming` before anything is replaced again.
        """
        old = self._runs
        reload = Reload(self._market, old, list(plans))
        yield from reload.building()
        self._advance(now_s())
        result = reload.settle()
        self._runs = reload.runs
        left = [watch for run in reload.gone for watch in run.watches if watch.run is run]
        self._gone += reload.gone
        self._audience.leave(left)
        if not reload.is_in_order:
            self._audience.put_in_order()
        self._audience.admit(reload.come)
        for name in reload.going_on:
            self._audience.close(name)
        self._unarmed.waiting |= reload.to_arm
        for run in list(reload.to_arm.values())[:1]:
            # No lane sleeps through a timer: the next print arms them, whoever reads it.
            self._timers.set(run, self._market.now_s)
        for run in reload.to_wind:
            self._wind(run, self._market.now_s)
        return result

    # What others decide about rules. What comes of it is returned by the next call that returns outcomes.

    def rearm(self, rule: str, now_s: float) -> None:
        """Arms a rule that is done or broken."""
        self._advance(now_s)
        run = self._run(rule)
        run.done, run.broken, run.cleared = False, "", True
        run.placed.clear()
        self._arm(run, self._market.now_s)

    def pause(self, rule: str, now_s: float) -> None:
        """The rule stops listening until it is resumed."""
        self._advance(now_s)
        self._run(rule).pause(self._market.now_s)

    def resume(self, rule: str, now_s: float) -> None:
        """The rule listens again, armed anew."""
        self._advance(now_s)
        run = self._run(rule)
        if run.paused:
            run.paused = False
            self._arm(run, self._market.now_s)

    def working(self, instrument: str, count: int) -> None:
        """How many of our orders in it can still fill."""
        self._market.working[instrument] = count
        self._hear((f"working_orders({instrument})", None))

    def not_used(self, rule: str) -> None:
        """The order of the last firing was rejected: that does not use up `once`."""
        self._run(rule).undo_once()

    def held_ended(self, rule: str, used: bool, now_s: float) -> None:
        """The order that the broker held for the rule is gone; ``used`` when it was filled, even in part."""
        self._advance(now_s)
        run = self._run(rule)
        self._audience.leave(run.watches)
        self._outcomes += run.held_ended(used, self._market.now_s)
        run.number(next(number for number, name in enumerate(self._runs) if name == rule))
        self._audience.enter(run.watches)
        self._wind(run, self._market.now_s)

    def break_rule(self, rule: str, reason: str) -> None:
        """Nothing more comes of the rule until its user rearms it."""
        self._run(rule).break_off(reason, self._market.now_s)

    # How it is done.

    def _look(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Firing]:
        """What comes of it is told with everything else that is to be told."""
        # Timers come before prints, also that of a rule which was armed out of its turn.
        if self._unarmed.waiting or time_s > self._market.now_s or self._timers.first_s <= self._market.now_s:
            self._advance(time_s)
        due = lane.take(time_s, value, size, moment)
        for watch in due:
            self._judge(watch, moment)
        lane.rest(due, moment)
        return ()

    def _advance(self, now_s: float) -> None:
        market = self._market
        if market.now_s == NEVER:
            market.now_s = now_s
        if self._unarmed:
            at_once(self.arming())
        while (timer := self._timers.pop(now_s)) is not None:
            due_s, owner = timer
            market.now_s = max(market.now_s, due_s)
            if isinstance(owner, Run):
                self._turn(owner)
            else:
                self._ring(owner, due_s)
        market.now_s = max(market.now_s, now_s)

    def arming(self) -> Slices[None]:
        """Arms, in slices, what was given and is not armed yet; what happens meanwhile first arms those whom it
        concerns. Then what a reload has left over is taken apart."""
        yield from self._unarmed.in_turn(self._market.now_s)
        yield from self._clearing()

    def _clearing(self) -> Slices[None]:
        """What rules read that are gone, and nobody else does, is forgotten."""
        gone, self._gone, left = self._gone, [], Uses()
        while gone:  # Each leaves memory in its own slice.
            run = gone.pop()
            left.join(*(watch.uses for watch in run.watches if watch.run is run))
            run.retire()
            yield
        if left.streams or left.bars:
            read = Uses().join(*(watch.uses for watch in self._watches()))
            self._market.drop(left.streams - read.streams, left.bars - read.bars)

    def _arm_newcomer(self, run: Run, life: Life | None, given_s: float) -> None:
        run.turn(given_s)
        if life is not None and life.known and life.when_digest == run.rule.when_digest:
            self._outcomes += run.revive(life, given_s)
            self._wind(run, given_s)
        else:
            self._arm(run, given_s)

    def _run(self, rule: str) -> Run:
        """The rule, armed before something happens to it."""
        self._unarmed.hurry(rule)
        return self._runs[rule]

    def _arm(self, run: Run, now_s: float) -> None:
        self._outcomes += run.arm(now_s)
        self._wind(run, now_s)

    def _turn(self, run: Run) -> None:
        if not self._is_in_force(run):
            return
        if run.turn(self._market.now_s):
            self._arm(run, self._market.now_s)
        elif run.due_s is not None:
            self._timers.push(run, run.due_s)

    def _wind(self, run: Run, now_s: float) -> None:
        """Sets all timers of the rule, as of that moment."""
        if run.due_s is not None:
            self._timers.push(run, run.due_s)
        for watch in run.watches:
            if watch.is_timed:
                self._timers.set(watch, watch.next_s(now_s))

    def _ring(self, watch: Watch, due_s: float) -> None:
        """A timer: judged only if something matures now, for it may have been put off since the timer was set."""
        if not (self._is_in_force(watch.run) and watch.run.listens(watch)):
            return
        now_s = self._market.now_s
        next_s = watch.next_s(due_s - 2 * EDGE_S)
        if next_s is not None and next_s <= now_s + EDGE_S:
            self._judge(watch, Moment.CLOCK)
        else:
            self._timers.set(watch, next_s)

    def _judge(self, watch: Watch, moment: Moment) -> None:
        run, now_s = watch.run, self._market.now_s
        if not run.listens(watch):
            return
        verdict = watch.look(now_s, moment)
        if watch.is_news(verdict) and (outcome := run.heard(watch, moment, now_s)) is not None:
            self._outcomes.append(outcome)
        if watch.is_timed:
            self._timers.set(watch, watch.next_s(now_s))

    def _changed(self, key: Key) -> Sequence[Outcome]:
        self._hear(key)
        return self._flush()

    def _hear(self, key: Key) -> None:
        if self._unarmed:
            at_once(self.arming())
        for watch in self._unarmed.hurry_all(self._audience.of(key)):
            self._judge(watch, Moment.PRINT)

    def _flush(self) -> Sequence[Outcome]:
        if not self._outcomes:
            return ()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _is_in_force(self, run: Run) -> bool:
        return self._runs.get(run.rule.name) is run

    def _watches(self) -> Iterator[Watch]:
        return (watch for run in self._runs.values() for watch in run.watches)

    def _readers(self, instrument: str) -> tuple[Sequence[Feed], Sequence[Watch]]:
        """One instrument, or all that are known, and who reads of them, with everything that waits put away."""
        names = [instrument] if instrument else list(self._market.feeds)
        self._audience.settle(names)
        return list(map(self._market.feed, names)), self._unarmed.hurry_all(self._audience.reading(names))
