"""The rules that only tell: judged slice by slice in columns, beside the evaluator that judges all others."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.leaves import Key
from rules_engine.evaluation.columnar.moments import Moments
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.telling import Teller, teller_of
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.plan import Plan
from rules_engine.replay.desk import Desk
from rules_engine.replay.streaming import Stage

_NO_PLACES: Index = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ToldSlice:
    """What came of a slice, in order; ``places`` are those of the ticks by which it came."""

    times_s: Column
    places: Callable[[], Index]
    outcomes: Sequence[Firing | HeldBack]


NOTHING = ToldSlice(np.empty(0), lambda: _NO_PLACES, ())


class Told:
    """Gives what is told of a slice in its place among what is played of it."""

    def __init__(self, of: ToldSlice, desk: Desk) -> None:
        self._of = of
        self._desk = desk
        self._places: Sequence[int] = ()
        self._next = 0
        self._ready: list[Firing | HeldBack] = []

    def place(self) -> None:
        """There are rows that are played: where among them it belongs."""
        self._places = self._of.places().tolist()

    def play(self, row: int) -> Mapping[int, Sequence[Firing | HeldBack]]:
        """What is told of that row, which is played next, slot by slot; it is no longer for others to give."""
        before = bisect_left(self._places, row * SLOTS, self._next)
        after = bisect_left(self._places, (row + 1) * SLOTS, before)
        self._ready += self._of.outcomes[self._next : before]
        self._next = after
        found: dict[int, list[Firing | HeldBack]] = {}
        for number in range(before, after):
            found.setdefault(self._places[number] % SLOTS, []).append(self._of.outcomes[number])
        return found

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

    def __init__(self, plans: Sequence[Plan], scene: Scene) -> None:
        self.is_begun = False
        self.rules: set[str] = set()
        self._scene = scene
        self._tellers: dict[frozenset[Key], list[tuple[int, str, Teller]]] = {}
        for number, plan in enumerate(plans):
            teller = teller_of(plan.rule, scene)
            if teller is not None:
                self.rules.add(plan.rule.name)
                self._tellers.setdefault(teller.keys, []).append((number, plan.rule.name, teller))

    def begin(self, evaluator: LeapingEvaluator, armed_s: float) -> None:
        """Takes over from the evaluator, which has armed all rules and heard everything so far."""
        self.is_begun = True
        lives = evaluator.lives()
        for keys, tellers in self._tellers.items():
            judged_s = max(armed_s, *(self._scene.tracks[key].last_s for key in keys))
            for _, name, teller in tellers:
                teller.begin(lives[name], self._scene, judged_s)
                evaluator.pause(name, armed_s)
        evaluator.stirred -= self.rules

    def begin_unheard(self) -> None:
        """Nothing was heard before the rules were armed."""
        self.is_begun = True

    def take(self, stage: Stage) -> Told:
        """What comes of the slice, up to the end of the span."""
        if not self.is_begun:
            return Told(NOTHING, stage.desk)
        told = _together([found for found in map(self._of, self._tellers) if found is not None])
        end = int(np.searchsorted(told.times_s, stage.span.end_s))
        cut = ToldSlice(told.times_s[:end], lambda: told.places()[:end], told.outcomes[:end])
        return Told(cut, stage.desk)

    def _of(self, keys: frozenset[Key]) -> "_OfKeys | None":
        """What comes of the ticks of these fields."""
        moments, tellers = self._scene.moments(keys), self._tellers[keys]
        if not len(moments):
            return None
        columns = self._scene.columns(keys)
        found = [teller.take(columns) for _, _, teller in tellers]
        prints = np.concatenate([each.prints for each in found])
        if not len(prints):
            return None
        said = [outcome for each in found for outcome in each.outcomes]
        numbers = np.repeat([number for number, _, _ in tellers], [len(each.outcomes) for each in found])
        order = np.argsort(prints, kind="stable")
        in_order = [said[place] for place in order.tolist()] if len(found) > 1 else said
        return _OfKeys(moments, prints[order], numbers[order], in_order)


@dataclass(frozen=True, slots=True)
class _OfKeys:
    """Outcomes in the order of the moments and, at one of them, of the ``rules``."""

    moments: Moments
    prints: Index
    rules: Index
    outcomes: Sequence[Firing | HeldBack]

    def places(self) -> Index:
        return self.moments.places[self.prints]


def _together(found: Sequence[_OfKeys]) -> ToldSlice:
    """By the places of their ticks and, at one tick, in the order of the rules."""
    if not found:
        return NOTHING
    times = [each.moments.times[each.prints] for each in found]
    if len(found) == 1:
        return ToldSlice(times[0], found[0].places, found[0].outcomes)
    places = np.concatenate([each.places() for each in found])
    order = np.lexsort((np.concatenate([each.rules for each in found]), places))
    outcomes = [outcome for each in found for outcome in each.outcomes]
    in_order = [outcomes[place] for place in order.tolist()]
    return ToldSlice(np.concatenate(times)[order], lambda: places[order], in_order)
