"""Where orders wait, trade and end, with every report in the order in which TWS sends it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from rules_engine.gateway.book import OrderBook
from rules_engine.gateway.conditions import Conditions
from rules_engine.gateway.ledger import Execution, Ledger
from rules_engine.gateway.market import Market
from rules_engine.gateway.matching import Pricing, Trigger, kind_of, stop_reached, trade_price, trailed_stop
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.orders import ENDED, Order, Status, execution_of, open_order, order_status
from rules_engine.gateway.quote import Tick
from rules_engine.gateway.reports import commission_report, exec_details
from rules_engine.gateway.times import Timers, read_time
from rules_engine.gateway.triggers import method_of, prices_now, prices_seen

AT_ONCE = frozenset({"IOC", "FOK"})
_OCA_CANCELS = 1


class Listeners(Protocol):
    """Those who hear what happens to orders."""

    def tell(self, clientId: int, message: object) -> None:
        """A report for the client that owns the order, if it is connected."""

    def executed(self, execution: Execution) -> None:
        """An account changed."""

    def changed(self, order: Order) -> None:
        """Something about an order must be remembered."""

    def forgot_before(self, time_s: float) -> None:
        """What ended before this moment is not told any more."""


class Floor:
    """Every order after its client has sent it, whether that client is still there or not."""

    def __init__(
        self, market: Market, ledger: Ledger, timers: Timers, now_s: Callable[[], float], listeners: Listeners
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._timers = timers
        self._now_s = now_s
        self._listeners = listeners
        self._conditions = Conditions(market, now_s, lambda account: ledger.figures(account).cushion)
        self.book = OrderBook()

    def accept(self, order: Order) -> None:
        """The order is sent, or sent once more after a change."""
        met = self._wait(order)
        order.status = Status.PRE_SUBMITTED if kind_of(order).pricing is Pricing.MARKET else self._status(order)
        self._report(order)
        self._warn_if_closed(order)
        self._listeners.changed(order)
        if met:
            self._elect([order])
        elif self._ready(order):
            self.book.work(order)
            self._look_at_market(order, ())
            self._settle(order)

    def _warn_if_closed(self, order: Order) -> None:
        if not self._market.is_open(order.conId, self._now_s(), order.form.outsideRth):
            exchange = order.contract.primaryExchange or order.contract.exchange
            text = f"Order Message:\nWarning: your order will not be placed at the exchange until {exchange} opens"
            self._listeners.tell(order.clientId, Error(order.orderId, 399, text))

    def _wait(self, order: Order) -> bool:
        """Arrange everything that can move the order on; True when its conditions are met already.

        The conditions of a child are watched from its parent's fill on.
        """
        self._market.quote(order.conId)
        met = False
        if order.form.conditions and not order.elected and not self._waits_for_parent(order):
            met = self._conditions.hold(order)
            for time_s in self._conditions.times_s(order):
                self._timers.at(time_s, lambda: self._moment_came(order))
        if order.form.goodAfterTime:
            self._timers.at(read_time(order.form.goodAfterTime), lambda: self._go_on(order))
        if order.form.tif == "GTD":
            self._timers.at(read_time(order.form.goodTillDate), lambda: self._expire(order))
        return met

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant: conditions first, then orders that work on these instruments."""
        by_instrument: dict[int, list[Tick]] = {}
        for tick in ticks:
            by_instrument.setdefault(tick.conId, []).append(tick)
        for conId, moved in by_instrument.items():
            self._elect(self._conditions.ticked(conId, moved))
        if any(self._ledger.holds(conId) for conId in by_instrument):
            self._elect(self._conditions.margins_moved())
        for conId, moved in by_instrument.items():
            for order in self.book.working(conId):
                if order.live:
                    self._look_at_market(order, moved)

    def restore(self, orders: Iterable[Order]) -> None:
        """Orders of an earlier run come back and wait where they waited."""
        for order in orders:
            self.book.add(order)
        for order in self.book.live():
            if self._wait(order):
                self._elect([order])
            elif self._ready(order):
                self.book.work(order)

    def wait_anew(self, order: Order) -> None:
        """The order's conditions must be met again, from now on."""
        self._conditions.release(order)
        self.book.rest(order)
        order.elected = order.triggered = False

    def _moment_came(self, order: Order) -> None:
        if order.live and self._conditions.looked_at(order):
            self._elect([order])

    def _elect(self, orders: Iterable[Order]) -> None:
        """The conditions of these orders are met."""
        for order in orders:
            if not order.live or order.elected:
                continue
            order.elected = True
            self._conditions.release(order)
            self._listeners.changed(order)
            if order.form.conditionsCancelOrder:
                self.cancel(order, "a condition to cancel it was met")
            else:
                self._go_on(order)

    def _ready(self, order: Order) -> bool:
        """Nothing but the market decides now."""
        if self._waits_for_parent(order) or (order.conditional and not order.elected):
            return False
        return not order.form.goodAfterTime or read_time(order.form.goodAfterTime) <= self._now_s()

    def _come_alive(self, child: Order) -> None:
        """Its parent is filled."""
        if self._wait(child):
            self._elect([child])
        else:
            self._go_on(child)

    def _waits_for_parent(self, order: Order) -> bool:
        parent = self.book.parent(order)
        return parent is not None and parent.status is not Status.FILLED

    def _go_on(self, order: Order) -> None:
        """Something that the order waited for has happened."""
        if not order.live or order.staged or not self._ready(order):
            return
        self.book.work(order)
        self._report_progress(order)
        self._look_at_market(order, ())
        self._settle(order)

    def _settle(self, order: Order) -> None:
        """The order has had its first look at the market."""
        if order.live:
            self._report_progress(order)
        if order.live and order.form.tif in AT_ONCE:
            self._give_up(order)

    def _look_at_market(self, order: Order, ticks: Sequence[Tick]) -> None:
        if not self._ready(order) or not self._market.is_open(order.conId, self._now_s(), order.form.outsideRth):
            return
        if order.status is Status.PRE_SUBMITTED and ticks:
            self._report_progress(order)
        if not self._works(order):
            self._look_for_trigger(order, ticks)
        if self._works(order):
            touch = self._market.fill_price(order.conId, order.form.action)
            price = trade_price(order, self._market.quote(order.conId), touch)
            if price is not None:
                self._fill(order, price)

    def _works(self, order: Order) -> bool:
        return order.triggered or kind_of(order).trigger is Trigger.NONE

    def _look_for_trigger(self, order: Order, ticks: Sequence[Tick]) -> None:
        quote = self._market.quote(order.conId)
        method = method_of(order.form.triggerMethod, order.contract.secType)
        seen = prices_seen(method, order.buys, ticks, quote) if ticks else prices_now(method, order.buys, quote)
        trails = kind_of(order).trigger is Trigger.TRAIL
        if trails and order.stop_price is None:
            order.stop_price = order.form.trailStopPrice
        for price in seen:
            if stop_reached(order, price):
                order.triggered = True
                self._report_progress(order)
                self._listeners.changed(order)
                return
            if trails:
                order.stop_price = trailed_stop(order, price)

    def _status(self, order: Order) -> Status:
        closed = not self._market.is_open(order.conId, self._now_s(), order.form.outsideRth)
        waits = closed or not self._ready(order) or not self._works(order)
        return Status.PRE_SUBMITTED if waits else Status.SUBMITTED

    def _fill(self, order: Order, price: float) -> None:
        execution = execution_of(order, price, self.book.take_execution_number(), self._now_s())
        order.filled += execution.shares
        order.avgFillPrice = order.lastFillPrice = price
        realized = self._ledger.book(execution)
        execution = replace(execution, realizedPnl=realized)
        self.book.executions.append(execution)
        self._listeners.tell(order.clientId, exec_details(-1, execution))
        self._end(order, Status.FILLED, f"Filled Size: {order.filled:g}")
        self._report(order)
        self._listeners.tell(order.clientId, commission_report(execution))
        self._listeners.executed(execution)
        self._after_fill(order, execution)

    def _after_fill(self, order: Order, execution: Execution) -> None:
        for sibling in self.book.siblings(order):
            if sibling.live:
                self.cancel(sibling)
        for member in self.book.group(order):
            if member.live and not member.staged:
                self._reduce(member, order, execution.shares)
        for child in self.book.children(order):
            if child.live and not child.staged:
                self._come_alive(child)
        self._elect(self._conditions.traded(execution))
        self._elect(self._conditions.margins_moved())

    def _reduce(self, member: Order, filled: Order, shares: float) -> None:
        """One member of a group was filled: type 1 cancels the others, types 2 and 3 take its size from theirs."""
        if filled.form.ocaType != _OCA_CANCELS:
            member.reduced += shares
            if member.remaining > 0:
                self._report(member)
                self._listeners.changed(member)
                return
        self.cancel(member)

    def cancel(self, order: Order, why: str = "") -> None:
        """End an order before it is filled, and the orders that wait for its fill with it."""
        staged = order.staged
        self._end(order, Status.CANCELLED, f"Cancelled by {'Trader' if not why else 'System'}: {why}".rstrip(": "))
        if not staged:
            self._listeners.tell(order.clientId, order_status(order))
            self._listeners.tell(order.clientId, Error(order.orderId, 202, f"Order Canceled - reason:{why}"))
        for child in self.book.children(order):
            if child.live:
                self.cancel(child)

    def _give_up(self, order: Order) -> None:
        """An order for this instant did not trade: IB ends FOK orders as Inactive."""
        if order.form.tif == "IOC":
            self.cancel(order)
            return
        self._end(order, Status.INACTIVE, "Not filled at once")
        self._report(order)

    def _expire(self, order: Order) -> None:
        still_due = order.form.tif == "GTD" and read_time(order.form.goodTillDate) <= self._now_s()
        if order.live and not order.staged and still_due:
            self.cancel(order, "the order expired")

    def _end(self, order: Order, status: Status, why: str) -> None:
        assert status in ENDED
        order.status = status
        order.ended_s = self._now_s()
        order.ended_because = why
        self.book.rest(order)
        self._conditions.release(order)
        self._listeners.changed(order)

    def _report(self, order: Order) -> None:
        """An open order and its status, as TWS sends them together."""
        self._listeners.tell(order.clientId, open_order(order))
        self._listeners.tell(order.clientId, order_status(order, self.why_held(order)))

    def _report_progress(self, order: Order) -> None:
        """Tell a status that has changed; market orders stay PreSubmitted until they fill."""
        status = self._status(order)
        if status is not order.status:
            order.status = status
            self._report(order)
            self._listeners.changed(order)

    def why_held(self, order: Order) -> str:
        """What a held order waits for, in IB's words."""
        if not order.live:
            return ""
        waits_for = ["child"] if self._waits_for_parent(order) else []
        waits_for += [] if self._works(order) else ["trigger"]
        return ",".join(waits_for)
