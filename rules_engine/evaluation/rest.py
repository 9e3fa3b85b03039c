"""Watches at rest: each in a stretch of its own, in which nothing can change; and what is within all of them."""

from collections.abc import Iterable
from math import inf

from rules_engine.evaluation.guard import NOWHERE, PRINTS_MAX, Edges, Sight
from rules_engine.evaluation.watch import Watch
from rules_engine.model.judging import Order, Stretch


class Rests:
    """Those of the watches of one price that rest.

    ``edges`` are what is within all their stretches, and perhaps within some that are no more; `NOWHERE` until `fold`.
    """

    __slots__ = ("_least", "_of", "edges")

    def __init__(self, least: float) -> None:
        """A value of ``least`` or lower says nothing."""
        self._least = least
        self._of: dict[Watch, _Rest] = {}
        self.edges = NOWHERE

    def lay_down(self, watch: Watch, stretch: Stretch) -> None:
        """It rests in that stretch from now on."""
        rest = self._of.get(watch)
        if rest is None:
            rest = self._of[watch] = _Rest(watch)
        rest.go_on(stretch)
        self.edges = NOWHERE

    def end(self, watch: Watch) -> None:
        """It rests no more."""
        rest = self._of.pop(watch, None)
        if rest is not None:
            rest.end()

    def over(self, value: float, time_s: float) -> list[Watch]:
        """Whose rests end with the newest print, for they cannot go on in another stretch."""
        low, high, until_s, _ = self.edges
        if low < value < high and time_s < until_s:
            return []
        self.edges = NOWHERE
        found: list[Watch] = []
        for rest in self._of.values():
            low, high, until_s, _ = rest.edges
            if not (low < value < high and time_s < until_s) and not rest.goes_on():
                found.append(rest.watch)
        return found

    def fold(self) -> Edges:
        """The edges, made anew where that is to be."""
        if self.edges is NOWHERE:
            self.edges = folded((self._least, inf, inf, PRINTS_MAX), self._of.values())
        return self.edges


class _Rest:
    """A watch that need not be judged before the edges of its stretch, nor while its orders stay as they are."""

    __slots__ = ("_orders", "edges", "watch")

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.edges = NOWHERE
        self._orders: tuple[tuple[Order, int], ...] = ()

    def go_on(self, stretch: Stretch) -> None:
        low, high, until_s, orders = stretch
        self.edges = (low, high, until_s, PRINTS_MAX)
        if self._orders and self._orders != orders:
            self.end()
        self._orders = orders
        for order, side in orders:
            order.hold_to(side)

    def goes_on(self) -> bool:
        """Whether it can rest beyond the newest print, in another stretch."""
        stretch = self.watch.judge.calm()
        if stretch is None:
            return False
        self.go_on(stretch)
        return True

    def end(self) -> None:
        for order, _ in self._orders:
            order.hold_to(0)


def folded(edges: Edges, others: Iterable[_Rest | Sight[Watch]]) -> Edges:
    """What is within these edges and those of all others."""
    low, high, until_s, last = edges
    for other in others:
        other_low, other_high, other_until_s, other_last = other.edges
        if other_low > low:
            low = other_low
        if other_high < high:
            high = other_high
        if other_until_s < until_s:
            until_s = other_until_s
        if other_last < last:
            last = other_last
    return low, high, until_s, last
