"""Who listens to what: from a field, an account value or a count to the watches that read it, and the lanes to them."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from rules_engine.evaluation.guard import sights_of
from rules_engine.evaluation.lane import Ask, Lane
from rules_engine.evaluation.levels import levels_of
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.view import Key
from rules_engine.evaluation.watch import Watch
from rules_engine.model.instrument import Field
from rules_engine.model.slices import Slices

_ALSO = {
    Field.BID: (Field.MID,),
    Field.ASK: (Field.MID,),
    Field.LAST: (Field.CHANGE_TODAY,),
    Field.CLOSE: (Field.CHANGE_TODAY,),
}
"""Fields that may follow another one."""
_ORDER = attrgetter("order")


class Audience:
    """Watches come and go; only the lanes of what they read are laid anew. ``lanes`` are by instrument."""

    def __init__(self, market: Market, timers: Timers[Any], ask: Ask) -> None:
        self.lanes: dict[str, list[Lane]] = {}
        self._market = market
        self._timers = timers
        self._ask = ask
        self._at_lane: dict[Lane, Sequence[Watch]] = {}
        self._by_key: dict[Key, list[Watch]] = {}
        self._keys: dict[str, set[Key]] = {}

    def enter(self, watches: Iterable[Watch]) -> None:
        """These listen from now on. Their order must be known."""
        come: dict[Key, list[Watch]] = {}
        for watch in sorted(watches, key=_ORDER):
            for key in watch.uses.keys:
                come.setdefault(key, []).append(watch)
        self.admit(come)

    def admit(self, come: Mapping[Key, Sequence[Watch]]) -> None:
        """The same of watches in order, by what they read."""
        for key, watches in come.items():
            self.close(key[0])
            listening = self._by_key.get(key)
            if listening is None:
                self._by_key[key] = list(watches)
                self._keys.setdefault(key[0], set()).add(key)
                continue
            is_in_order = listening[-1].order <= watches[0].order
            listening.extend(watches)
            if not is_in_order:
                listening.sort(key=_ORDER)

    def put_in_order(self) -> None:
        """Their order has changed."""
        for (name, _), listening in self._by_key.items():
            self.close(name)
            listening.sort(key=_ORDER)

    def leave(self, watches: Iterable[Watch]) -> None:
        """These listen no more."""
        gone = {id(watch): watch for watch in watches}
        for key in {key for watch in gone.values() for key in watch.uses.keys}:
            self.close(key[0])
            stay = [watch for watch in self._by_key.get(key, ()) if id(watch) not in gone]
            if stay:
                self._by_key[key] = stay
            elif self._by_key.pop(key, None) is not None:
                self._keys[key[0]].discard(key)

    def of(self, key: Key) -> Sequence[Watch]:
        """Who reads it, in order."""
        return self._by_key.get(key, ())

    def reading(self, instruments: Iterable[str]) -> Sequence[Watch]:
        """Who reads anything of these instruments, in order."""
        return self._together(key for name in instruments for key in self._keys.get(name, ()))

    def hearing(self, instrument: str, field: Field) -> Sequence[Watch]:
        """Who is to hear of a print of this field, in order."""
        also = ((instrument, other) for other in _ALSO.get(field, ()))
        return self._together([(instrument, field), (instrument, None), *also])

    def find(self, instrument: str, field: Field) -> Lane | None:
        """The way of a field's prints, if it was laid."""
        for lane in self.lanes.get(instrument, ()):
            if lane.field is field:
                return lane
        return None

    def laying(self, instrument: str, field: Field) -> Slices[Lane]:
        """Lays the way of a field's prints, in slices."""
        watches = self.hearing(instrument, field)
        levels = yield from levels_of(watches)
        guards = {guard: watch for watch in watches if watch.is_single for guard in watch.uses.guards}
        sights = yield from sights_of(guards)
        lane = Lane(instrument, field, watches, levels, sights, self._market, self._timers, self._ask)
        self._at_lane[lane] = watches
        self.lanes.setdefault(instrument, []).append(lane)
        return lane

    def unfold(self, instruments: Iterable[str]) -> None:
        """Before something else than a print changes them or is read of them."""
        for name in instruments:
            for lane in self.lanes.get(name, ()):
                lane.unfold()

    def close(self, instrument: str) -> None:
        """Its lanes lead to the wrong watches, or to other words than these now have."""
        for lane in self.lanes.pop(instrument, ()):
            lane.settle()
            for watch in self._at_lane.pop(lane):
                watch.lanes.remove(lane)

    def _together(self, keys: Iterable[Key]) -> Sequence[Watch]:
        found = {id(watch): watch for key in keys for watch in self._by_key.get(key, ())}
        return sorted(found.values(), key=_ORDER)
