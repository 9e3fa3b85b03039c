"""Very many orders that one firing cancels: some are marked in its own commit, the rest in slices after it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules_engine.execution.database import Database
from rules_engine.execution.intents import Intents
from rules_engine.execution.keys import firing_of
from rules_engine.execution.plain import from_text, to_text
from rules_engine.execution.values import Values
from rules_engine.execution.wishes import Wishes
from rules_engine.model.action import CancelOrders
from rules_engine.model.intent import Intent

MARKED_AT_ONCE = 50
"""So many are marked in one commit, and then the rest of the unit that the last of them is a leg of: IB cancels the
exits of an entry with it."""
_NAME = "cancelling"


@dataclass(frozen=True, slots=True)
class _Meant:
    """Our orders of these rules and in these instruments, as far as they were recorded up to the firing of that number
    in the journal. ``closing``: the firing that only makes room by that to close a position."""

    rules: tuple[str, ...]
    instruments: tuple[str, ...]
    newest_id: int
    closing: str

    def means(self, intent: Intent) -> bool:
        return intent.rule in self.rules or intent.draft.instrument.name in self.instruments


class MassCancels:
    """Which orders are meant is decided at once. On disk it is enough to know of whom and up to which firing: a start
    finds those that are open and not marked yet.

    Of one mode and account: ``own`` is how names end. ``event`` appends to the journal's record.
    """

    def __init__(
        self,
        database: Database,
        values: Values,
        intents: Intents,
        wishes: Wishes,
        own: str,
        event: Callable[[str, str, object], None],
    ) -> None:
        self._database = database
        self._values = values
        self._intents = intents
        self._wishes = wishes
        self._row = f"{_NAME}{own}"
        self._event = event
        self._undone = database.undone
        self._known: dict[_Meant, dict[str, None]] | None = None

    def __contains__(self, key: object) -> bool:
        """Whether the order is to be cancelled, and is still to be marked so."""
        return any(key in keys for keys in self._left().values())

    @property
    def is_left(self) -> bool:
        """Whether there are any."""
        return bool(self._left())

    def want(self, cancels: Sequence[CancelOrders], closing: str) -> Sequence[Intent]:
        """Orders that are open now and meant by any of these are to be cancelled. Returns those newly marked: all but
        the rest of very many, for which `go_on` is to be called. Belongs inside a transaction."""
        rules = tuple(cancel.rule for cancel in cancels if cancel.instrument is None)
        names = tuple(cancel.instrument.name for cancel in cancels if cancel.instrument is not None)
        meant, open_ = _Meant(rules, names, self._intents.newest_firing_id(), closing), self._intents.open()
        keys = self._unmarked(filter(meant.means, open_))
        marked = self._mark(keys, closing)
        if keys:
            self._put({**self._left(), meant: keys})
        return marked

    def go_on(self) -> bool:
        """Marks some more where any are left, of what was asked for first. Whether there are more."""
        if not self.is_left:
            return False
        with self._database.transaction():
            meant, keys = next(iter(self._left().items()))
            self._mark(keys, meant.closing)
            if not keys:
                self._put({other: left for other, left in self._left().items() if other is not meant})
        return self.is_left

    def _mark(self, keys: dict[str, None], closing: str) -> Sequence[Intent]:
        """Takes the first of the keys, marks those that are still open, and returns the newly marked ones."""
        some, waiting = _first(keys), self._wishes.waiting
        open_ = [one for one in filter(None, map(self._intents.get, some)) if not one.state.is_over]
        marked = self._intents.want_cancelled([one.key for one in open_])
        for intent in marked:
            self._event(intent.key, "cancel wanted", None)
        again = (one for one in open_ if one.key in waiting)
        self._wishes.want([one.key for one in (*again, *marked) if one.state.may_be_at_broker], closing)
        for key in some:
            del keys[key]
        return marked

    def _unmarked(self, intents: Iterable[Intent]) -> dict[str, None]:
        """The keys of those that nobody wants cancelled so far, or only somebody who may take that back."""
        waiting = self._wishes.waiting
        return {one.key: None for one in intents if not one.cancel_wanted or one.key in waiting}

    def _left(self) -> Mapping[_Meant, dict[str, None]]:
        if self._known is None or self._undone != self._database.undone:
            self._undone = self._database.undone
            kept: list[str] = json.loads(self._values.get(self._row) or "[]")
            found = (from_text(_Meant, text) for text in kept)
            self._known = {meant: self._unmarked(self._open_until(meant)) for meant in found}
        return self._known

    def _open_until(self, meant: _Meant) -> Iterable[Intent]:
        keys = self._intents.keys_until(meant.newest_id)
        return (one for one in self._intents.open() if one.key in keys and meant.means(one))

    def _put(self, left: Mapping[_Meant, dict[str, None]]) -> None:
        self._known = dict(left)
        self._values.put(self._row, json.dumps([to_text(meant) for meant in left]))


def _first(keys: Iterable[str]) -> Sequence[str]:
    """As many as are marked at once; never a part of a unit only."""
    some = list[str]()
    for key in keys:
        if len(some) >= MARKED_AT_ONCE and firing_of(key) != firing_of(some[-1]):
            break
        some.append(key)
    return some
