"""The streaming evaluator on columns: ticks at which nothing can happen are passed over in one step."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.bars import BarRun
from rules_engine.evaluation.columnar.leaves import Holding
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.track import SLOTS, Track
from rules_engine.evaluation.columnar.windows import PastStream
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.evaluation.jury import Jury
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.sums import TRIM_MIN
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.view import Key
from rules_engine.evaluation.watch import Watch
from rules_engine.model.expression import AccountField, AccountReading, Expression, Position, WorkingOrders
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick
from rules_engine.model.tolerance import EDGE_S

_ACCOUNT = frozenset((f"account.{of}", None) for of in AccountField)


class StirringJury(Jury):
    """In ``stirred`` are the rules of which something else than a tick was judged, and those of ``guarded`` of which
    something came."""

    def __init__(self, market: Market, timers: Timers[Run | Watch], is_in_force: Callable[[Run], bool]) -> None:
        super().__init__(market, timers, is_in_force)
        self.stirred: set[str] = set()
        self.guarded: frozenset[str] = frozenset()

    def arm(self, run: Run, now_s: float) -> None:
        self.stirred.add(run.rule.name)
        super().arm(run, now_s)

    def _ring(self, watch: Watch, due_s: float) -> None:
        self.stirred.add(watch.run.rule.name)
        super()._ring(watch, due_s)

    def flush(self) -> Sequence[Outcome]:
        outcomes = super().flush()
        self.stirred |= self.guarded.intersection(map(rule_of, outcomes))
        return outcomes


class LeapingEvaluator(Evaluator):
    """``scene`` holds all ticks of a slice, before they are heard here.

    Whoever lets it hear the ticks of a row says with `begin_row` to which rules these are news; None is to all of them.
    In ``stirred`` are the rules of which something else than such a tick was judged, or whose guards may have changed:
    what they remember may differ from what the last tick said, so that the ticks of this row that are left, and the
    next row of every instrument, are news. That the account is told stirs nobody.
    """

    def __init__(self, plans: Sequence[Plan], now_s: float, scene: Scene) -> None:
        super().__init__((), now_s, jury=StirringJury)
        assert isinstance(self._jury, StirringJury)
        self.stirred = self._jury.stirred
        self.twice: Set[str] = frozenset()
        """The rules of which a judge counts prints."""
        self._scene = scene
        self._due: Collection[str] | None = None
        self._told: Mapping[int, Sequence[Firing | HeldBack]] = {}
        self._row = self._own_row = 0
        self._account_along: Callable[[AccountField, Index], Column] | None = None
        self._numbers = {plan.rule.name: number for number, plan in enumerate(plans)}
        self._jury.guarded = frozenset(
            plan.rule.name for plan in plans if plan.rule.clears_when is not None or plan.rule.only_if is not None
        )
        self._hearing: dict[tuple[str, Field], Sequence[Watch]] = {}
        self._twice: dict[str, Sequence[Watch]] = {}
        self._tracks: dict[str, list[tuple[Quote, Track]]] = {}
        for (name, field), track in scene.tracks.items():
            self._tracks.setdefault(name, []).append((self._market.feed(name).quote(field), track))
        self._lay_series()
        self.replace(plans, now_s)
        watches = list(self._watches())
        read = {key for watch in watches for key in watch.uses.streams}
        bars = {key for watch in watches for key in watch.uses.bars}
        self._market.drop(self._market.streams.keys() - read, self._market.bars.keys() - bars)
        self._streams = {joint: list(self._streams_over(of)) for of, joint in scene.joints.items()}
        self._held = {held: list(self._streams_over(of)) for of, held in scene.held.items()}
        for held, streams in self._held.items():
            for stream in streams[:1]:
                stream.takers.append(held.hear)

    def _lay_series(self) -> None:
        """Series that columns have already."""
        market, scene = self._market, self._scene
        for of, past in scene.series().items():
            legs = [market.feed(name).quote(field) for name, field in scene.legs_of(of)]
            for keeps in (False, True):
                market.streams[of, keeps] = PastStream(legs, past, keeps)
        for name, field, bar_s in scene.bars:
            for keeps in (False, True):
                run = market.bars[name, field, bar_s, keeps] = BarRun(bar_s, keeps)
                market.feed(name).quote(field).bars.append(run)

    def _streams_over(self, of: Expression) -> Iterator[Stream]:
        """Those that count by themselves, because columns cannot."""
        for keeps in (False, True):
            stream = self._market.streams.get((of, keeps))
            if stream is not None and not isinstance(stream, PastStream):
                yield stream

    def leap(self, name: str, row: int, own_row: int) -> None:
        """Passes over the rows before that one, which is the ``own_row``-th of the instrument's own: nothing can happen
        at them."""
        place = row * SLOTS
        for quote, track in self._tracks.get(name, ()):
            count = track.before(place, own_row)
            heard, past = track.end_at(count), track.past
            quote.prints, quote.time_s, value = track.tick_at(count)
            quote.value = value if value == value else None
            if count:
                feed = self._market.feed(name)
                feed.heard_s = quote.time_s if feed.heard_s is None else max(feed.heard_s, quote.time_s)
            if heard > past.heard:
                quote.covered_from_s = quote.kept_from_s = past.begun_s
                self._skip(quote, track, heard)
                past.heard = heard
        for joint in self._scene.joints_of(name):
            past, heard = joint.past, joint.before(place)
            for stream in self._streams[joint]:
                _extend(stream, past.times[past.heard : heard].tolist(), past.values[past.heard : heard].tolist())
            past.heard = heard
        for held in self._scene.held_of(name):
            times, values = held.pass_over(held.before(place), self._known)
            for stream in self._held[held]:
                _extend(stream, times, values)
        for watch in self._counting(name):
            self._pass_over(watch)

    def _counting(self, name: str) -> Sequence[Watch]:
        if self.twice and name not in self._twice:
            self._twice[name] = [each for each in self._audience.reading([name]) if each.run.rule.name in self.twice]
        return self._twice.get(name, ())

    def _pass_over(self, watch: Watch) -> None:
        if watch.run.rule.name in self.twice and watch.run.listens(watch):
            watch.judge.pass_over()

    def put_off(self, now_s: float) -> None:
        """Of the timers that are due by then those are left that ticks which were passed over have not put off."""
        due = []
        while (timer := self._timers.pop(now_s)) is not None:
            due.append(timer)
        for due_s, owner in due:
            if isinstance(owner, Watch) and owner.run.listens(owner):
                self._timers.set(owner, owner.next_s(due_s - 2 * EDGE_S))
            else:
                self._timers.set(owner, due_s)

    def _skip(self, quote: Quote, track: Track, heard: int) -> None:
        """What is built of prints that nobody hears."""
        past = track.past
        fresh = slice(past.heard, heard)
        for series in quote.bars:
            assert isinstance(series, BarRun), "all bars are laid at the start"
            sizes = track.sizes()
            own = None if sizes is None else sizes[past.heard - past.fresh : heard - past.fresh]
            series.extend(past.times[fresh], past.values[fresh], own, past.begun_s)
        for stream in quote.streams:
            if not isinstance(stream, PastStream) and stream.is_plain:
                _extend(stream, past.times[fresh].tolist(), past.values[fresh].tolist())

    def learn_account(
        self, figures: Mapping[AccountField, float], along: Callable[[AccountField, Index], Column] | None
    ) -> None:
        """What the account has come to at rows that are passed over: nobody has anything new to say of it. ``along`` is
        what it told on the way, where there are series that it is in."""
        for name, value in figures.items():
            self._market.account[name] = value
        self._account_along = along

    def _known(self, of: Holding, places: Index) -> Column:
        """What rules knew of it at rows that are passed over."""
        if isinstance(of, AccountReading) and self._account_along is not None:
            return self._account_along(of.field, places)
        value = self.holding(of)
        return np.full(len(places), np.nan if value is None else float(value))

    def holding(self, of: Holding) -> float | None:
        """What rules know of it."""
        match of:
            case Position(instrument):
                return self._market.positions.get(instrument.name)
            case WorkingOrders(instrument):
                return self._market.working.get(instrument.name)
            case AccountReading(name):
                return self._market.account.get(str(name))

    def begin_row(
        self,
        row: int,
        own_row: int,
        due: Collection[str] | None,
        told: Mapping[int, Sequence[Firing | HeldBack]],
    ) -> None:
        """The next ticks are those of this row. ``told`` is what comes, slot by slot, of rules that others judge."""
        self._row, self._own_row, self._due, self._told = row, own_row, due, told

    def tick(self, tick: Tick) -> Sequence[Outcome]:
        if self._unarmed or tick.time_s > self._market.now_s:
            self._advance(tick.time_s)
        name, field = tick.instrument, tick.field
        slot = self._scene.slot_of(name, field)
        self._hear_tick(name, self._row * SLOTS + slot)
        feed = self._market.feed(name)
        feed.hear(tick.time_s)
        quote = feed.quote(field)
        quote.take(tick.time_s, tick.value)
        for derived in quote.derived:
            if derived.work_out():
                derived.quote.record(tick.size)
        quote.record(tick.size)
        watches = self._hearing.get((name, field))
        if watches is None:
            watches = self._hearing[name, field] = self._audience.hearing(name, field)
        due = self._due
        for watch in watches:
            rule = watch.run.rule.name
            if due is None or rule in due or rule in self.stirred:
                self._jury.judge(watch, Moment.PRINT)
            else:
                self._pass_over(watch)
        return self._among(self._jury.flush(), self._told.get(slot, ()))

    def _hear_tick(self, name: str, place: int) -> None:
        """The columns up to that place count."""
        for _, track in self._tracks.get(name, ()):
            track.past.heard = track.end_at(track.until(place, self._own_row))
        for joint in self._scene.joints_of(name):
            joint.past.heard = joint.before(place + 1)
        for held in self._scene.held_of(name):
            held.heard = held.before(place + 1)

    def _among(self, outcomes: Sequence[Outcome], told: Sequence[Firing | HeldBack]) -> Sequence[Outcome]:
        """In the order of the rules."""
        if not told:
            return outcomes
        return sorted([*outcomes, *told], key=lambda outcome: self._numbers[rule_of(outcome)])

    def not_used(self, rule: str) -> None:
        self.stirred.add(rule)
        super().not_used(rule)

    def _hear(self, key: Key) -> Slices[None]:
        if key not in _ACCOUNT:
            self.stirred.update(watch.run.rule.name for watch in self._audience.of(key))
        return super()._hear(key)


def _extend(stream: Stream, times: Sequence[float], values: Sequence[float]) -> None:
    """As if the prints came one by one: its sums let go of what nobody reads with every so many of them."""
    at = 0
    while at < len(times):
        held = len(stream.sums.times) if stream.sums is not None else 0
        end = at + TRIM_MIN - held % TRIM_MIN
        stream.extend(times[at:end], values[at:end])
        at = end


def rule_of(outcome: Outcome) -> str:
    """The name of the rule that it is about."""
    return outcome.firing.rule if isinstance(outcome, HeldBack) else outcome.rule
