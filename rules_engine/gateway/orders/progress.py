"""How far an order has come, and what it waits for."""

from collections.abc import Callable

from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.families import waits_for_parent
from rules_engine.gateway.orders.matching import Trigger, kind_of
from rules_engine.gateway.orders.order import Order, Status
from rules_engine.gateway.times import read_time

_CLOSED_S_MAX = 14 * 86_400.0
"""No exchange is closed for longer."""


class Progress:
    """Questions about one live order at this moment."""

    def __init__(self, market: Market, book: OrderBook, now_s: Callable[[], float]) -> None:
        self._market = market
        self._book = book
        self._now_s = now_s

    def ready(self, order: Order) -> bool:
        """Nothing but the market decides now."""
        if not order.arrived or order.locating or waits_for_parent(order, self._book):
            return False
        if order.conditional and not order.elected:
            return False
        return not order.form.goodAfterTime or read_time(order.form.goodAfterTime) <= self._now_s()

    def works(self, order: Order) -> bool:
        """It has been set off, or needs nothing to do so."""
        return order.triggered or kind_of(order).trigger is Trigger.NONE

    def open(self, order: Order) -> bool:
        """Its market is in session for it."""
        return self._market.is_open(order.conId, self._now_s(), order.form.outsideRth)

    def opens_s(self, order: Order, from_s: float | None = None) -> float:
        """The first instant from ``from_s`` (now, if not said) on at which its market is in session for it."""
        from_s = self._now_s() if from_s is None else from_s
        if self._market.is_open(order.conId, from_s, order.form.outsideRth):
            return from_s
        hours = CALENDARS[order.listing.calendar]
        spans = hours.open_spans(from_s, from_s + _CLOSED_S_MAX, liquid=not order.form.outsideRth)
        return next(start_s for start_s, _ in spans)

    def tradable(self, order: Order) -> bool:
        """Its market is in session for it and not halted."""
        return self.open(order) and not self._market.quote(order.conId).halted

    def session(self, conId: int) -> tuple[bool, bool, int]:
        """All that prices do not tell about whether an instrument trades: in regular hours, outside them, halted."""
        now_s = self._now_s()
        market = self._market
        return market.is_open(conId, now_s, False), market.is_open(conId, now_s, True), market.quote(conId).halted

    def status(self, order: Order) -> Status:
        """Where a live order stands."""
        waits = not self.open(order) or not self.ready(order) or not self.works(order)
        return Status.PRE_SUBMITTED if waits else Status.SUBMITTED

    def why_held(self, order: Order) -> str:
        """What a held order waits for, in IB's words."""
        if not order.live:
            return ""
        waits_for = ["locate"] if order.locating else []
        waits_for += ["child"] if waits_for_parent(order, self._book) else []
        waits_for += [] if self.works(order) else ["trigger"]
        return ",".join(waits_for)
