"""A rule and a slice into the rows at which it must be judged: at all others it says what it said before."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rules_engine.conditions.lasting import Lasting
from rules_engine.conditions.silence import Silence
from rules_engine.conditions.time_of_day import TimeIs
from rules_engine.evaluation.columnar.arrays import NEAR, Flags, Index
from rules_engine.evaluation.columnar.leaves import Key, Leaf, silent_in
from rules_engine.evaluation.columnar.moments import Moments
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.sides import sides_of
from rules_engine.evaluation.columnar.track import SLOTS
from rules_engine.model.condition import Condition, walk_conditions
from rules_engine.model.expression import AccountField, AccountReading
from rules_engine.model.instrument import Field
from rules_engine.model.rule import Rule, rule_conditions
from rules_engine.model.tolerance import EDGE_S

INSTANT_S = 4 * EDGE_S
"""Within it no timer is set."""
_IN_EVERY_ROW = frozenset({Field.LAST, Field.BID, Field.ASK, Field.MID, Field.MARK})


@dataclass(frozen=True, slots=True)
class _Look:
    """Ticks and the leaves whose sides count there."""

    keys: frozenset[Key]
    silent: frozenset[str]
    leaves: list[Leaf]


@dataclass(frozen=True, slots=True)
class HeldLook:
    """The same of a leaf whose sides also change with holdings, or in the windows of which time passes whenever one of
    these figures of the account is ``told``."""

    keys: frozenset[Key]
    silent: frozenset[str]
    leaf: Leaf
    told: frozenset[AccountField]


class Dues:
    """What of one rule columns can tell. ``reads`` are the instruments at whose ticks it is judged."""

    def __init__(self, rule: Rule, scene: Scene) -> None:
        self.reads: set[str] = set()
        self.seldom: set[Key] = set()
        """What it is judged at that does not tick in every row."""
        self.is_twice = False
        """Whether two ticks in a row count, also after something else than a tick was judged."""
        self.held: list[HeldLook] = []
        self.stale_after_s = rule.stale_after_s
        self.is_timed = rule.stale_after_s is not None
        self._scene = scene
        self._looks: list[_Look] = []
        self._closing: set[tuple[str, Field, float]] = set()
        for condition in rule_conditions(rule):
            self._add(condition)

    def _add(self, condition: Condition) -> None:
        leaves, silent = self._scene.leaves(condition), silent_in(condition)
        keys = frozenset(key for leaf in leaves for key in leaf.reads)
        self.reads |= silent | {name for name, _ in keys}
        heard = (heard for key in keys for heard in self._scene.heard_of(key))
        self.seldom |= {(name, field) for name, field in heard if field not in _IN_EVERY_ROW}
        self.is_timed |= any(isinstance(part, Lasting | TimeIs | Silence) for part in walk_conditions(condition))
        self.is_timed |= any(leaf.bar_s is not None for leaf in leaves)
        told = frozenset(figure for leaf in leaves for figure in _figures(leaf))
        self.is_twice |= any(leaf.twice for leaf in leaves)
        looks: dict[frozenset[Key], list[Leaf]] = {}
        for leaf in leaves:
            if leaf.bar_s is not None:
                self._closing |= leaf.closing()
            elif isinstance(leaf.condition, TimeIs | Silence) or not (leaf.reads or _figures(leaf)):
                continue  # They have timers, or news of their own.
            else:
                fields = {field for _, field in leaf.counted()}
                assert not leaf.twice or fields <= _IN_EVERY_ROW, "two prints agree on prices only"
                # A window goes on while another field ticks, and the whole condition is judged then.
                own = keys if leaf.looks_back() else leaf.reads
                known = looks.setdefault(own, [])
                if leaf.holdings() or (told and leaf.looks_back()):
                    figures = told if leaf.looks_back() else _figures(leaf)
                    self.held.append(HeldLook(own, silent if own == keys else frozenset(), leaf, figures))
                else:
                    known.append(leaf)
        for own, found in looks.items():
            self._looks.append(_Look(own, silent if own == keys else frozenset(), found))
        # The first tick of each field is looked at, so that timers are set.
        self._looks.append(_Look(keys, silent, []))

    def rows(self) -> Iterator[Index]:
        """Those of the slice that are due, in several answers."""
        scene = self._scene
        for look in self._looks:
            moments = scene.moments(look.keys, look.silent)
            if len(moments):
                yield moments.places[np.flatnonzero(self._due(look, moments))] // SLOTS
        for bars in self._closing:
            track = scene.tracks[bars[:2]]
            firsts = scene.bars[bars].firsts
            yield track.places_said()[firsts] // SLOTS

    def _due(self, look: _Look, moments: Moments) -> Flags:
        due = np.zeros(len(moments), dtype=np.bool_)
        due[:1] = True
        for leaf in look.leaves:
            columns = self._scene.columns_at(moments, self.stale_after_s)
            sides = sides_of(leaf, columns)
            changed = sides[1:] != sides[:-1]
            due[1:] |= changed
            due |= sides == NEAR
            if leaf.twice:
                new = moments.is_new([self._scene.tracks[key] for key in leaf.counted()])
                agree(np.flatnonzero(new), np.flatnonzero(changed) + 1, due)
        if self.is_timed:
            # Within the resolution of time no timer is set: the next tick finds what matures there.
            later_s = np.diff(moments.times)
            near: Flags = (later_s > 0) & (later_s <= INSTANT_S)
            due[1:] |= near | due[:-1] if look.leaves else near
        return due


def agree(new: Index, changes: Index, due: Flags) -> None:
    """Where two ticks in a row must agree; ``new`` are the moments with one that counts. After a change with such a
    tick the next of them is the second one that may agree; after any other change, the one after that."""
    after = np.searchsorted(new, np.concatenate(([-1, 0], changes)), side="right")
    for second in (after, after + 1):
        due[new[second[second < len(new)]]] = True


def _figures(leaf: Leaf) -> frozenset[AccountField]:
    """What it reads of the account."""
    return frozenset(of.field for of in leaf.holdings() if isinstance(of, AccountReading))
