"""Orders that wait in the market, filed by the price that concerns them, so that a tick looks at no others."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from rules_engine.gateway.orders.levels import Levels
from rules_engine.gateway.orders.matching import (
    MARKETABLE,
    Pricing,
    Trigger,
    kind_of,
    limit_of,
    trigger_level,
    trigger_up,
)
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.orders.triggers import DOUBLE, method_of


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the prices of one instrument got at one instant: what it printed or quoted, and both touches now."""

    lowest: float
    highest: float
    buys_at: float | None
    sells_at: float | None


@dataclass(slots=True)
class _Queue:
    """The waiting orders of one instrument."""

    stops_above: Levels[int] = field(default_factory=lambda: Levels(up=True))
    stops_below: Levels[int] = field(default_factory=lambda: Levels(up=False))
    bids: Levels[int] = field(default_factory=lambda: Levels(up=False))
    asks: Levels[int] = field(default_factory=lambda: Levels(up=True))
    moving: dict[int, None] = field(default_factory=dict)
    """Those whose price every tick may change."""
    orders: dict[int, Order] = field(default_factory=dict)
    """All of them by place in the queue."""


class Waiting:
    """Who waits where. Orders keep their place in time however often their price changes."""

    def __init__(self) -> None:
        self._queues: dict[int, _Queue] = defaultdict(_Queue)
        self._places: dict[int, int] = {}
        self._filed: dict[int, tuple[Levels[int], float] | None] = {}
        self._next_place = count()

    def add(self, order: Order) -> None:
        """The order waits in the market; again when what it waits for has changed."""
        queue = self._queues[order.conId]
        place = self._places.setdefault(order.permId, next(self._next_place))
        self._unfile(order, queue, place)
        queue.orders[place] = order
        filed = self._filed[order.permId] = _file(order, queue)
        if filed is None:
            queue.moving[place] = None
        else:
            levels, level = filed
            levels.add(level, place)

    def remove(self, order: Order) -> None:
        """Prices do not concern it any more."""
        place = self._places.pop(order.permId, None)
        if place is None:
            return
        queue = self._queues[order.conId]
        self._unfile(order, queue, place)
        del queue.orders[place]
        if not queue.orders:
            del self._queues[order.conId]

    def has(self, conId: int) -> bool:
        """Whether anybody waits in this instrument."""
        return conId in self._queues

    def all(self, conId: int) -> list[Order]:
        """Every order that waits in this instrument, oldest first."""
        queue = self._queues.get(conId)
        return [] if queue is None else [queue.orders[place] for place in sorted(queue.orders)]

    def reached(self, conId: int, reach: Reach) -> list[Order]:
        """The orders that prices so far concern, oldest first."""
        queue = self._queues.get(conId)
        return [] if queue is None else [queue.orders[place] for place in sorted(_reached(queue, reach))]

    def _unfile(self, order: Order, queue: _Queue, place: int) -> None:
        filed = self._filed.pop(order.permId, None)
        queue.moving.pop(place, None)
        if filed is not None:
            levels, level = filed
            levels.remove(level, place)


def _file(order: Order, queue: _Queue) -> tuple[Levels[int], float] | None:
    """The list and level that an order belongs to; None for one that every tick concerns."""
    kind = kind_of(order)
    if kind.at_close or order.form.tif == "OPG":
        return None
    if kind.trigger is not Trigger.NONE and not order.triggered:
        level = trigger_level(order)
        moves = kind.trigger is Trigger.TRAIL
        counted = method_of(order.form.triggerMethod, order.contract.secType) in DOUBLE
        if level is None or moves or counted:
            return None
        return (queue.stops_above if trigger_up(order) else queue.stops_below), level
    limit = limit_of(order)
    if limit is not None and (kind.pricing is Pricing.LIMIT or kind.pricing in MARKETABLE):
        return (queue.bids if order.buys else queue.asks), limit
    return None


def _reached(queue: _Queue, reach: Reach) -> Iterator[int]:
    yield from queue.moving
    yield from queue.stops_above.reached(reach.highest)
    yield from queue.stops_below.reached(reach.lowest)
    if reach.buys_at is not None:
        yield from queue.bids.reached(reach.buys_at)
    if reach.sells_at is not None:
        yield from queue.asks.reached(reach.sells_at)
