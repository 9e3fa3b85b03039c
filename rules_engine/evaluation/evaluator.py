"""Ticks and the passing of time into firings: the streaming evaluator. Pure: given the time, it never asks for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf

from rules_engine.evaluation.audience import Audience
from rules_engine.evaluation.jury import Jury
from rules_engine.evaluation.lane import Lane
from rules_engine.evaluation.leavers import Leavers
from rules_engine.evaluation.market import Market, Past
from rules_engine.evaluation.newcomers import Newcomers
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.quote import Feed
from rules_engine.evaluation.reload import Reload, renewed
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.state import status_of
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.view import Key, Uses, View, execution_key
from rules_engine.evaluation.watch import Watch
from rules_engine.evaluation.work import Work
from rules_engine.model.expression import Expression, instruments_in
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment
from rules_engine.model.life import Life, Memory, Outcome, Replaced, RuleStatus
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices, at_once
from rules_engine.model.tick import Tick
from rules_engine.model.truth import Truth


class Evaluator:
    """All rules on one stream of ticks. Same ticks and times in, same outcomes out.

    Rules are armed with the first thing that happens after they were given, so that `restore` can come between: as of
    ``now_s`` or, where that is NEVER, of its own time.
    Every method that lets time pass or news in returns what came of it, in order.
    """

    def __init__(
        self, plans: Iterable[Plan], now_s: float, rules_max: int | None = None, jury: type[Jury] = Jury
    ) -> None:
        """``rules_max`` are judged in one go, before somebody calls `judge_on`; None: all."""
        self._market = Market(now_s)
        self._timers: Timers[Run | Watch] = Timers()
        self._audience = Audience(self._market, self._timers, self._answer)
        self._jury = jury(self._market, self._timers, self._is_in_force)
        self._work = Work(rules_max)
        self._rules_max = inf if rules_max is None else rules_max
        self._before_s = now_s
        """When what is judged last had not happened yet."""
        self._runs: dict[str, Run] = {}
        self._unarmed = Newcomers(self._jury)
        self._leavers = Leavers(self._market)
        at_once(self.giving(plans, {}))

    # The market and the clock.

    def tick(self, tick: Tick) -> Sequence[Outcome]:
        """One print or quote. Time advances to it first; one older than the newest of its field changes nothing."""
        if self._work.is_left:
            self._work.finish()
        lane = self._audience.find(tick.instrument, tick.field)
        if lane is None:
            return self._do(self._meeting(tick))
        if tick.value is None or tick.snapshot:
            moment = Moment.SNAPSHOT if tick.snapshot else Moment.PRINT
            return self.answer(lane, tick.time_s, tick.value, tick.size, moment)
        fired = lane.hear(tick.time_s, tick.value, tick.size)
        return [*self._jury.flush(), *fired] if self._jury.outcomes else fired

    def lane(self, instrument: str, field: Field) -> Lane:
        """The way of its prints. It holds until the rules are replaced."""
        self._work.finish()
        lane = self._audience.find(instrument, field)
        if lane is None:
            at_once(self._unarmed.hurrying(self._audience.reading([instrument])))
            lane = at_once(self._audience.laying(instrument, field))
        return lane

    def answer(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Outcome]:
        """What comes of a tick that the lane does not take by itself."""
        self._answer(lane, time_s, value, size, moment)
        return self._jury.flush()

    @property
    def now_s(self) -> float:
        """Until when time has passed for the rules."""
        return self._market.now_s

    @property
    def is_judging(self) -> bool:
        """Whether some of what happened last is left to `judge_on`. Whatever else happens finishes it first."""
        return self._work.is_left

    def judge_on(self) -> Sequence[Outcome]:
        """Judges the next rules by what happened last."""
        self._work.go_on()
        return self._jury.flush()

    def advance(self, now_s: float) -> Sequence[Outcome]:
        """Lets time pass: what matures by the clock matures in order. Time never goes back."""
        if now_s < self._timers.first_s and not (self._unarmed.waiting or self._work.is_left):
            self._before_s, self._market.now_s = self._market.now_s, max(self._market.now_s, now_s)
            return self._jury.flush()
        return self._do(self._passing(now_s))

    def feed_down(self, time_s: float, instrument: str = "") -> Sequence[Outcome]:
        """From now on data of the instrument (of all, when empty) cannot be trusted."""
        return self._do(self._losing(time_s, instrument))

    def feed_up(self, time_s: float, instrument: str = "", *, anew: bool = False) -> Sequence[Outcome]:
        """From now on every print of the instrument (of all, when empty) is heard; ``anew``: as another contract's."""
        return self._do(self._restoring(time_s, instrument, anew))

    def backfill(
        self,
        instrument: str,
        field: Field,
        history: Past,
        complete_from_s: float,
        bar_s: float = 0.0,
        now_s: float = NEVER,
    ) -> None:
        """Puts the past, oldest first, under what is known: windows and bars fill, nothing fires by it.

        ``history`` is complete from ``complete_from_s`` until ``now_s``, or until the evaluator's own time. Prints
        fill windows and bars; bars, of the length ``bar_s``, only bars of that length or longer ones.
        """
        self._begin(self._filling(instrument, field, history, complete_from_s, bar_s, now_s))

    # The account.

    def account(self, name: str, value: float | None) -> Sequence[Outcome]:
        """A value of the account, by its AccountField name."""
        self._work.finish()
        self._market.account[name] = value
        return self._do(self._hear((f"account.{name}", None)))

    def position(self, instrument: str, quantity: float | None) -> Sequence[Outcome]:
        """What the account holds, negative when short; None when that is not known."""
        self._work.finish()
        self._market.positions[instrument] = quantity
        return self._do(self._hear((f"position({instrument})", None)))

    def executed(self, instrument: str, time_s: float) -> Sequence[Outcome]:
        """The account had an execution."""
        self._advance(time_s)
        self._market.feed(instrument).executions += 1
        return self._do(self._hear((execution_key(instrument), None)))

    # Questions.

    def read(self, expression: Expression) -> float | None:
        """The value now, as an order would read it."""
        self._audience.unfold(instrument.name for instrument in instruments_in(expression))
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
        return self._runs[rule].truths()

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
        return {name: run.life(self._known_s) for name, run in self._runs.items()}

    def life(self, rule: str) -> Life | None:
        """The same of one rule; None when there is none of that name."""
        run = self._runs.get(rule)
        return None if run is None else run.life(self._known_s)

    def memory(self, rule: str) -> Memory | None:
        """All of its life but when it was so, for those who only want to know whether it changed."""
        run = self._runs.get(rule)
        return None if run is None else run.memory()

    @property
    def _known_s(self) -> float:
        """A watch that is still to be judged has not seen what happened last."""
        return self._before_s if self._work.is_left else self._market.now_s

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
        self._audience = Audience(self._market, self._timers, self._answer)
        self._runs, self._unarmed = {}, Newcomers(self._jury)
        at_once(self.giving(plans, lives))

    def replace(self, plans: Iterable[Plan], now_s: float) -> Replaced:
        """Another set of rules: what says the same keeps its whole state, what changed keeps what still means the same.

        What comes of arming the new ones is returned by the next call.
        """
        replaced = at_once(self.replacing(plans, lambda: now_s))
        at_once(self._leavers.clearing(self._watches))
        return replaced

    def replacing(self, plans: Iterable[Plan], now_s: Callable[[], float]) -> Slices[Replaced]:
        """The same in slices: in the last one all of them are replaced at once, as of ``now_s()`` then.

        What is new is to be armed by `arming` before anything is replaced again.
        """
        old = self._runs
        reload = Reload(self._market, old, list(plans))
        yield from reload.building()
        while self._work.is_left:  # More may have happened meanwhile, of which much is left.
            yield
            self._work.go_on()
        self._advance(now_s())
        result = reload.settle()
        self._runs = reload.runs
        left = [watch for run in reload.gone for watch in run.watches if watch.run is run]
        self._leavers.add(reload.gone)
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
            self._jury.wind(run, self._market.now_s)
        return result

    # What others decide about rules. What comes of it is returned by the next call that returns outcomes.

    def rearm(self, rule: str, now_s: float) -> None:
        """Arms a rule that is done or broken."""
        self._advance(now_s)
        run = self._run(rule)
        run.done, run.broken, run.cleared, run.filled = False, "", True, False
        run.placed.clear()
        self._jury.arm(run, self._market.now_s)

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
            self._jury.arm(run, self._market.now_s)

    def working(self, instrument: str, count: int) -> None:
        """How many of our orders in it can still fill."""
        self._work.finish()
        self._market.working[instrument] = count
        self._begin(self._hear((f"working_orders({instrument})", None)))

    def not_used(self, rule: str) -> None:
        """The order of the last firing was rejected: that does not use up `once`. It concerns nothing but the rule, so
        that it need not wait until others are judged."""
        self._run(rule).undo_once()

    def held_ended(self, rule: str, used: bool, now_s: float) -> None:
        """The order that the broker held for the rule is gone; ``used`` when it was filled, even in part."""
        self._advance(now_s)
        run = self._run(rule)
        self._jury.outcomes += run.held_ended(used, self._market.now_s)
        self._jury.wind(run, self._market.now_s)

    def break_rule(self, rule: str, reason: str) -> None:
        """Nothing more comes of the rule until its user rearms it."""
        self._run(rule).break_off(reason, self._market.now_s)

    # How it is done.

    def _do(self, work: Slices[None]) -> Sequence[Outcome]:
        self._begin(work)
        return self._jury.flush()

    def _begin(self, work: Slices[None], before_s: float | None = None) -> None:
        self._work.finish()
        self._before_s = self._market.now_s if before_s is None else before_s
        self._work.begin(work)

    def _answer(
        self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment = Moment.PRINT
    ) -> Sequence[Firing]:
        """What comes of it is told with everything else that is to be told."""
        market = self._market
        before_s = market.now_s
        now_s = time_s if time_s > before_s else before_s
        # Timers come before prints, also that of a rule which was armed out of its turn.
        if self._timers.first_s <= now_s or self._unarmed.waiting or self._work.is_left:
            self._begin(self._answering(lane, time_s, value, size, moment))
            return ()
        market.now_s = now_s
        due = lane.take(time_s, value, size, moment)
        if len(due) > self._rules_max:
            self._begin(self._judging(lane, due, moment), before_s)
            return ()
        for watch in due:
            self._jury.judge(watch, moment)
        lane.lay_down(due, moment)
        return ()

    # Whatever takes long with very many rules, in slices.

    def _meeting(self, tick: Tick) -> Slices[None]:
        """The first print since its way was closed."""
        yield from self._unarmed.hurrying(self._audience.reading([tick.instrument]))
        lane = yield from self._audience.laying(tick.instrument, tick.field)
        moment = Moment.SNAPSHOT if tick.snapshot else Moment.PRINT
        yield from self._answering(lane, tick.time_s, tick.value, tick.size, moment)

    def _answering(self, lane: Lane, time_s: float, value: float | None, size: float, moment: Moment) -> Slices[None]:
        yield from self._passing(time_s)
        yield from self._judging(lane, lane.take(time_s, value, size, moment), moment)

    def _judging(self, lane: Lane, due: Sequence[Watch], moment: Moment) -> Slices[None]:
        yield from self._jury.judging(due, moment)
        yield from lane.laying_down(due, moment)

    def _losing(self, time_s: float, instrument: str) -> Slices[None]:
        yield from self._passing(time_s)
        lost, reading = yield from self._readers(instrument)
        for feed in lost:
            feed.lose()
        yield from self._jury.judging(reading, Moment.SNAPSHOT, lambda watch: watch.lose(self._market.now_s))

    def _restoring(self, time_s: float, instrument: str, anew: bool) -> Slices[None]:
        yield from self._passing(time_s)
        found, reading = yield from self._readers(instrument)
        for feed in found:
            feed.restore(self._market.now_s, anew=anew)
        yield from self._jury.judging(reading, Moment.SNAPSHOT, Watch.begin_anew if anew else None)

    def _filling(self, of: str, field: Field, past: Past, from_s: float, bar_s: float, now_s: float) -> Slices[None]:
        yield from self._passing(now_s)
        _, reading = yield from self._readers(of)
        self._market.backfill(of, field, past, from_s, bar_s)
        prints = [] if bar_s else [entry for entry in past if isinstance(entry, Tick)]

        def remember(watch: Watch) -> None:
            watch.remember(of, field, prints, from_s)

        yield from self._jury.judging(reading, Moment.SNAPSHOT, None if bar_s else remember)

    def _hear(self, key: Key) -> Slices[None]:
        if self._unarmed:
            yield from self.arming()
        watches = self._audience.of(key)
        yield from self._unarmed.hurrying(watches)
        yield from self._jury.judging(watches, Moment.PRINT)

    def _readers(self, instrument: str) -> Slices[tuple[Sequence[Feed], Sequence[Watch]]]:
        """One instrument, or all that are known, and who reads of them, with everything that waits put away."""
        names = [instrument] if instrument else list(self._market.feeds)
        self._audience.unfold(names)
        reading = self._audience.reading(names)
        yield from self._unarmed.hurrying(reading)
        return list(map(self._market.feed, names)), reading

    def _passing(self, now_s: float) -> Slices[None]:
        if self._market.now_s == NEVER:
            self._market.now_s = now_s
        if self._unarmed:
            yield from self.arming()
        yield from self._jury.passing(now_s)

    def _advance(self, now_s: float) -> None:
        self._work.finish()
        at_once(self._passing(now_s))

    def arming(self) -> Slices[None]:
        """Arms, in slices, what was given and nothing has armed yet, and takes apart what a reload has left over."""
        yield from self._unarmed.in_turn(self._market.now_s)
        yield from self._leavers.clearing(self._watches)

    def _run(self, rule: str) -> Run:
        """The rule, armed before something happens to it."""
        self._unarmed.hurry(rule)
        return self._runs[rule]

    def _is_in_force(self, run: Run) -> bool:
        return self._runs.get(run.rule.name) is run

    def _watches(self) -> Iterator[Watch]:
        return (watch for run in self._runs.values() for watch in run.watches)
