"""Rules that only tell: judged in columns alone, from the tick after their arming on, firings and all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np

from rules_engine.evaluation.columnar.arrays import FALSE, TRUE, UNKNOWN, Index
from rules_engine.evaluation.columnar.leaves import Key
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.truths import Told, runs, told
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.model.action import Notify
from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.expression import Arithmetic, Call, Expression, Negative, Number, walk
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.life import Life
from rules_engine.model.rule import Case, IfAlreadyTrue, Rule
from rules_engine.model.tolerance import EDGE_S

_UNNAMED = (Number, Arithmetic, Negative, Call)
_KNOWN = {"t": True, "f": False}


@dataclass(frozen=True, slots=True)
class Edges:
    """What came of one rule in a slice: outcomes at its moments, from 0, ascending; at one of them case by case."""

    prints: Index
    outcomes: list[Firing | HeldBack]


class Teller:
    """One rule. ``keys`` are the fields at whose ticks it is judged; nothing but these ticks changes what it says."""

    def __init__(self, rule: Rule, cases: tuple["_Case", ...], keys: frozenset[Key]) -> None:
        self.keys = keys
        self._rule = rule
        self._cases = cases
        self._is_done = False
        self._until_s: float | None = None

    def begin(self, life: Life, scene: Scene, judged_s: float) -> None:
        """Goes on from a life in which the scene was heard so far, and that was judged at that moment last."""
        self._is_done, self._until_s = life.done, life.cooldown_until_s
        for case, known, sides in zip(self._cases, life.known, life.sides.split(","), strict=True):
            case.known = _KNOWN.get(known)
            case.told.recall(sides, scene, judged_s)

    def take(self, columns: Columns) -> Edges:
        """What comes of the moments of a slice."""
        if self._is_done:
            return Edges(np.empty(0, dtype=np.int64), [])
        found = [case.edges(columns) for case in self._cases]
        if len(found) == 1:
            prints, order = found[0], None
        else:
            prints = np.concatenate(found)
            numbers = np.repeat(np.arange(len(found)), [len(each) for each in found])
            order = np.lexsort((numbers, prints))
        if self._rule.once and self._until_s is None and self._rule.cooldown_s is None and order is None:
            prints = prints[:1]
            found = [prints]
        firings = [
            firing for case, own in zip(self._cases, found, strict=True) for firing in case.firings(columns, own)
        ]
        if order is not None:
            prints, firings = prints[order], [firings[place] for place in order.tolist()]
        return self._guarded(prints, firings)

    def _guarded(self, prints: Index, firings: list[Firing]) -> Edges:
        """As Run has it: a cooldown holds edges back, `once` ends it all."""
        if not self._rule.once and self._rule.cooldown_s is None:
            return Edges(prints, list(firings))
        outcomes: list[Firing | HeldBack] = []
        for firing in firings:
            if self._until_s is not None and firing.at_s < self._until_s - EDGE_S:
                outcomes.append(HeldBack(firing, Reason.COOLING_DOWN))
                continue
            outcomes.append(firing)
            if self._rule.cooldown_s is not None:
                self._until_s = firing.at_s + self._rule.cooldown_s
            if self._rule.once:
                self._is_done = True
                break
        return Edges(prints[: len(outcomes)], outcomes)


class _Case:
    """``known`` is the last truth that was not unknown."""

    def __init__(self, rule: Rule, number: int, case: Case, told: Told) -> None:
        self.told = told
        self.known: bool | None = None
        self._rule = rule.name
        self._number = number
        self._actions = tuple(map(str, case.actions))
        self._fires_at_once = rule.if_already_true is IfAlreadyTrue.FIRE
        self._named = _named(case.when)

    def edges(self, columns: Columns) -> Index:
        """The moments, from 0, with which it turns true or an event happens."""
        said = self.told.say(columns)
        if said.truths.max(initial=UNKNOWN) < TRUE:
            if (said.truths == FALSE).any():
                self.known = False
            return said.pulses
        firsts, after = runs(said.truths, UNKNOWN)
        rises = np.empty(0, dtype=np.int64)
        if len(after):
            before = np.concatenate(([self.known is True], after[:-1] == TRUE))
            rises = firsts[(after == TRUE) & ~before]
            first = int(firsts[0])
            if self.known is None and after[0] == TRUE and not (self._fires_at_once or said.happening(first)):
                rises = rises[1:]
            self.known = bool(after[-1] == TRUE)
        if not len(said.pulses):
            return rises
        return np.union1d(rises, said.pulses) if len(rises) else said.pulses

    def firings(self, columns: Columns, prints: Index) -> Iterable[Firing]:
        """Those of some moments, each with what the condition read."""
        if not len(prints):
            return ()
        few, places = columns.few(prints)
        at_s = few.moments.times[places].tolist()
        read = [(name, few.values_at(part, places)) for name, part in self._named.items()]
        read += [("move", moved) for moved in self.told.evidence(few, places)]
        names = [name for name, _ in read]
        rows = zip(*(column.tolist() for _, column in read), strict=True)
        is_all_known = not any(np.isnan(column).any() for _, column in read)
        each = map(dict, map(zip, repeat(names), rows)) if is_all_known else map(_known, repeat(names), rows)
        rows = zip(repeat(self._rule), repeat(self._number), at_s, each, repeat(self._actions))
        return map(partial(tuple.__new__, Firing), rows)


def _known(names: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    return {name: value for name, value in zip(names, row, strict=True) if value == value}


def teller_of(rule: Rule, scene: Scene) -> Teller | None:
    """None for a rule that orders, of which the clock matters, whose cases are not judged at the same ticks, or with
    more in its life than cooldown and `once`."""
    guards = (rule.clears_when, rule.only_if, rule.cancel_when, rule.at_most, rule.active, rule.expires_s)
    is_plain = rule.enabled and rule.stale_after_s is None and all(guard is None for guard in guards)
    actions = (action for case in rule.cases for action in case.actions)
    only_tells = all(isinstance(action, Notify) for action in actions)
    if not is_plain or not only_tells or rule.if_already_true is IfAlreadyTrue.REFUSE:
        return None
    keys = {frozenset(key for leaf in scene.leaves(case.when) for key in leaf.reads) for case in rule.cases}
    conditions = [told(case.when, scene.can_count) for case in rule.cases]
    cases = tuple(
        _Case(rule, number, case, condition)
        for number, (case, condition) in enumerate(zip(rule.cases, conditions, strict=True))
        if condition is not None
    )
    own = next(iter(keys))
    return Teller(rule, cases, own) if own and len(keys) == 1 and len(cases) == len(rule.cases) else None


def _named(condition: Condition) -> Mapping[str, Expression]:
    """What a firing shows: readings, series and `let` names; each once, in the order in which they are read."""
    read = (expression for part in walk_conditions(condition) for expression in part.expressions())
    return {str(part): part for expression in read for part in walk(expression) if not isinstance(part, _UNNAMED)}
