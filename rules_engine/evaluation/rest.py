"""Watches at rest: each in a stretch of its own, in which nothing can change; and what is within all of them."""

from collections.abc import Iterable

from rules_engine.evaluation.guard import NOWHERE, PRINTS_MAX, Edges, Sight
from rules_engine.evaluation.watch import Watch
from rules_engine.model.judging import Order, Stretch


class Rest:
    """A watch that need not be judged before the edges of its stretch."""

    __slots__ = ("_orders", "edges", "watch")

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.edges = NOWHERE
        self._orders: tuple[tuple[Order, int], ...] = ()

    def go_on(self, stretch: Stretch) -> None:
        """It rests in that stretch from now on."""
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


def ended(rests: Iterable[Rest], value: float, time_s: float) -> list[Watch]:
    """Whose rests are over, and cannot go on."""
    due: list[Watch] = []
    for rest in rests:
        low, high, until_s, _ = rest.edges
        if not (low < value < high and time_s < until_s) and not rest.goes_on():
            due.append(rest.watch)
    return due


def folded(edges: Edges, others: Iterable[Rest | Sight[Watch]]) -> Edges:
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
