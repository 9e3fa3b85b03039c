"""Prices at which rules change what they say, sorted: a price stands between two of them, and its move is a walk."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import count
from math import inf, nextafter
from operator import attrgetter

from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing
from rules_engine.model.judging import Threshold
from rules_engine.model.slices import Slices

_NOBODY, _JUDGE = -1, -2
"""Instead of the number of a rung: nobody hears of it when its level is passed; a judge must be asked."""
_FIRED_AT_ONCE_MAX = 16
"""More than so many are judged one by one, so that somebody may do it in slices."""


class _Rung:
    """One level of one watch. ``number`` is its place among all in the order of their watches, ``at`` by price."""

    __slots__ = ("actions", "at", "case", "name", "number", "price", "rule", "tally", "watch", "way")

    at: int

    def __init__(self, watch: Watch, number: int, level: Threshold) -> None:
        run = watch.run
        self.watch, self.tally, self.name = watch, run.tally, watch.name
        self.rule, self.case, self.actions = run.rule.name, watch.case, run.actions[watch.case]
        self.number = number
        self.price, self.way = level.price, level.way


class Levels:
    """The levels of all watches of one price. They never change; the price moves both ways.

    What a watch of one level says depends only on the side on which the price stands. While the price walks, rules fire
    whose levels it passes their way, and those that it passes the other way can fire again; nobody is told. `settle`
    lets the judges of those on another side than before say so. Memory: one entry a level.
    """

    __slots__ = (
        "_beneath",
        "_by_price",
        "_falling",
        "_of",
        "_prices",
        "_rising",
        "_rungs",
        "_seen",
        "_stand",
        "ceiling",
        "floor",
    )

    def __init__(self, of: dict[Watch, list[_Rung]]) -> None:
        """Those of each watch, in the order of the watches."""
        self._of = of
        self._rungs = rungs = [rung for rungs in of.values() for rung in rungs]
        self._by_price = sorted(rungs, key=attrgetter("price"))
        for at, rung in enumerate(self._by_price):
            rung.at = at
        self._prices = [*(rung.price for rung in self._by_price), inf]
        """The lowest price at which so many levels and one are reached."""
        self._beneath = [-inf, *(nextafter(rung.price, -inf) for rung in self._by_price)]
        """The highest price beneath so many levels."""
        self._rising, self._falling = [_JUDGE] * len(rungs), [_JUDGE] * len(rungs)
        """By price: the number of the rung that is sure to fire when the price passes it upwards (downwards), `_NOBODY`
        or `_JUDGE`."""
        self._stand = 0
        """How many levels the price has reached."""
        self._seen = 0
        """How many it had reached when the judges were last asked."""
        self.floor = self.ceiling = 0.0
        """Between which prices no level is passed."""

    def __contains__(self, watch: Watch) -> bool:
        """Whether the watch has nothing but levels."""
        return watch in self._of

    def touched(self, before: float, value: float) -> Iterable[Watch]:
        """Whose levels are passed from one price to another, either way."""
        low, high = (before, value) if before < value else (value, before)
        first = self._reached(low)
        return [rung.watch for rung in self._by_price[first : self._reached(high, first)]]

    def stand_at(self, value: float) -> None:
        """All whose levels were passed on the way to this price have been judged."""
        self._stand = self._seen = stand = self._reached(value)
        self.floor, self.ceiling = self._beneath[stand], self._prices[stand]

    def walk(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """Goes to a price: what fires by that, in order. None, and it stays where it is, if a judge must be asked."""
        prices, beneath, stand = self._prices, self._beneath, self._stand
        passed: list[int] = []
        if prices[stand] <= value:
            rising = self._rising
            while prices[stand] <= value:
                number = rising[stand]
                if number >= 0:
                    passed.append(number)
                elif number == _JUDGE:
                    return None
                stand += 1
        else:
            falling = self._falling
            while value <= beneath[stand]:
                stand -= 1
                number = falling[stand]
                if number >= 0:
                    passed.append(number)
                elif number == _JUDGE:
                    return None
        if len(passed) > _FIRED_AT_ONCE_MAX:
            return None
        self._stand = stand
        self.floor, self.ceiling = beneath[stand], prices[stand]
        return self._fire(passed, time_s, value) if passed else ()

    def _fire(self, numbers: list[int], time_s: float, value: float) -> Sequence[Firing]:
        """These rungs were passed their way."""
        if len(numbers) > 1:
            numbers.sort()
        rungs, firings = self._rungs, []
        name = ""
        values: dict[str, float] = {}
        for number in numbers:
            rung = rungs[number]
            if rung.name != name:
                name = rung.name
                values = {name: value}
            rung.tally.add(time_s)
            firings.append(_new(Firing, (rung.rule, rung.case, time_s, values, rung.actions)))
        return firings

    def settle(self, now_s: float) -> None:
        """The judges of those on another side than before see the newest price."""
        if self._seen == self._stand:
            return
        low, high = sorted((self._seen, self._stand))
        self._seen = self._stand
        for rung in self._by_price[low:high]:
            if self._rising[rung.at] >= 0 or self._falling[rung.at] >= 0:
                rung.watch.see(now_s)

    def wake(self, watch: Watch) -> None:
        """When one of its levels is passed, its judge must be asked."""
        self._let(watch, _JUDGE)

    def lay_down(self, watch: Watch) -> None:
        """It was judged at the newest price: from now on only its levels count."""
        self._let(watch, _JUDGE)
        if watch.fires_alone():
            for rung in self._of[watch]:
                if rung.way:
                    self._rising[rung.at] = rung.number if rung.way > 0 else _NOBODY
                    self._falling[rung.at] = rung.number if rung.way < 0 else _NOBODY

    def silence(self, watch: Watch) -> None:
        """Its rule is deaf."""
        self._let(watch, _NOBODY)

    def _let(self, watch: Watch, hear: int) -> None:
        for rung in self._of.get(watch, ()):
            self._rising[rung.at] = self._falling[rung.at] = hear

    def _reached(self, value: float, least: int = 0) -> int:
        return bisect_right(self._prices, value, least, len(self._rungs))


def levels_of(watches: Iterable[Watch]) -> Slices[Levels]:
    """Those of them that have nothing but levels, in slices."""
    rungs: dict[Watch, list[_Rung]] = {}
    numbers = count()
    for watch in watches:
        levels = watch.judge.levels() if watch.is_single else None
        if levels is not None:
            rungs[watch] = [_Rung(watch, next(numbers), level) for level in levels]
        yield
    return Levels(rungs)


_new = tuple.__new__
"""`Firing(...)` without the detour over its names, which takes as long again."""
