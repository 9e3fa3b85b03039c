"""The streaming engine: the evaluator of `rules run`, one recorded price after the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rules_engine.evaluation import Evaluator
from rules_engine.model.expression import Position, WorkingOrders
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.life import Arming, CancelWanted, Life, Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.tick import Tick
from rules_engine.recordings.slices import Row, Slice
from rules_engine.replay.book import Book
from rules_engine.replay.desk import Desk
from rules_engine.replay.known import Known
from rules_engine.replay.orders import End, Order
from rules_engine.replay.reads import reads_account, values_of
from rules_engine.replay.span import Extent, Span
from rules_engine.replay.voices import Voice


@dataclass(frozen=True, slots=True)
class Stage:
    """What an engine plays on: the plans, who speaks the rows, and the desk that hears what comes of them."""

    plans: Sequence[Plan]
    voices: Sequence[Voice]
    span: Span
    extent: Extent
    known: Known
    desk: Desk
    book: Book

    @property
    def end_s(self) -> float:
        """When the clock of all rules ends, whichever prices they read: at the last of all, or at the span's end."""
        return min(self.extent.last_s, self.span.end_s)

    @property
    def reads_account(self) -> bool:
        """Whether what the account is worth, print by print, decides anything."""
        limited = self.known.assumptions.limits.max_daily_loss is not None
        return limited or any(reads_account(plan.rule) for plan in self.plans)


class Streaming:
    """Yields every firing and every edge that was held back, in order, however the prices are cut into slices.

    Rules are armed at the start of the span, or with the first price of all if that is later; prices before it fill
    windows, and nothing else. The desk has decided what comes of a firing before it is yielded; one whose orders may
    not be sent is a firing all the same.
    """

    def __init__(self, stage: Stage) -> None:
        self._play = Play(stage, partial(Evaluator, stage.plans), lambda row: stage.voices[row[1]].ticks(row))

    def take(self, piece: Slice) -> Iterator[Firing | HeldBack]:
        """What comes of the next prices."""
        return self._play.take(piece.rows())

    def end(self) -> Iterator[Firing | HeldBack]:
        """What comes of the time that is left when no prices follow."""
        return self._play.end()


