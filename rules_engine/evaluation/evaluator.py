"""Ticks and the passing of time into firings: the streaming evaluator. Pure: given the time, it never asks for it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rules_engine.evaluation.audience import Audience
from rules_engine.evaluation.lane import Lane
from rules_engine.evaluation.market import BarKey, Market, StreamKey
from rules_engine.evaluation.past import NEVER
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
        self._lives: dict[str, Life] = {}
        self._unarmed: deque[Run] = deque()
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
        return self._audience.lane(instrument, field)

    def look(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Outcome]:
        """A tick that the lane does not take by itself."""
        self._look(lane, time_s, value, size, moment)
        return self._flush()

    def advance(self, now_s: float) -> Sequence[Outcome]:
        """Lets time pass: what matures by the clock matures in order. Time never goes back."""
        self._advance(now_s)
        return self._flush()

    def feed_down(self, time_s: float, instrument: str = "") -> Sequence[Outcome]:
        """From now on data of the instrument (of all, when empty) cannot be trusted."""
        self._advance(time_s)
        lost = self._named(instrument)
        self._audience.settle(lost)
        for name in lost:
            self._market.feeds[name].lose()
        for watch in self._audience.reading(lost):
            watch.lose(self._market.now_s)
            self._judge(watch, Moment.SNAPSHOT)
        return self._flush()

    def feed_up(self, time_s: float, instrument: str = "") -> Sequence[Outcome]:
        """From now on every print of the instrument (of all, when empty) is heard."""
        self._advance(time_s)
        found = self._named(instrument)
        self._audience.settle(found)
        for name in found:
            self._market.feeds[name].restore(self._market.now_s)
        for watch in self._audience.reading(found):
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
        self._audience.settle([instrument])
        self._market.backfill(instrument, field, history, complete_from_s, bar_s)
        prints = [] if bar_s else [entry for entry in history if isinstance(entry, Tick)]
        for watch in self._audience.reading([instrument]):
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
        return tuple(self._status(run, now_s) for run in self._runs.values())

    def rule_status(self, rule: str, now_s: float) -> RuleStatus | None:
        """The same of one rule; None when there is none of that name."""
        run = self._runs.get(rule)
        return None if run is None else self._status(run, now_s)

    def _status(self, run: Run, now_s: float) -> RuleStatus:
        return status_of(run, self._market, max(now_s, self._market.now_s))

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
            name = plan.rule.name
            life = lives.get(name)
            run = Run(plan, self._market, Life() if life is None else renewed(life, plan.rule))
            if life is not None:
                self._lives[name] = life
            _number(run, len(self._runs))
            self._runs[name] = run
            self._unarmed.append(run)
            self._audience.enter(run.watches)
            yield

    def restore(self, lives: Mapping[str, Life]) -> None:
        """Goes on with former lives. To be called before anything happens."""
        plans = [run.plan for run in self._runs.values()]
        self._audience = Audience(self._market, self._timers, self._look)
        self._runs, self._unarmed = {}, deque()
        at_once(self.giving(plans, lives))

    def replace(self, plans: Iterable[Plan], now_s: float) -> Replaced:
        """Another set of rules: what says the same keeps its whole state, what changed keeps what still means the same.

        What comes of arming the new ones is returned by the next call.
        """
        return at_once(self.replacing(plans, lambda: now_s))

    def replacing(self, plans: Iterable[Plan], now_s: Callable[[], float]) -> Slices[Replaced]:
        """The same in slices: in the last one all of them are replaced at once, as of ``now_s()`` then."""
        old = self._runs
        reload = Reload(self._market, old, list(plans))
        yield from reload.building()
        self._advance(now_s())
        result = reload.settle()
        self._runs = reload.runs
        gone = [run for name, run in old.items() if self._runs.get(name) is not run]
        left = [watch for run in gone for watch in run.watches]
        self._audience.leave(left)
        for run in gone:
            run.retire()
        self._put_in_order(old)
        come = [watch for name, run in self._runs.items() if old.get(name) is not run for watch in run.watches]
        self._audience.enter(come)
        self._unarmed = deque(reload.to_arm)
        if self._unarmed:  # No lane sleeps through a timer: the next print arms them, whoever reads it.
            self._timers.set(self._unarmed[0], self._market.now_s)
        for run in reload.adapted:
            self._wind(run)
        self._drop_unread(_streams(left) - _streams(come), _bars(left) - _bars(come))
        return result

    def _drop_unread(self, streams: set[StreamKey], bars: set[BarKey]) -> None:
        """Forgets those of these series that nobody reads any more."""
        if streams or bars:
            self._market.drop(streams - _streams(self._watches()), bars - _bars(self._watches()))

    def _put_in_order(self, old: Mapping[str, Run]) -> None:
        """Numbers the rules as they now stand. Those that stay mostly follow one another as before."""
        moved: list[Watch] = []
        if list(old) != list(self._runs):
            as_before = [run for name, run in old.items() if self._runs.get(name) is run]
            now = [run for name, run in self._runs.items() if old.get(name) is run]
            moved = [] if as_before == now else [watch for run in now for watch in run.watches]
        self._audience.leave(moved)
        for number, run in enumerate(self._runs.values()):
            if run.watches and run.watches[0].order[0] != number:
                _number(run, number)
        self._audience.enter(moved)

    # What others decide about rules. What comes of it is returned by the next call that returns outcomes.

    def rearm(self, rule: str, now_s: float) -> None:
        """Arms a rule that is done or broken."""
        self._advance(now_s)
        run = self._runs[rule]
        run.done, run.broken, run.cleared = False, "", True
        run.placed.clear()
        self._arm(run)

    def pause(self, rule: str, now_s: float) -> None:
        """The rule stops listening until it is resumed."""
        self._advance(now_s)
        self._runs[rule].pause(now_s)

    def resume(self, rule: str, now_s: float) -> None:
        """The rule listens again, armed anew."""
        self._advance(now_s)
        run = self._runs[rule]
        if run.paused:
            run.paused = False
            self._arm(run)

    def working(self, instrument: str, count: int) -> None:
        """How many of our orders in it can still fill."""
        self._market.working[instrument] = count
        self._hear((f"working_orders({instrument})", None))

    def not_used(self, rule: str) -> None:
        """The order of the last firing was rejected: that does not use up `once`."""
        self._runs[rule].undo_once()

    def held_ended(self, rule: str, used: bool, now_s: float) -> None:
        """The order that the broker held for the rule is gone; ``used`` when it was filled, even in part."""
        self._advance(now_s)
        run = self._runs[rule]
        self._audience.leave(run.watches)
        self._outcomes += run.held_ended(used, self._market.now_s)
        _number(run, next(number for number, name in enumerate(self._runs) if name == rule))
        self._audience.enter(run.watches)
        self._wind(run)

    def break_rule(self, rule: str, reason: str) -> None:
        """Nothing more comes of the rule until its user rearms it."""
        self._runs[rule].break_off(reason, self._market.now_s)

    # How it is done.

    def _look(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Firing]:
        """What comes of it is told with everything else that is to be told."""
        if self._unarmed or time_s > self._market.now_s:
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
        """Arms, in slices, what was given and is not armed yet; whatever happens meanwhile arms the rest at once."""
        while self._unarmed:
            run = self._unarmed.popleft()
            life = self._lives.pop(run.rule.name, None)
            run.turn(self._market.now_s)
            if life is not None and life.known and life.when_digest == run.rule.when_digest:
                self._outcomes += run.revive(life, self._market.now_s)
                self._wind(run)
            else:
                self._arm(run)
            yield

    def _arm(self, run: Run) -> None:
        self._outcomes += run.arm(self._market.now_s)
        self._wind(run)

    def _turn(self, run: Run) -> None:
        if run.turn(self._market.now_s):
            self._arm(run)
        elif run.due_s is not None:
            self._timers.push(run, run.due_s)

    def _wind(self, run: Run) -> None:
        """Sets all timers of the rule."""
        if run.due_s is not None:
            self._timers.push(run, run.due_s)
        for watch in run.watches:
            self._timers.set(watch, watch.next_s(self._market.now_s))

    def _ring(self, watch: Watch, due_s: float) -> None:
        """A timer: judged only if something matures now, for it may have been put off since the timer was set."""
        if not watch.run.listens(watch):
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
        for watch in self._audience.of(key):
            self._judge(watch, Moment.PRINT)

    def _flush(self) -> Sequence[Outcome]:
        if not self._outcomes:
            return ()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _watches(self) -> Iterator[Watch]:
        return (watch for run in self._runs.values() for watch in run.watches)

    def _named(self, instrument: str) -> list[str]:
        """One instrument, or all that are known."""
        if instrument:
            self._market.feed(instrument)
            return [instrument]
        return list(self._market.feeds)


def _number(run: Run, number: int) -> None:
    """The place of the rule among all decides who comes first at one instant."""
    for watch in run.watches:
        watch.order = (number, int(watch.role), watch.case)


def _streams(watches: Iterable[Watch]) -> set[StreamKey]:
    return {key for watch in watches for key in watch.uses.streams}


def _bars(watches: Iterable[Watch]) -> set[BarKey]:
    return {key for watch in watches for key in watch.uses.bars}
