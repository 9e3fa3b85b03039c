"""The engine on columns: what rules need not see is found for a whole slice of time, and passed over."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

import numpy as np

from rules_engine.evaluation.columnar.dues import Dues
from rules_engine.evaluation.columnar.kernels import kernels_for
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.tick import Tick
from rules_engine.model.tolerance import EDGE_S
from rules_engine.recordings.slices import Row, Slice
from rules_engine.replay.figures import figures_along
from rules_engine.replay.hearing import hear, scene_of
from rules_engine.replay.holding import Waiting
from rules_engine.replay.marks import marks_of
from rules_engine.replay.only_telling import OnlyTelling
from rules_engine.replay.reads import is_intertwined
from rules_engine.replay.resting import Resting
from rules_engine.replay.streaming import Play, Stage
from rules_engine.replay.telling import NOTHING, Telling, Told


def on_columns(stage: Stage, countable: Sequence[bool]) -> "OnlyTelling | Leaping":
    """The engine for these rules. ``countable`` says of each recording whether sums over its prices are exact in whole
    steps."""
    scene = scene_of(stage, countable, kernels_for(stage.extent.rows * len(stage.plans)))
    telling = Telling(stage.plans, scene)
    if OnlyTelling.suits(stage, telling):
        return OnlyTelling(stage, scene, telling)
    return Leaping(stage, scene, telling)


class Leaping:
    """Yields exactly what `Streaming` does: its loop, on the rows at which something may happen."""

    def __init__(self, stage: Stage, scene: Scene, telling: Telling) -> None:
        self._leaps = _Leaps(stage, scene, telling)
        self._play = Play(stage, self._leaps.evaluator, self._leaps.ticks)

    def take(self, piece: Slice) -> Iterator[Firing | HeldBack]:
        """What comes of the next prices."""
        for part in self._leaps.parts(piece):
            told = self._leaps.turn_over(part)
            for outcome in self._play.take(self._leaps.rows()):
                yield from told.ready()
                yield outcome
            yield from told.rest()

    def end(self) -> Iterator[Firing | HeldBack]:
        """What comes of the time that is left when no prices follow."""
        yield from self._play.end()
        self._leaps.forget()


_EVERYONE = ""
_EMPTY = Slice(())


@dataclass(frozen=True, slots=True)
class _Calls:
    """The rows of a slice at which rules must be judged, and from where to where each one's ``rules`` are."""

    rows: list[int]
    bounds: list[int]
    rules: list[int]


