"""The life of one rule: when it listens, what an edge comes to, and what it remembers."""

from collections.abc import Iterator, Sequence
from math import isfinite

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.tally import Tally
from rules_engine.evaluation.view import Uses, View
from rules_engine.evaluation.watch import Edge, Role, Watch
from rules_engine.model.expression import Number
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.judging import Moment
from rules_engine.model.life import Arming, CancelWanted, Life, Memory, Outcome
from rules_engine.model.local_time import daily_span
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import IfAlreadyTrue, expressions_outside
from rules_engine.model.tolerance import EDGE_S
from rules_engine.model.truth import Truth

SETTLING_S = 5.0
"""After a fill at the broker, for so long a print of the other side may be older than the print that IB acted on: the
two come by different ways. Re-arming by it would buy twice on one crossing."""
_HERE = (Role.CASE, Role.CLEAR, Role.ONLY_IF)
"""Roles whose conditions are judged here whatever the broker holds."""
_LETTERS = {Truth.TRUE: "t", Truth.FALSE: "f"}
_TRUTHS = {letter: truth for truth, letter in _LETTERS.items()}


class Run:
    """One rule as it runs. ``awake`` is whether its conditions are judged at all."""

    def __init__(self, plan: Plan, market: Market, life: Life, goes_on: Sequence[Watch] | None = None) -> None:
        """``goes_on`` are the watches of its conditions where another run has them already, until `follow`."""
        self.plan = plan
        self.rule = plan.rule
        self.take_up(life)
        self.asleep = self.expired = False
        self.since_s = market.now_s
        """When it was armed, or stopped listening."""
        self.due_s: float | None = None
        self.used_s: float | None = None
        """When its order at the broker was filled, until the condition is seen met here too."""
        self.order = (-1, 0, 0)
        self.market = market
        self.once_fired = False
        """Whether it is done because of its last firing, and nothing else."""
        self.watches = [*self._guards(), *(self._judges() if goes_on is None else ())]
        for watch in self.watches:
            watch.run = self
        self.watches += goes_on or ()
        self._read_ahead()
        self.actions = [tuple(map(str, case.actions)) for case in self.rule.cases]

    def take_up(self, life: Life) -> None:
        """Goes on with what is remembered of the rule, besides what its watches remember."""
        self.done = life.done
        self.tally = Tally(life, self.rule.timezone)
        self.cooldown_until_s = life.cooldown_until_s
        self.cleared, self.paused, self.broken = life.cleared, life.paused, life.broken
        self.placed = {int(case) for case in life.placed.split(",") if case}
        self.filled = life.filled

    def follow(self, old: "Run") -> None:
        """Takes the place of a run: with the same conditions its memory goes on, with other ones only its numbering.
        What it has at the broker is not taken over."""
        if self.rule.when_digest == old.rule.when_digest:
            self.done, self.once_fired = old.done, old.once_fired
            self.cooldown_until_s = old.cooldown_until_s
            self.cleared, self.broken = old.cleared, old.broken
            self.filled, self.used_s = old.filled, old.used_s
            self.tally = old.tally.moved_to(self.rule.timezone)
        else:
            self.tally.seq = old.tally.seq
        self.paused = old.paused

    def take_watches(self, old: "Run") -> None:
        """From now on it judges by the watches that go on."""
        self.since_s = old.since_s
        for watch in self.watches:
            watch.run = self

    def number(self, number: int) -> None:
        """Its place among all rules decides who comes first at one instant."""
        for watch in self.watches:
            watch.order = (number, int(watch.role), watch.case)

    def _guards(self) -> Iterator[Watch]:
        rule = self.rule
        others = ((Role.CANCEL, rule.cancel_when), (Role.CLEAR, rule.clears_when), (Role.ONLY_IF, rule.only_if))
        for role, condition in others:
            if condition is not None:
                yield Watch(rule, role, 0, condition, self.market)

    def _judges(self) -> Iterator[Watch]:
        rule = self.rule
        if self.plan.where is Where.AT_BROKER:
            for held in self.plan.held:
                for role, seen in ((Role.ARMING, held.arming), (Role.AGAIN, held.again)):
                    if seen is not None:
                        yield Watch(rule, role, held.case, seen, self.market)
        else:
            for number, case in enumerate(rule.cases):
                yield Watch(rule, Role.CASE, number, case.when, self.market)

    def _read_ahead(self) -> None:
        """What its orders and messages read has a past too, as long as there is a watch to keep it."""
        outside = [of for of in expressions_outside(self.rule) if not isinstance(of, Number)]
        if not outside:
            return
        uses = Uses()
        view = View(self.market, uses)
        for of in outside:
            view.value(of)
        for watch in self.watches[:1]:
            watch.uses.join(uses)

    @property
    def is_timed(self) -> bool:
        """Whether time alone ends its listening, or begins it."""
        return self.rule.expires_s is not None or self.rule.active is not None

    def watches_of(self, *roles: Role) -> list[Watch]:
        """Those in one of these roles."""
        return [watch for watch in self.watches if watch.role in roles]

    def truths(self) -> tuple[Truth, ...]:
        """What was last found of each case."""
        cases = self.watches_of(Role.CASE)
        for watch in cases:
            watch.catch_up()
        return tuple(watch.verdict.truth for watch in cases)

    # When it listens.

    @property
    def awake(self) -> bool:
        """Whether the rule can fire at all now."""
        stopped = self.done or self.expired or self.paused or self.asleep or self.broken
        return self.rule.enabled and not stopped

    def listens(self, watch: Watch) -> bool:
        """Whether anything may come of what that watch sees."""
        if watch.role is Role.CANCEL:
            return self.rule.enabled
        return self.awake and (watch.role in _HERE or self._is_awaited(watch))

    def _is_awaited(self, watch: Watch) -> bool:
        """Of a case that the broker is to hold, and which may be sent again by another sight than the first time:
        whether it is that one now."""
        return watch.case not in self.placed and self.filled is (watch.role is Role.AGAIN)

    def turn(self, now_s: float) -> bool:
        """Follows `active` and `expires`; whether the rule wakes up by it."""
        if not self.is_timed:
            return False
        was_awake = self.awake
        rule, edges = self.rule, []
        if rule.expires_s is not None:
            self.expired = now_s >= rule.expires_s - EDGE_S
            if not self.expired:
                edges.append(rule.expires_s)
        if rule.active is not None:
            active = rule.active
            inside, until_s = daily_span(now_s, active.start, active.end, rule.timezone, active.days)
            self.asleep = not inside
            edges.append(until_s)
        self.due_s = min(filter(isfinite, edges), default=None)
        if was_awake and not self.awake:
            self.since_s = now_s
            self._wake()
        return self.awake and not was_awake

    # What a verdict comes to.

    def arm(self, now_s: float) -> Iterator[Outcome]:
        """Starts anew: what is true now was already true."""
        self.since_s = now_s
        for watch in self.watches:
            watch.forget()
        yield from self._place_at_once(now_s)
        for watch in self.watches:
            if self.listens(watch):
                watch.judge_now(now_s, Moment.CLOCK)
                if (outcome := self._armed(watch, now_s)) is not None:
                    yield outcome

    def _place_at_once(self, now_s: float) -> Iterator[Outcome]:
        if self.plan.where is Where.AT_BROKER and self.awake and not self.filled:
            for held in self.plan.held:
                if held.arming is None and held.case not in self.placed:
                    yield self._place(held.case, now_s)

    def _armed(self, watch: Watch, now_s: float) -> Outcome | None:
        if watch.role is not Role.CASE:
            return self.heard(watch, Moment.CLOCK, now_s)
        watch.known = watch.verdict.truth if watch.verdict.truth is not Truth.UNKNOWN else None
        return self._already(watch, True, now_s) if watch.known is Truth.TRUE else None

    def heard(self, watch: Watch, moment: Moment, now_s: float) -> Outcome | None:
        """What the watch's newest verdict means for the rule."""
        verdict, live = watch.verdict, moment is not Moment.SNAPSHOT
        edge = watch.edge(verdict, moment)
        match watch.role:
            case Role.CASE:
                return self._case(watch, edge, moment, now_s)
            case Role.CLEAR:
                self.cleared = self.cleared or verdict.pulse or (live and verdict.truth is Truth.TRUE)
            case Role.ARMING | Role.AGAIN:
                if verdict.truth is Truth.FALSE:
                    self.used_s = None
                elif (verdict.truth is Truth.TRUE or verdict.pulse) and not self._may_be_old(now_s):
                    return self._place(watch.case, now_s)
            case Role.CANCEL:
                if live and edge is not Edge.NONE:
                    return CancelWanted(self.rule.name, now_s)
            case Role.ONLY_IF:
                pass
        return None

    def _may_be_old(self, now_s: float) -> bool:
        return self.used_s is not None and now_s - self.used_s < SETTLING_S - EDGE_S

    def _case(self, watch: Watch, edge: Edge, moment: Moment, now_s: float) -> Outcome | None:
        live, outcome = moment is not Moment.SNAPSHOT, None
        if edge is Edge.ALREADY:
            outcome = self._already(watch, live, now_s)
        elif edge is Edge.RISING:
            outcome = self._decide(watch, now_s, moment)
        if live and watch.gap_s is not None:
            lasting = watch.judge.lasting_since_s() is not None
            if watch.verdict.pulse or lasting or watch.verdict.truth is not Truth.UNKNOWN:
                watch.gap_s = None
        return outcome

    def _already(self, watch: Watch, live: bool, now_s: float) -> Outcome | None:
        match self.rule.if_already_true:
            case IfAlreadyTrue.FIRE if live:
                return self._decide(watch, now_s)
            case IfAlreadyTrue.FIRE:
                watch.known = None
            case IfAlreadyTrue.REFUSE:
                self.break_off(str(Reason.ALREADY_TRUE), now_s)
                return HeldBack(self._firing(watch, now_s), Reason.ALREADY_TRUE)
            case IfAlreadyTrue.WAIT:
                pass
        return None

    def _place(self, case: int, now_s: float) -> Arming:
        self.placed.add(case)
        self.filled = False
        self.tally.seq += 1
        self.since_s = now_s
        return Arming(self.rule.name, case, now_s)

    def _firing(self, watch: Watch, now_s: float) -> Firing:
        return Firing(self.rule.name, watch.case, now_s, watch.values(), self.actions[watch.case])

    def _decide(self, watch: Watch, now_s: float, moment: Moment = Moment.PRINT) -> Outcome:
        firing = self._firing(watch, now_s)
        reason = self._guard(watch, now_s, moment)
        if reason is not None:
            return HeldBack(firing, reason, self._detail(reason, watch, now_s))
        self._use(now_s)
        return firing

    def _guard(self, watch: Watch, now_s: float, moment: Moment) -> Reason | None:
        """The first reason that stops an edge."""
        if not self.cleared:
            return Reason.NOT_CLEARED
        if self.cooldown_until_s is not None and now_s < self.cooldown_until_s - EDGE_S:
            return Reason.COOLING_DOWN
        if self.rule.at_most is not None and self.tally.on(now_s) >= self.rule.at_most.count:
            return Reason.OVER_COUNT
        if watch.gap_s is not None and self._missed(watch, now_s - watch.gap_s):
            return Reason.MISSED
        if moment is Moment.CLOCK and watch.tells_time and self.tally.is_ahead(now_s):
            return Reason.FIRED_BY_CLOCK
        if self.rule.only_if is not None:
            (only_if,) = self.watches_of(Role.ONLY_IF)
            if only_if.judge_now(now_s, Moment.CLOCK).truth is not Truth.TRUE:
                return Reason.ONLY_IF
        return None

    def _missed(self, watch: Watch, age_s: float) -> bool:
        """Whether the edge fell into a gap, which began so long ago, and is too old to act on."""
        if watch.verdict.seen_happening:
            return False
        limit = self.rule.if_missed
        return not limit.act or (limit.within_s is not None and age_s > limit.within_s + EDGE_S)

    def _detail(self, reason: Reason, watch: Watch, now_s: float) -> str:
        match reason:
            case Reason.ONLY_IF:
                return f"{self.rule.only_if} is {self.watches_of(Role.ONLY_IF)[0].verdict.truth.value}"
            case Reason.NOT_CLEARED:
                return f"waiting for {self.rule.clears_when}"
            case Reason.MISSED if watch.gap_s is not None:
                return f"no data for {now_s - watch.gap_s:.0f} seconds"
            case _:
                return ""

    def fires_freely(self) -> bool:
        """Whether nothing can hold an edge back, and a firing changes nothing but its count."""
        rule = self.rule
        limits = (rule.clears_when, rule.only_if, rule.cooldown_s, rule.at_most, self.cooldown_until_s)
        return self.cleared and not rule.once and limits == (None,) * len(limits)

    def _use(self, now_s: float) -> None:
        """What a firing uses up."""
        self.tally.add(now_s)
        self.cleared = self.rule.clears_when is None
        if self.rule.cooldown_s is not None:
            self.cooldown_until_s = now_s + self.rule.cooldown_s
        if self.rule.once:
            self.finish(now_s)
            self.once_fired = True

    def undo_once(self) -> None:
        """The order of its last firing was rejected."""
        if self.once_fired:
            self.done = self.once_fired = False
            self._wake()

    # What others tell it.

    def finish(self, now_s: float) -> None:
        self.done, self.since_s = True, now_s
        self._wake()

    def pause(self, now_s: float) -> None:
        self.paused, self.since_s = True, now_s
        self._wake()

    def _wake(self) -> None:
        """Whether it listens has changed: nothing that its watches sleep on counts any more."""
        for watch in self.watches:
            watch.wake()

    def retire(self) -> None:
        """Another run has taken its place, and those of its watches that go on: no timer of it counts. It lets go of
        its watches, as they point back to it: nobody looks for such circles after a reload."""
        self.due_s = None
        for watch in self.watches:
            if watch.run is self:
                watch.due_s = None
        self.watches = []

    def break_off(self, reason: str, now_s: float) -> None:
        """The rule needs its user, for that reason, and hears nothing more until it is rearmed."""
        self.broken, self.since_s = reason, now_s
        self._wake()

    def held_ended(self, used: bool, now_s: float) -> Iterator[Outcome]:
        """Its order at the broker is gone: it re-arms once the other side is seen, unless it is done."""
        self.placed.clear()
        if used and self.rule.once:
            self.finish(now_s)
            return
        if used:
            self.used_s = now_s
            self.filled = any(held.again is not None for held in self.plan.held)
        yield from self.arm(now_s)

    # What survives a restart.

    def life(self, now_s: float) -> Life:
        return Life(*self.memory(), now_s)

    def memory(self) -> Memory:
        cases = self.watches_of(Role.CASE, Role.ARMING, Role.AGAIN)
        for watch in cases:
            watch.catch_up()
        tally = self.tally
        return (
            tally.seq,
            self.rule.when_digest,
            self.done,
            tally.day,
            tally.today,
            tally.fired_s,
            self.cooldown_until_s,
            self.cleared,
            self.paused,
            self.broken,
            ",".join(map(str, sorted(self.placed))) if self.placed else "",
            self.filled,
            "".join(["-" if watch.known is None else _LETTERS[watch.known] for watch in cases]),
            ",".join([watch.judge.sides() for watch in cases]),
        )

    def revive(self, life: Life, now_s: float) -> Iterator[Outcome]:
        """Goes on where a former run stopped: everything since then is a gap in its data."""
        cases = self.watches_of(Role.CASE, Role.ARMING, Role.AGAIN)
        for watch, known, sides in zip(cases, life.known, life.sides.split(","), strict=False):
            watch.known = _TRUTHS.get(known)
            watch.judge.recall(sides)
            watch.lose(now_s if life.known_s is None else life.known_s)
        yield from self._place_at_once(now_s)
        for watch in self.watches:
            if self.listens(watch):
                watch.judge_now(now_s, Moment.CLOCK)
                if (outcome := self.heard(watch, Moment.CLOCK, now_s)) is not None:
                    yield outcome