class Play:
    """One run over rows in order of time. ``begin`` gives the evaluator as of the first price of all, ``speak`` what is
    heard of a row that says more than its price."""

    def __init__(
        self,
        stage: Stage,
        begin: Callable[[float], Evaluator],
        speak: Callable[[Row], Iterable[Tick]],
    ) -> None:
        self._stage = stage
        self._speak = speak
        self._begin_at = begin
        self._desk = stage.desk
        self._known = stage.known
        self._book = stage.book
        self._evaluator = Evaluator((), 0.0)
        self._reads_account = stage.reads_account
        self._now_s = stage.extent.first_s
        self._is_begun = self._is_armed = self._is_deaf = False

    def take(self, rows: Iterable[Row]) -> Iterator[Firing | HeldBack]:
        """What comes of them; the next row is taken once everything has been decided about the one before."""
        span, desk, latest = self._stage.span, self._desk, self._known.latest
        names = [voice.instrument.name for voice in self._stage.voices]
        plain = [voice.plain for voice in self._stage.voices]
        for row in rows:
            time_s, number, price, size = row
            if time_s >= span.end_s:
                return
            if not self._is_armed:
                yield from self._come_to(time_s)
            self._now_s = time_s
            # Timers first, each at its own instant and on the prices known then.
            evaluator = self._evaluator
            while (due_s := evaluator.next_timer_s()) is not None and due_s <= time_s:
                yield from self._settle(evaluator.advance(due_s))
            latest[number] = row
            field = plain[number]
            if field is not None:
                outcomes = evaluator.tick(Tick(names[number], time_s, field, price, size))
                if outcomes:
                    yield from self._settle(outcomes)
            else:
                for tick in self._speak(row):
                    yield from self._settle(evaluator.tick(tick))
            if self._is_armed and (number in desk.hears or time_s >= desk.wakes_s):
                yield from self._trade(row)

    def end(self) -> Iterator[Firing | HeldBack]:
        """No row follows: the clock runs on to the last price of all, or up to the end of the span."""
        span, extent = self._stage.span, self._stage.extent
        if extent.first_s < span.end_s:
            yield from self._come_to(extent.last_s)
            evaluator = self._evaluator
            while (due_s := evaluator.next_timer_s()) is not None and due_s <= extent.last_s and due_s < span.end_s:
                yield from self._settle(evaluator.advance(due_s))
        self._desk.finish(self._stage.end_s)

    def _come_to(self, time_s: float) -> Iterator[Firing | HeldBack]:
        """What has begun by then, and was not."""
        if not self._is_begun:
            self._is_begun = True
            yield from self._begin(self._stage.extent.first_s)
        if not self._is_armed and time_s >= self._stage.span.start_s:
            self._is_armed = True
            yield from self._arm(self._stage.span.start_s)

    def _begin(self, now_s: float) -> Iterator[Firing | HeldBack]:
        """The evaluator starts with the first price of all; its rules are deaf until the span does."""
        plans = self._stage.plans
        self._evaluator = evaluator = self._begin_at(now_s)
        self._known.reader = evaluator.read
        self._is_deaf = now_s < self._stage.span.start_s
        if self._is_deaf:
            evaluator.restore({plan.rule.name: Life(paused=True, when_digest=plan.rule.when_digest) for plan in plans})
        for plan in plans:
            for value in values_of(plan.rule):
                if isinstance(value, Position):
                    yield from self._settle(evaluator.position(value.instrument.name, 0.0))
                elif isinstance(value, WorkingOrders):
                    evaluator.working(value.instrument.name, 0)
        if self._reads_account:
            yield from self._settle(self._tell_account())
        yield from self._settle(evaluator.advance(now_s))

    def _arm(self, now_s: float) -> Iterator[Firing | HeldBack]:
        if self._is_deaf:
            for plan in self._stage.plans:
                self._evaluator.resume(plan.rule.name, now_s)
            yield from self._settle(self._evaluator.advance(now_s))

    def _settle(self, outcomes: Sequence[Outcome]) -> Iterator[Firing | HeldBack]:
        """Decides one outcome after the other, and what the orders of each make of the rules."""
        for outcome in outcomes:
            match outcome:
                case Firing():
                    before = self._desk.working
                    if not self._desk.fire(outcome):
                        self._evaluator.not_used(outcome.rule)
                    yield outcome
                    yield from self._settle(self._tell_working(before))
                case HeldBack():
                    self._desk.hold_back(outcome)
                    yield outcome
                case CancelWanted(rule):
                    before = self._desk.working
                    self._desk.cancel_rule(rule)
                    yield from self._settle(self._tell_working(before))
                case Arming():
                    raise AssertionError("nothing is held at a broker here")

    def _trade(self, row: Row) -> Iterator[Firing | HeldBack]:
        before = self._desk.working
        for order in self._desk.hear(row):
            if order.end is End.REFUSED:
                self._evaluator.not_used(order.intent.rule)
            else:
                yield from self._settle(self._tell_fill(order, row[0]))
        yield from self._settle(self._tell_working(before))
        if self._reads_account:
            yield from self._settle(self._tell_account())

    def _tell_fill(self, order: Order, at_s: float) -> Sequence[Outcome]:
        evaluator, held = self._evaluator, self._book.whole.held.get(order.name, 0.0)
        return [*evaluator.executed(order.name, at_s), *evaluator.position(order.name, held)]

    def _tell_working(self, before: Mapping[str, int]) -> Sequence[Outcome]:
        after = self._desk.working
        if after is before:
            return ()
        changed = [name for name in {**before, **after} if before.get(name, 0) != after.get(name, 0)]
        for name in changed:
            self._evaluator.working(name, after.get(name, 0))
        return self._evaluator.advance(self._now_s) if changed else ()

    def _tell_account(self) -> Sequence[Outcome]:
        figures = self._book.figures()
        return [outcome for name, value in figures.items() for outcome in self._evaluator.account(name, value)]
