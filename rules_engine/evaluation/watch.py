"""One condition of one rule under watch: its judge, what was last known of it, and when it is due again."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from rules_engine.conditions.time_of_day import TimeIs
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.recollection import Recollection
from rules_engine.evaluation.view import Uses, View
from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.expression import Arithmetic, Call, Expression, Negative, Number, Reading, walk
from rules_engine.model.instrument import Field
from rules_engine.model.judging import UNKNOWN, Forget, Judge, Moment, Value, Verdict
from rules_engine.model.rule import OnGap, Rule
from rules_engine.model.tick import Tick
from rules_engine.model.tolerance import EDGE_S
from rules_engine.model.truth import Truth

if TYPE_CHECKING:
    from rules_engine.evaluation.lane import Lane
    from rules_engine.evaluation.run import Run


class Role(IntEnum):
    """What a condition is for; at one print they are judged in this order."""

    CANCEL = 0
    CLEAR = 1
    ONLY_IF = 2
    CASE = 3
    ARMING = 4
    AGAIN = 5
    """As the one before, but of an order that follows one which was filled."""


class Edge(Enum):
    """What a verdict means after those before it."""

    NONE = "none"
    RISING = "rising"
    """An event happened, or the state turned true."""
    ALREADY = "already"
    """True when it first became known."""


_UNNAMED = (Number, Arithmetic, Negative, Call)
_FORGET = {OnGap.BACKFILL: Forget.DURATIONS, OnGap.RESET: Forget.SIDES}


class Watch:
    """``known`` is the last truth that was not unknown; ``gap_s`` when data was lost, until it is known again."""

    __slots__ = (
        "_aside",
        "_shown",
        "_told",
        "_values",
        "case",
        "due_s",
        "gap_s",
        "is_single",
        "is_timed",
        "judge",
        "known",
        "lanes",
        "name",
        "on_gap",
        "order",
        "recollection",
        "role",
        "run",
        "stale_after_s",
        "tells_time",
        "uses",
        "verdict",
    )

    run: "Run"

    def __init__(self, rule: Rule, role: Role, case: int, condition: Condition, market: Market) -> None:
        self.role = role
        self.case = case
        self.on_gap = rule.on_gap
        self.stale_after_s = rule.stale_after_s
        self.uses = Uses()
        view, self._aside = (
            View(market, uses, rule.on_gap is OnGap.KEEP, rule.stale_after_s) for uses in (self.uses, Uses())
        )
        self.judge: Judge = condition.judge(view)
        self.recollection = Recollection(condition, self.uses) if rule.on_gap is OnGap.BACKFILL else None
        self._told = told = _told(condition)
        self._values: Sequence[tuple[str, Value]] | None = None
        """How to read what its firings tell. Most wait long for the first one, so that it is made then."""
        self._shown: AbstractSet[Quote] = frozenset()
        """What it tells though it is not judged by it: `V` of a condition on V's quotes."""
        if not all(map(self._judges_by, told)):
            self._values = self._telling()
            self._shown = self._aside.uses.quotes - self.uses.quotes
        is_one = bool(told) and isinstance(told[0], Reading) and all(part == told[0] for part in told)
        self.name = str(told[0]) if is_one else ""
        """What its firings call the one print that they tell; nothing if they tell anything else."""
        self.lanes: list[Lane] = []
        """What brings it prints."""
        self.is_single = _reads_one_print(self.uses) and self.stale_after_s is None
        """Whether nothing but the prints of one field of one instrument, and its own timer, can change its verdict."""
        self.tells_time = any(isinstance(part, TimeIs) for part in walk_conditions(condition))
        """Whether it follows the time of day."""
        self.is_timed = self.judge.matures or rule.stale_after_s is not None
        """Whether its truth can change without a print."""
        self.known: Truth | None = None
        self.verdict: Verdict = UNKNOWN
        self.gap_s: float | None = None
        self.due_s: float | None = None
        self.order = (0, int(role), case)

    def judge_now(self, now_s: float, moment: Moment) -> Verdict:
        """The verdict as of now, which is its newest one from then on."""
        if moment is not Moment.PRINT:
            self.wake()
        elif not self.is_single:  # Its lanes may keep prints that wait; a print that comes alone waits no more.
            self.catch_up()
        self.verdict = self.judge.judge(now_s, moment)
        return self.verdict

    def catch_up(self) -> None:
        """It has seen all prints."""
        for lane in self.lanes:
            lane.settle()

    def see(self, now_s: float) -> None:
        """Judges it at a print that is no news to its rule: it fired by it already, or can fire again."""
        self.verdict = self.judge.judge(now_s, Moment.PRINT)
        self.known = self.verdict.truth

    def fires_alone(self) -> bool:
        """Whether it fires at each edge whatever else there is, and tells nothing but the price."""
        return self.role is Role.CASE and self.name != "" and not self.is_timed and self.run.fires_freely()

    def wake(self) -> None:
        """The next print is to be judged: something else than prints may have changed what it remembers."""
        for lane in self.lanes:
            lane.wake(self)

    def is_settled(self) -> bool:
        """Whether the same verdict again would change nothing."""
        truth = self.verdict.truth
        if not self.is_single or self.gap_s is not None:
            return False
        if truth is Truth.TRUE and self.role in (Role.CLEAR, Role.ARMING, Role.AGAIN):
            return False
        return truth is self.known or truth is Truth.UNKNOWN

    def is_news(self, verdict: Verdict) -> bool:
        """Whether the verdict says anything but what is known. A quick answer for most prints."""
        return verdict.truth is not self.known or verdict.pulse or self.role is not Role.CASE or self.gap_s is not None

    def edge(self, verdict: Verdict, moment: Moment) -> Edge:
        """Takes the verdict as the newest one. A snapshot may show a side, but nothing happens by it."""
        truth, before, live = verdict.truth, self.known, moment is not Moment.SNAPSHOT
        if truth is Truth.FALSE or (truth is Truth.TRUE and (live or (before is None and not verdict.seen_happening))):
            self.known = truth
        if verdict.pulse:
            return Edge.RISING
        if truth is not Truth.TRUE or before is Truth.TRUE:
            return Edge.NONE
        if before is None and not verdict.seen_happening:
            return Edge.ALREADY
        return Edge.RISING if live else Edge.NONE

    def values(self) -> dict[str, float]:
        """What the condition reads now, by name, and what its judges measured."""
        for quote in self._shown:
            if quote.lane is not None:
                quote.lane.settle()
        if self._values is None:
            self._values = self._telling()
        values: dict[str, float] = {}
        for name, read in self._values:
            if (value := read()) is not None:
                values[name] = value
        values.update(self.judge.evidence())
        return values

    def _telling(self) -> Sequence[tuple[str, Value]]:
        return tuple({str(part): self._aside.value(part) for part in self._told}.items())

    def _judges_by(self, part: Expression) -> bool:
        """Whether all that is read of it is there already, for its judges read that too."""
        return not isinstance(part, Reading) or (part.instrument.name, part.field) in self.uses.keys

    def begin_anew(self) -> None:
        """What it reads is another contract's from now on."""
        if self.recollection is not None:
            self.recollection.forget()
        self.forget()

    def forget(self) -> None:
        """A new arming."""
        self.wake()
        self.judge.forget(Forget.EVERYTHING)
        self.known = self.gap_s = None
        self.verdict = UNKNOWN

    def lose(self, now_s: float) -> None:
        """Data that it reads is lost."""
        self.wake()
        depth = _FORGET.get(self.on_gap)
        if depth is not None:
            self.judge.forget(depth)
        if self.recollection is not None:
            self.recollection.forget()
        if self.on_gap is OnGap.RESET:
            self.known = None
        elif self.gap_s is None:
            self.gap_s = now_s

    def remember(self, instrument: str, field: Field, prints: Sequence[Tick], complete_from_s: float) -> None:
        """Finds out from history what has lasted through a gap, or from before the rule was there."""
        if self.recollection is None or not self.judge.matures:
            return
        judge = self.recollection.judge_of(instrument, field, prints, complete_from_s)
        if judge is not None:
            self.wake()
            self.judge.remember(judge)

    def next_s(self, after_s: float) -> float | None:
        """The first moment after that one at which something matures, or a value that it reads becomes stale."""
        moments = [self.judge.due_s()]
        if self.stale_after_s is not None:
            moments += [quote.time_s + self.stale_after_s for quote in self.uses.quotes if quote.value is not None]
        return min(
            (moment_s for moment_s in moments if moment_s is not None and moment_s > after_s + EDGE_S), default=None
        )


def _reads_one_print(uses: Uses) -> bool:
    is_one = len(uses.keys) == len(uses.quotes) == 1 and not uses.bars
    return is_one and not any(quote.is_derived for quote in uses.quotes)


def _told(condition: Condition) -> tuple[Expression, ...]:
    """Readings, series and `let` names; not numbers and arithmetic."""
    read = (expression for part in walk_conditions(condition) for expression in part.expressions())
    return tuple(part for expression in read for part in walk(expression) if not isinstance(part, _UNNAMED))
