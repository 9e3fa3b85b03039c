"""A rule and a slice of prints into the prints at which it must be judged: all others say what the one before said."""

from collections.abc import Iterator

import numpy as np

from rules_engine.conditions.change import Change
from rules_engine.conditions.execution import ExecutionIn
from rules_engine.conditions.lasting import Lasting
from rules_engine.conditions.logic import All, Any, Not
from rules_engine.conditions.move import Move
from rules_engine.conditions.time_of_day import TimeIs
from rules_engine.evaluation.columnar.arrays import Index
from rules_engine.evaluation.columnar.sides import has_sides, sides_of
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.model.condition import Condition, instruments_of, walk_conditions
from rules_engine.model.expression import Reading, Series, walk
from rules_engine.model.rule import Rule, rule_conditions
from rules_engine.model.tolerance import EDGE_S

_INSTANT_S = 4 * EDGE_S


class Dues:
    """What of one rule columns can tell. ``by_instrument`` are the conditions whose sides count; None where every print
    of the instrument must be judged."""

    def __init__(self, rule: Rule) -> None:
        self.by_instrument: dict[str, list[Condition] | None] = {}
        self._is_timed = False
        for condition in rule_conditions(rule):
            self._add(condition, can_leap=rule.stale_after_s is None)

    def _add(self, condition: Condition, *, can_leap: bool) -> None:
        read = sorted(one.name for one in instruments_of(condition))
        self._is_timed |= any(isinstance(part, Lasting | TimeIs) for part in walk_conditions(condition))
        for leaf in _leaves(condition):
            names = sorted(one.name for one in instruments_of(leaf))
            # A window goes on while another instrument prints, and the whole condition is judged then.
            is_alone = len(read) == 1 or not _looks_back(leaf)
            if can_leap and is_alone and has_sides(leaf) and len(names) == 1:
                known = self.by_instrument.setdefault(names[0], [])
                if known is not None:
                    known.append(leaf)
            else:
                self.by_instrument.update(dict.fromkeys(names if is_alone else read))

    def prints(self, name: str, columns: Columns) -> Index:
        """Which of the fresh prints of the instrument are due, from 0, ascending; the first one always is."""
        past = columns.past
        count = len(past.values) - past.fresh
        leaves = self.by_instrument[name]
        if leaves is None:
            return np.arange(count)
        due = np.zeros(count, dtype=np.bool_)
        due[:1] = True
        for leaf in leaves:
            sides = sides_of(leaf, columns)
            due[1:] |= sides[1:] != sides[:-1]
        if self._is_timed:
            # Within the resolution of time no timer is set: the next print finds what matures there.
            due[1:] |= due[:-1] | (np.diff(past.times[past.fresh :]) <= _INSTANT_S)
        return np.flatnonzero(due)


def _leaves(condition: Condition) -> Iterator[Condition]:
    """The conditions that prints can change; those of the clock have timers, an execution is an event of its own."""
    match condition:
        case All() | Any() | Not() | Lasting():
            for part in condition.parts():
                yield from _leaves(part)
        case TimeIs() | ExecutionIn():
            return
        case _:
            yield condition


def _looks_back(leaf: Condition) -> bool:
    """Whether it may change while its instrument does not print."""
    parts = (part for expression in leaf.expressions() for part in walk(expression))
    series = any(isinstance(part, Series) or (isinstance(part, Reading) and part.bar_s is not None) for part in parts)
    return series or isinstance(leaf, Move | Change)
