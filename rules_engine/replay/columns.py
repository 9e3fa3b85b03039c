"""The engine on columns: what rules need not see is found for a whole slice of time, and passed over."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from rules_engine.evaluation.columnar.dues import Dues
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.past import Index, Past
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.tolerance import EDGE_S
from rules_engine.recordings.slices import Row, Slice
from rules_engine.replay.reads import is_intertwined
from rules_engine.replay.streaming import Play, Stage


def pays(stage: Stage, countable: Sequence[bool]) -> bool:
    """Whether there are prices that columns can leave out."""
    return not stage.reads_account and any(_Leaps(stage, countable).can_leap)


class Leaping:
    """Yields exactly what `Streaming` does: its loop, on the rows at which something may happen.

    ``countable`` says of each recording whether sums over its prices are exact in whole steps.
    """

    def __init__(self, stage: Stage, countable: Sequence[bool]) -> None:
        self._leaps = _Leaps(stage, countable)
        self._play = Play(stage, self._leaps.evaluator)

    def take(self, piece: Slice) -> Iterator[Firing | HeldBack]:
        """What comes of the next prices."""
        return self._play.take(self._leaps.rows(piece))

    def end(self) -> Iterator[Firing | HeldBack]:
        """What comes of the time that is left when no prices follow."""
        return self._play.end()


_EVERYONE = ""
_EMPTY = Slice(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), ())


@dataclass(frozen=True, slots=True)
class _Calls:
    """The rows of a slice at which rules must be judged, and from where to where each one's ``rules`` are."""

    rows: list[int]
    bounds: list[int]
    rules: list[int]


