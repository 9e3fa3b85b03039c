"""Prices at which rules change what they say, sorted: a price stands between two of them, and its move is a walk."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf, nextafter
from operator import attrgetter

from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing
from rules_engine.model.judging import Threshold
from rules_engine.model.slices import Slices

_DEAF, _JUDGED, _SHORT = 0, 2, 3
_FIRED_AT_ONCE_MAX = 16
"""More than so many are judged one by one, so that somebody may do it in slices."""


class _Rung:
    """One level of one watch.

    ``fires`` is 1 (-1) while its rule is sure to fire when the price passes it upwards (downwards), 3 (-3) if it does
    so where the price does not reach ``short_of`` as well, 2 while its judge must be asked, and 0 while its rule is
    deaf. ``place`` is that of the watch among the others.
    """

    __slots__ = ("actions", "case", "fires", "name", "place", "price", "rule", "short_of", "tally", "watch", "way")

    def __init__(self, watch: Watch, place: int, level: Threshold) -> None:
        run = watch.run
        self.watch, self.tally, self.name = watch, run.tally, watch.name
        self.rule, self.case, self.actions = run.rule.name, watch.case, run.actions[watch.case]
        self.place = place
        self.price, self.way = level.price, level.way
        self.short_of = 0.0
        if level.short_of is not None:
            self.way, self.short_of = level.way * _SHORT, level.short_of
        self.fires = _JUDGED


class Levels:
    """The levels of all watches of one price. They never change; the price moves both ways.

    What a watch of one level, or of a band that is entered, says depends only on where the price stands. While the
    price walks, rules fire whose levels it passes their way, and those that it passes the other way can fire again;
    nobody is told. `settle` lets the judges of those on another side than before say so. Memory: some 350
    bytes a level.
    """

    __slots__ = ("_beneath", "_of", "_prices", "_rungs", "_seen", "_stand", "ceiling", "floor")

    def __init__(self, rungs: dict[Watch, list[_Rung]]) -> None:
        self._of = rungs
        self._rungs = sorted((rung for rungs in self._of.values() for rung in rungs), key=attrgetter("price"))
        self._prices = [*(rung.price for rung in self._rungs), inf]
        self._beneath = [-inf, *(nextafter(rung.price, -inf) for rung in self._rungs)]
        """The highest price beneath so many levels and one."""
        self._stand = 0
        """How many levels the price has reached."""
        self._seen = 0
        """How many it had reached when the judges were last asked."""
        self.floor = self.ceiling = 0.0
        """Between which prices no level is passed."""

    def touched(self, before: float, value: float) -> Iterable[Watch]:
        """Whose levels are passed from one price to another, either way."""
        low, high = (before, value) if before < value else (value, before)
        first = self._reached(low)
        return [rung.watch for rung in self._rungs[first : self._reached(high, first)]]

    def stand_at(self, value: float) -> None:
        """All whose levels were passed on the way to this price have been judged."""
        self._stand = self._seen = stand = self._reached(value)
        self.floor, self.ceiling = self._beneath[stand], self._prices[stand]

    def walk(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """Goes to a price: what fires by that, in order. None, and it stays where it is, if a judge must be asked."""
        prices, beneath, rungs, stand = self._prices, self._beneath, self._rungs, self._stand
        passed = []
        while prices[stand] <= value:
            fires = rungs[stand].fires
            if fires > 0:
                if fires == _JUDGED:
                    return None
                if fires == 1 or value < rungs[stand].short_of:
                    passed.append(rungs[stand])
            stand += 1
        while value <= beneath[stand]:
            stand -= 1
            fires = rungs[stand].fires
            if fires < 0:
                if fires == -1 or value > rungs[stand].short_of:
                    passed.append(rungs[stand])
            elif fires == _JUDGED:
                return None
        if len(passed) > _FIRED_AT_ONCE_MAX:
            return None
        self._stand = stand
        self.floor, self.ceiling = beneath[stand], prices[stand]
        return _firings(passed, time_s, value) if passed else ()

    def settle(self, now_s: float) -> None:
        """The judges of those on another side than before see the newest price."""
        if self._seen == self._stand:
            return
        low, high = sorted((self._seen, self._stand))
        self._seen = self._stand
        for rung in self._rungs[low:high]:
            if rung.fires not in (_DEAF, _JUDGED):
                rung.watch.see(now_s)

    def wake(self, watch: Watch) -> None:
        """When one of its levels is passed, its judge must be asked."""
        for rung in self._of.get(watch, ()):
            rung.fires = _JUDGED

    def lay_down(self, watch: Watch) -> bool:
        """It was judged at the newest price: from now on only its levels count, if it has nothing but levels."""
        rungs = self._of.get(watch)
        if rungs is None:
            return False
        fires_alone = watch.fires_alone()
        for rung in rungs:
            rung.fires = (rung.way or _JUDGED) if fires_alone else _JUDGED
        return True

    def silence(self, watch: Watch) -> None:
        """Its rule is deaf."""
        for rung in self._of.get(watch, ()):
            rung.fires = _DEAF

    def _reached(self, value: float, least: int = 0) -> int:
        return bisect_right(self._prices, value, least, len(self._rungs))


def levels_of(watches: Iterable[Watch]) -> Slices[Levels]:
    """Those of them that have nothing but levels, in slices."""
    rungs: dict[Watch, list[_Rung]] = {}
    for place, watch in enumerate(watches):
        levels = watch.judge.levels() if watch.is_single else None
        if levels is not None:
            rungs[watch] = [_Rung(watch, place, level) for level in levels]
        yield
    return Levels(rungs)


def _firings(passed: list[_Rung], time_s: float, value: float) -> Sequence[Firing]:
    if len(passed) > 1:
        passed.sort(key=_PLACE)
    firings = []
    name = ""
    values: dict[str, float] = {}
    for rung in passed:
        if rung.name != name:
            name = rung.name
            values = {name: value}
        rung.tally.add(time_s)
        firings.append(_new(Firing, (rung.rule, rung.case, time_s, values, rung.actions)))
    return firings


_PLACE = attrgetter("place")
_new = tuple.__new__
"""`Firing(...)` without the detour over its names, which takes as long again."""