class _Leaps:
    """Gives the rows that must be played, and brings the evaluator, the desk and the book past all others. Rules that
    only tell are told apart once they are armed, and need none.

    A row is played when a side changes for some rule, a timer is due, something comes of an order or a day ends; and
    when it is an instrument's first one after anything was judged that is not a tick.
    """

    def __init__(self, stage: Stage, scene: Scene, telling: Telling) -> None:
        self._stage = stage
        self._scene = scene
        self._telling = telling
        self._names = [plan.rule.name for plan in stage.plans]
        self._instruments = [voice.instrument.name for voice in stage.voices]
        self._dues = [Dues(plan.rule, self._scene) for plan in stage.plans]
        self._meets = [self._met_with(number) for number in range(len(stage.voices))]
        self._read_by = {name: self._numbers(dues.reads) for name, dues in zip(self._names, self._dues, strict=True)}
        self._seldom = {name: list(dues.seldom) for name, dues in zip(self._names, self._dues, strict=True)}
        self._twice = {name for name, dues in zip(self._names, self._dues, strict=True) if dues.is_twice}
        self._remembers_account = any(held.reads_account for held in scene.held.values())
        self._waiting = Waiting(stage, scene, self._dues)
        self._resting = Resting(stage)
        self._evaluator: LeapingEvaluator | None = None
        self._slice = _EMPTY
        self._own: list[memoryview] = []
        self._heard = [0] * len(stage.voices)
        self._row_now = 0
        self._told = Told(NOTHING, stage.desk)
        self._calls = _Calls([], [0], [])
        self._wanted: list[tuple[int, str]] = []
        """Rows at which a rule must be judged whatever they say; all rules where none is named."""

    def evaluator(self, now_s: float) -> LeapingEvaluator:
        """The one that is brought along."""
        self._evaluator = LeapingEvaluator(self._stage.plans, now_s, self._scene)
        self._evaluator.twice = self._twice
        return self._evaluator

    def ticks(self, row: Row) -> Iterator[Tick]:
        """What is heard of the row that is played, as columns have it."""
        return self._scene.ticks(self._instruments[row[1]], self._row_now, self._heard[row[1]] - 1, row[3])

    def parts(self, piece: Slice) -> Iterator[Slice]:
        """The slice; in two where rules are armed in it, so that those that only tell begin with the second."""
        if not self._telling.rules or self._telling.is_begun:
            yield piece
            return
        span = self._stage.span
        arm, end = (int(at) for at in np.searchsorted(piece.times_s, (span.start_s, span.end_s)))
        if arm >= end:
            yield piece
            return
        before, after = piece.cut(arm + 1)
        yield before
        assert self._evaluator is not None, "the first row of all is played"
        self._telling.begin(self._evaluator, max(span.start_s, self._stage.extent.first_s))
        yield after

    def turn_over(self, piece: Slice) -> Told:
        """Takes the next slice: what is told of it, beside what comes of the `rows` that are played."""
        self._slice = piece
        self._heard = [0] * len(piece.counts)
        hear(self._scene, self._stage, piece)
        self._calls = self._called()
        self._waiting.turn_over(piece)
        self._resting.turn_over(piece)
        self._told = self._telling.take(self._stage)
        return self._told

    def forget(self) -> None:
        """Lets go of all columns, long before anybody collects what is left."""
        self._slice, self._own = _EMPTY, []
        self._waiting.turn_over(_EMPTY)
        self._resting.turn_over(_EMPTY)
        self._calls, self._told = _Calls([], [0], []), Told(NOTHING, self._stage.desk)
        self._scene.forget()

    def rows(self) -> Iterator[Row]:
        """Those of the slice that must be played, in order; to be taken one at a time, each after the one before was
        played."""
        piece, span = self._slice, self._stage.span
        if self._has_nothing_to_play():
            return
        self._own = [places.data for places in piece.of]
        self._told.place()
        arm, end = (int(at) for at in np.searchsorted(piece.times_s, (span.start_s, span.end_s)))
        self._wanted = [(arm, _EVERYONE)] if self._evaluator is not None else [(0, _EVERYONE), (arm, _EVERYONE)]
        yield from self._walk(self._calls, end)

    def _has_nothing_to_play(self) -> bool:
        """Whether all that comes of the slice is told."""
        desk = self._stage.desk
        is_quiet = not desk.hears and -inf < self._slice.last_s < desk.wakes_s
        return is_quiet and self._telling.is_begun and len(self._telling.rules) == len(self._names)

    # What is asked of the columns, once a slice.

    def _numbers(self, names: Iterable[str]) -> Sequence[int]:
        numbers = self._stage.known.numbers
        return [numbers[name] for name in names if name in numbers]

    def _met_with(self, number: int) -> Sequence[int]:
        """The recordings that are read where this one is, and all that are traded: limits look at them together."""
        name = self._instruments[number]
        names = {name}
        for plan, dues in zip(self._stage.plans, self._dues, strict=True):
            read = {*dues.reads, *(one.name for one in plan.reads)}
            names.update(one.name for one in plan.orders_in)
            names |= read if name in read else set()
        is_all = any(is_intertwined(plan.rule) for plan in self._stage.plans)
        return [other for other, known in enumerate(self._instruments) if is_all or known in names]

    def _called(self) -> _Calls:
        rows, rules = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for rule, dues in enumerate(self._dues):
            if self._names[rule] in self._telling.rules:
                continue
            for due in dues.rows():
                rows.append(due)
                rules.append(np.full(len(due), rule))
        every = np.concatenate(rows)
        order = np.argsort(every, kind="stable")
        called, firsts = np.unique(every[order], return_index=True)
        return _Calls(called.tolist(), [*firsts.tolist(), len(every)], np.concatenate(rules)[order].tolist())

    # Where it goes next, one row after the other.

    def _walk(self, calls: _Calls, end: int) -> Iterator[Row]:
        times = self._slice.times_s.data
        at = call = 0
        while at < end:
            while call < len(calls.rows) and calls.rows[call] < at:
                call += 1
            called = calls.rows[call] if call < len(calls.rows) else end
            wanted = self._wanted[0][0] if self._wanted else end
            timer, traded = self._timer_row(times, at), self._trading_row(times, at)
            held = self._waiting.next_row(at, self._evaluator)
            row = min(called, wanted, timer, traded, held, end - 1)
            due = self._named(row)
            if row == called:
                due.update(self._names[rule] for rule in calls.rules[calls.bounds[call] : calls.bounds[call + 1]])
            if row == held:
                due.update(self._waiting.rules(row))
            is_news = row == timer or _EVERYONE in due
            yield self._play(at, row, None if is_news else due, everything=is_news or row in (traded, end - 1))
            at = row + 1
            if self._evaluator is not None and self._evaluator.stirred:
                self._want_next(at)

    def _named(self, row: int) -> set[str]:
        """The rules that are wanted there."""
        names = set()
        while self._wanted and self._wanted[0][0] <= row:
            names.add(heappop(self._wanted)[1])
        return names

    def _timer_row(self, times: memoryview, at: int) -> int:
        due_s = None if self._evaluator is None else self._evaluator.next_timer_s()
        return len(times) if due_s is None else bisect_left(times, due_s - 2 * EDGE_S, at)

    def _trading_row(self, times: memoryview, at: int) -> int:
        """The next row that the desk must hear: by which something comes of an order, or after a day's end."""
        desk = self._stage.desk
        row = bisect_left(times, desk.wakes_s, at) if desk.wakes_s > float("-inf") else len(times)
        return min(row, self._resting.next_row(at))

    def _next_own(self, number: int, at: int) -> int:
        own = self._own[number]
        place = bisect_left(own, at, self._heard[number])
        return own[place] if place < len(own) else len(self._slice)

    def _want_next(self, at: int) -> None:
        """To rules that were stirred the next row of every instrument is news, or two where two must agree, and the
        next one with what seldom ticks."""
        assert self._evaluator is not None
        for rule in self._evaluator.stirred:
            for number in self._read_by[rule]:
                row = at
                for _ in range(2 if rule in self._twice else 1):
                    row = self._next_own(number, row)
                    if row < len(self._slice):
                        heappush(self._wanted, (row, rule))
                    row += 1
            for key in self._seldom[rule]:
                places = self._scene.tracks[key].places
                place = int(np.searchsorted(places, at * SLOTS))
                if place < len(places):
                    heappush(self._wanted, (int(places[place]) // SLOTS, rule))
        self._evaluator.stirred.clear()

    def _play(self, at: int, row: int, due: Collection[str] | None, *, everything: bool) -> Row:
        """Passes over the rows from ``at`` to that one."""
        if row > at:
            self._mark(at, row)
        number = int(self._slice.numbers[row])
        for other in range(len(self._own)) if everything else self._meets[number]:
            self._leap(other, row)
        self._leap(number, row)
        own_row = self._heard[number]
        self._heard[number] += 1
        self._row_now = row
        told, played = self._told.play(row), self._row(row)
        if self._evaluator is not None:
            self._evaluator.put_off(played[0])
            self._evaluator.begin_row(row, own_row, due, told)
        return played

    def _leap(self, number: int, row: int) -> None:
        heard = self._heard[number]
        own = self._own[number]
        place = bisect_left(own, row, heard)
        if place > heard:
            self._resting.pass_over(number, heard, place)
            self._stage.known.latest[number] = self._row(own[place - 1])
            self._heard[number] = place
            assert self._evaluator is not None, "the first row of all is played"
            self._evaluator.leap(self._instruments[number], row, place)

    def _row(self, row: int) -> Row:
        piece = self._slice
        return float(piece.times_s[row]), int(piece.numbers[row]), float(piece.first[row]), float(piece.second[row])

    def _mark(self, at: int, row: int) -> None:
        """What is held is worth more or less with every row; nothing else comes of these."""
        marks = marks_of(self._stage, self._slice, at, row)
        along = figures_along(self._stage, marks).at if self._remembers_account else None
        if len(marks.rows):
            self._stage.book.mark_all(self._instruments, marks.numbers, marks.prices, self._slice.times_s[marks.rows])
        if self._stage.reads_account and self._evaluator is not None:
            self._evaluator.learn_account(self._stage.book.figures(), along)