class _Leaps:
    """Gives the rows that must be played, and brings the evaluator, the desk and the book past all others.

    A row is played when a side changes for some rule, a timer is due, an order works in its instrument or a day ends;
    and when it is an instrument's first one after anything was judged that is not a print.
    """

    def __init__(self, stage: Stage, countable: Sequence[bool]) -> None:
        self._stage = stage
        self._countable = countable
        self._names = [plan.rule.name for plan in stage.plans]
        self._dues = [Dues(plan.rule) for plan in stage.plans]
        self.can_leap = [self._is_passable(number) for number in range(len(stage.voices))]
        self._pasts = {number: Past() for number, can_leap in enumerate(self.can_leap) if can_leap}
        self._meets = [self._met_with(number) for number in range(len(stage.voices))]
        self._read_by = {
            name: self._numbers(dues.by_instrument) for name, dues in zip(self._names, self._dues, strict=True)
        }
        self._evaluator: LeapingEvaluator | None = None
        self._slice = _EMPTY
        self._own: list[memoryview] = []
        self._heard = [0] * len(stage.voices)
        self._wanted: list[tuple[int, str]] = []
        """Rows at which a rule must be judged whatever they say; all rules where none is named."""

    def evaluator(self, now_s: float) -> LeapingEvaluator:
        """The one that is brought along."""
        pasts = {self._stage.voices[number].instrument: past for number, past in self._pasts.items()}
        self._evaluator = LeapingEvaluator(self._stage.plans, now_s, pasts)
        return self._evaluator

    def rows(self, piece: Slice) -> Iterator[Row]:
        """Those of the next slice, in order; to be taken one at a time, each after the one before was played."""
        span = self._stage.span
        calls = self._turn_over(piece)
        arm, end = (int(at) for at in np.searchsorted(piece.times_s, (span.start_s, span.end_s)))
        self._wanted = [(arm, _EVERYONE)] if self._evaluator is not None else [(0, _EVERYONE), (arm, _EVERYONE)]
        yield from self._walk(calls, end)

    # What is asked of the columns, once a slice.

    def _is_passable(self, number: int) -> bool:
        voice = self._stage.voices[number]
        if voice.plain is None or not self._countable[number]:
            return False
        name = voice.instrument.name
        asked = [dues.by_instrument[name] for dues in self._dues if name in dues.by_instrument]
        return not asked or any(leaves is not None for leaves in asked)

    def _numbers(self, names: Iterable[str]) -> Sequence[int]:
        numbers = self._stage.known.numbers
        return [numbers[name] for name in names if name in numbers]

    def _met_with(self, number: int) -> Sequence[int]:
        """The recordings that are read where this one is, and all that are traded: limits look at them together."""
        name = self._stage.voices[number].instrument.name
        names = {name}
        for plan, dues in zip(self._stage.plans, self._dues, strict=True):
            read = {*dues.by_instrument, *(one.name for one in plan.reads)}
            names.update(one.name for one in plan.orders_in)
            names |= read if name in read else set()
        known = [voice.instrument.name for voice in self._stage.voices]
        is_all = any(is_intertwined(plan.rule) for plan in self._stage.plans)
        return [other for other in self._pasts if is_all or known[other] in names]

    def _turn_over(self, piece: Slice) -> _Calls:
        self._slice = piece
        self._own = [places.data for places in piece.of]
        self._heard = [0] * len(self._own)
        rows, rules = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for number, own in enumerate(piece.of):
            for rule, due in self._due(number, own):
                rows.append(own[due])
                rules.append(np.full(len(due), rule))
        every = np.concatenate(rows)
        order = np.argsort(every, kind="stable")
        called, firsts = np.unique(every[order], return_index=True)
        return _Calls(called.tolist(), [*firsts.tolist(), len(every)], np.concatenate(rules)[order].tolist())

    def _due(self, number: int, own: Index) -> Iterator[tuple[int, Index]]:
        name, past = self._stage.voices[number].instrument.name, self._pasts.get(number)
        if past is None:
            yield 0, np.arange(len(own))
            return
        past.turn_over(self._slice.times_s[own], self._slice.first[own])
        columns = Columns(past)
        for rule, dues in enumerate(self._dues):
            if len(own) and name in dues.by_instrument:
                yield rule, dues.prints(name, columns)

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
            row = min(called, wanted, timer, traded, end - 1)
            due = self._named(row)
            if row == called:
                due.update(self._names[rule] for rule in calls.rules[calls.bounds[call] : calls.bounds[call + 1]])
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
        """The next row that the desk must hear: of an instrument with orders, or after a day's end."""
        desk = self._stage.desk
        row = bisect_left(times, desk.wakes_s, at) if desk.wakes_s > float("-inf") else len(times)
        for name in desk.working:
            number = self._stage.known.numbers.get(name)
            if number is not None:
                row = min(row, self._next_own(number, at))
        return row

    def _next_own(self, number: int, at: int) -> int:
        own = self._own[number]
        place = bisect_left(own, at, self._heard[number])
        return own[place] if place < len(own) else len(self._slice)

    def _want_next(self, at: int) -> None:
        """The next row of every instrument is news to the rules that were stirred."""
        assert self._evaluator is not None
        for rule in self._evaluator.stirred:
            for number in self._read_by[rule]:
                row = self._next_own(number, at)
                if row < len(self._slice):
                    heappush(self._wanted, (row, rule))
        self._evaluator.stirred.clear()

    def _play(self, at: int, row: int, due: Collection[str] | None, *, everything: bool) -> Row:
        """Passes over the rows from ``at`` to that one."""
        if row > at:
            self._mark(at, row)
        number = int(self._slice.numbers[row])
        for other in self._pasts if everything else self._meets[number]:
            self._leap(other, row)
        if number in self._pasts:
            self._leap(number, row)
        self._heard[number] += 1
        if self._evaluator is not None:
            self._evaluator.due = due
        return self._row(row)

    def _leap(self, number: int, row: int) -> None:
        heard = self._heard[number]
        own = self._own[number]
        place = bisect_left(own, row, heard)
        if place > heard:
            last = self._row(own[place - 1])
            self._stage.known.latest[number] = last
            self._heard[number] = place
            assert self._evaluator is not None, "the first row of all is played"
            self._evaluator.leap(self._stage.voices[number].instrument, place - heard, last[0], last[2])

    def _row(self, row: int) -> Row:
        piece = self._slice
        return float(piece.times_s[row]), int(piece.numbers[row]), float(piece.first[row]), float(piece.second[row])

    def _mark(self, at: int, row: int) -> None:
        """What is held is worth more or less with every row; no order works in it, so nothing else comes of these."""
        hears = self._stage.desk.hears
        if not hears:
            return
        numbers = self._slice.numbers[at:row]
        heard = np.flatnonzero(np.isin(numbers, list(hears))) if len(self._own) > 1 else np.arange(row - at)
        if len(heard):
            names = [voice.instrument.name for voice in self._stage.voices]
            prices, times_s = self._slice.first[at:row][heard], self._slice.times_s[at:row][heard]
            self._stage.book.mark_all(names, numbers[heard], prices, times_s)
