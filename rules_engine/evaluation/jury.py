"""Watches judged at what happens, and when their time comes; and what comes of it, in order."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.watch import Watch
from rules_engine.model.judging import Moment
from rules_engine.model.life import Life, Outcome
from rules_engine.model.slices import Slices
from rules_engine.model.tolerance import EDGE_S

_RUN = attrgetter("run")


class Jury:
    """Its slices end between two rules: what is decided of the outcomes of one may change that rule, and no other."""

    def __init__(self, market: Market, timers: Timers[Run | Watch], is_in_force: Callable[[Run], bool]) -> None:
        self._market = market
        self._timers = timers
        self._is_in_force = is_in_force
        self.outcomes: list[Outcome] = []

    def judge(self, watch: Watch, moment: Moment) -> None:
        """The watch is judged now, if its rule listens."""
        run, now_s = watch.run, self._market.now_s
        if not run.listens(watch):
            return
        verdict = watch.judge_now(now_s, moment)
        if watch.is_news(verdict) and (outcome := run.heard(watch, moment, now_s)) is not None:
            self.outcomes.append(outcome)
        if watch.is_timed:
            self._timers.set(watch, watch.next_s(now_s))

    def judging(
        self, watches: Iterable[Watch], moment: Moment, before: Callable[[Watch], None] | None = None
    ) -> Slices[None]:
        """The same of many, in slices; ``before`` is done with each first."""
        for _, of_rule in groupby(watches, _RUN):
            for watch in of_rule:
                if before is not None:
                    before(watch)
                self.judge(watch, moment)
            yield

    def passing(self, now_s: float) -> Slices[None]:
        """Lets time pass, in slices: what matures by the clock matures in order."""
        market = self._market
        run: Run | None = None
        while (timer := self._timers.pop(now_s)) is not None:
            due_s, owner = timer
            concerned = owner if isinstance(owner, Run) else owner.run
            if concerned is not run:
                yield
                run = concerned
            market.now_s = max(market.now_s, due_s)
            if isinstance(owner, Run):
                self._turn(owner)
            else:
                self._ring(owner, due_s)
        market.now_s = max(market.now_s, now_s)

    def arm(self, run: Run, now_s: float) -> None:
        """The rule starts anew."""
        self.outcomes += run.arm(now_s)
        self.wind(run, now_s)

    def take_in(self, run: Run, life: Life | None, now_s: float) -> None:
        """The rule begins, or goes on with what is remembered of it, as of that moment."""
        self._market.armed_s = now_s
        run.turn(now_s)
        if life is not None and life.known and life.when_digest == run.rule.when_digest:
            self.outcomes += run.revive(life, now_s)
            self.wind(run, now_s)
        else:
            self.arm(run, now_s)
        self._market.armed_s = None

    def wind(self, run: Run, now_s: float) -> None:
        """Sets all timers of the rule, as of that moment."""
        if run.due_s is not None:
            self._timers.push(run, run.due_s)
        for watch in run.watches:
            if watch.is_timed:
                self._timers.set(watch, watch.next_s(now_s))

    def flush(self) -> Sequence[Outcome]:
        """What came of it since this was last asked."""
        if not self.outcomes:
            return ()
        outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def _turn(self, run: Run) -> None:
        if not self._is_in_force(run):
            return
        if run.turn(self._market.now_s):
            self.arm(run, self._market.now_s)
        elif run.due_s is not None:
            self._timers.push(run, run.due_s)

    def _ring(self, watch: Watch, due_s: float) -> None:
        """A timer: judged only if something matures now, for it may have been put off since the timer was set."""
        if not (self._is_in_force(watch.run) and watch.run.listens(watch)):
            return
        now_s = self._market.now_s
        next_s = watch.next_s(due_s - 2 * EDGE_S)
        if next_s is not None and next_s <= now_s + EDGE_S:
            self.judge(watch, Moment.CLOCK)
        else:
            self._timers.set(watch, next_s)
