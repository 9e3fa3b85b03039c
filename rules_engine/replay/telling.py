"""The rules that only tell: judged slice by slice in columns, beside the evaluator that judges all others."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.telling import Teller, teller_of
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.plan import Plan
from rules_engine.recordings.slices import Slice
from rules_engine.replay.desk import Desk
from rules_engine.replay.streaming import Stage


@dataclass(frozen=True, slots=True)
class ToldSlice:
    """What came of a slice, in order; ``numbers`` and ``prints`` say of which recording's own rows, at what times."""

    numbers: Index
    prints: Index
    times_s: Column
    outcomes: Sequence[Firing | HeldBack]


_NO_PRINTS: Index = np.empty(0, dtype=np.int64)
NOTHING = ToldSlice(_NO_PRINTS, _NO_PRINTS, np.empty(0), ())


class Told:
    """Gives what is told of a slice in its place among what is played of it."""

    def __init__(self, of: ToldSlice, desk: Desk) -> None:
        self._of = of
        self._desk = desk
        self._rows: Sequence[int] = ()
        self._next = 0
        self._ready: list[Firing | HeldBack] = []

    def place(self, piece: Slice) -> None:
        """There are rows that are played: where among them it belongs."""
        rows = np.empty(len(self._of.prints), dtype=np.int64)
        for number in np.unique(self._of.numbers).tolist():
            own = self._of.numbers == number
            rows[own] = piece.of[number][self._of.prints[own]]
        self._rows = rows.tolist()

    def play(self, row: int) -> Sequence[Firing | HeldBack]:
        """What is told of that row, which is played next, and is no longer for others to give."""
        before = bisect_left(self._rows, row, self._next)
        after = bisect_right(self._rows, row, before)
        self._ready += self._of.outcomes[self._next : before]
        self._next = after
        return self._of.outcomes[before:after]

    def ready(self) -> Sequence[Firing | HeldBack]:
        """What is told of rows before the one that is played."""
        ready, self._ready = self._ready, []
        self._desk.tell(ready)
        return ready

    def rest(self) -> Sequence[Firing | HeldBack]:
        """What is told and was not given yet, once everything has been played."""
        self._ready += self._of.outcomes[self._next :]
        self._next = len(self._of.outcomes)
        return self.ready()


class Telling:
    """``rules`` are the names of those that are told here, once `begin` was called."""

    def __init__(self, plans: Sequence[Plan], numbers: Mapping[str, int], pasts: Mapping[int, Past]) -> None:
        self.is_begun = False
        self.rules: set[str] = set()
        self._tellers: dict[int, list[tuple[str, Teller]]] = {}
        self._pasts = pasts
        for plan in plans:
            names = {one.name for one in plan.reads}
            number = numbers.get(*names) if len(names) == 1 else None
            teller = None if number is None or number not in pasts else teller_of(plan.rule)
            if teller is not None and number is not None:
                self.rules.add(plan.rule.name)
                self._tellers.setdefault(number, []).append((plan.rule.name, teller))

    def begin(self, evaluator: LeapingEvaluator, armed_s: float) -> None:
        """Takes over from the evaluator, which has armed all rules and heard everything so far."""
        self.is_begun = True
        lives = evaluator.lives()
        for number, tellers in self._tellers.items():
            for name, teller in tellers:
                teller.begin(lives[name], self._pasts[number], armed_s)
                evaluator.pause(name, armed_s)
        evaluator.stirred -= self.rules

    def take(self, columns: Mapping[int, Columns], stage: Stage) -> Told:
        """What comes of the fresh prints of each recording, up to the end of the span."""
        if not self.is_begun:
            return Told(NOTHING, stage.desk)
        told = self._all(columns)
        end = int(np.searchsorted(told.times_s, stage.span.end_s))
        cut = ToldSlice(told.numbers[:end], told.prints[:end], told.times_s[:end], told.outcomes[:end])
        return Told(cut, stage.desk)

    def _all(self, columns: Mapping[int, Columns]) -> ToldSlice:
        numbers, prints, times = [_NO_PRINTS], [_NO_PRINTS], [NOTHING.times_s]
        outcomes: list[Firing | HeldBack] = []
        for number, tellers in sorted(self._tellers.items()):
            if not len(columns[number]):
                continue
            found = [teller.take(columns[number]) for _, teller in tellers]
            own = np.concatenate([each.prints for each in found])
            if not len(own):
                continue
            said = [outcome for each in found for outcome in each.outcomes]
            order = np.argsort(own, kind="stable")
            own = own[order]
            past = self._pasts[number]
            numbers.append(np.full(len(own), number))
            prints.append(own)
            times.append(past.times[past.fresh + own])
            outcomes += [said[place] for place in order.tolist()] if len(found) > 1 else said
        if len(prints) < 3:
            return ToldSlice(numbers[-1], prints[-1], times[-1], outcomes)
        at_s = np.concatenate(times)
        order = np.argsort(at_s, kind="stable")
        ordered = [outcomes[place] for place in order.tolist()]
        return ToldSlice(np.concatenate(numbers)[order], np.concatenate(prints)[order], at_s[order], ordered)
