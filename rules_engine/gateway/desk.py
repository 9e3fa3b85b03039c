"""The life of orders: placed, held, triggered, filled, cancelled, with every report in the order TWS sends it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from rules_engine.gateway.book import OrderBook
from rules_engine.gateway.checks import Refused, check_order
from rules_engine.gateway.conditions import Conditions
from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.ledger import Execution, Ledger, commission_of, initial_margin
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.market import Market
from rules_engine.gateway.matching import (
    Pricing,
    Trigger,
    kind_of,
    limit_of,
    stop_reached,
    trade_price,
    trailed_stop,
)
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders import ENDED, Order, Status, open_order, order_status
from rules_engine.gateway.quote import Tick
from rules_engine.gateway.reports import commission_report, exec_details, what_if
from rules_engine.gateway.times import Timers, midnight_s, next_midnight_s, read_time
from rules_engine.gateway.triggers import method_of, prices_now, prices_seen

DAY_TIFS = frozenset({"", "DAY"})
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


class Desk:
    """Takes orders from clients and trades them against the market."""

    def __init__(
        self, market: Market, ledger: Ledger, timers: Timers, now_s: Callable[[], float], listeners: Listeners
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._timers = timers
        self._now_s = now_s
        self._listeners = listeners
        self.book = OrderBook()
        self.conditions = Conditions(market, now_s, lambda account: ledger.figures(account).cushion)

    # Requests of clients.

    def place(self, clientId: int, request: PlaceOrder) -> None:
        """A new order, a staged one once more, or a modification; a refusal is told and changes nothing."""
        known = self.book.find(clientId, request.orderId)
        try:
            listing = self._listing(request.contract)
            request = replace(request, order=self._with_account(request))
            if known is None:
                check_order(request.order, listing, tuple(self._ledger.accounts), self._market.catalogue)
                self._open(clientId, request, listing)
            else:
                self._change(known, request, listing)
        except Refused as refused:
            self._listeners.tell(clientId, Error(request.orderId, refused.code, refused.text))

    def cancel(self, clientId: int, orderId: int) -> None:
        """Cancel an order of this client; one that is not found or has ended is an error of its own."""
        order = self.book.find(clientId, orderId)
        if order is None:
            text = f"OrderId {orderId} that needs to be cancelled is not found."
            self._listeners.tell(clientId, Error(orderId, 10147, text))
        elif not order.live:
            text = f"OrderId {orderId} that needs to be cancelled cannot be cancelled, state: {order.status}."
            self._listeners.tell(clientId, Error(orderId, 10148, text))
        else:
            self._cancel(order, "")

    def cancel_all(self) -> None:
        """Cancel every live order of every client."""
        for order in self.book.live():
            if order.live:
                self._cancel(order, "")

    # What the world does.

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant: conditions first, then orders that work on these instruments."""
        by_instrument: dict[int, list[Tick]] = {}
        for tick in ticks:
            by_instrument.setdefault(tick.conId, []).append(tick)
        for conId, moved in by_instrument.items():
            self._elect(self.conditions.ticked(conId, moved))
        if any(self._ledger.holds(conId) for conId in by_instrument):
            self._elect(self.conditions.margins_moved())
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

    def start_day(self) -> None:
        """Yesterday's day orders expire, its ends and fills are forgotten, and conditions must be met anew.

        A simulated day begins at midnight in TWS's zone, whatever an exchange's hours are.
        """
        today_s = midnight_s(self._now_s())
        for order in self.book.live():
            if order.placed_s < today_s and order.live:
                self._begin_day(order)
        self.book.forget_before(today_s)
        self._listeners.forgot_before(today_s)
        self._timers.at(next_midnight_s(self._now_s()), self.start_day)

    def _begin_day(self, order: Order) -> None:
        if order.form.tif in DAY_TIFS:
            self._cancel(order, "the day ended")
        elif order.conditional and order.elected:
            order.elected = order.triggered = False
            self._accept(order)

    # Opening and changing.

    def _listing(self, contract: Contract) -> Listing:
        try:
            return the_one(self._market.catalogue, contract)
        except NotFound as unclear:
            raise Refused(200, str(unclear)) from unclear

    def _with_account(self, request: PlaceOrder) -> OrderForm:
        form = request.order
        return form if form.account else replace(form, account=next(iter(self._ledger.accounts)))

    def _open(self, clientId: int, request: PlaceOrder, listing: Listing) -> None:
        order = Order(clientId, self.book.take_perm_id(), request, listing, self._now_s())
        order.staged = not request.order.transmit
        self._check_parent(order)
        self._check_funds(order)
        if request.order.whatIf:
            self._listeners.tell(clientId, what_if(order, self._ledger, self._price(order)))
            return
        self.book.add(order)
        self._listeners.changed(order)
        if not order.staged:
            self._transmit(order)

    def _transmit(self, order: Order) -> None:
        """Sending one order sends what was staged with it: its parent first, then the parent's other children."""
        parent = self.book.parent(order)
        family = [order] if parent is None else [parent, *self.book.children(parent)]
        for member in family:
            if member.staged or member is order:
                member.staged = False
                self._accept(member)

    def _accept(self, order: Order) -> None:
        met = self._wait(order)
        order.status = Status.PRE_SUBMITTED if kind_of(order).pricing is Pricing.MARKET else self._status(order)
        self._report(order)
        self._listeners.changed(order)
        if met:
            self._elect([order])
        elif self._ready(order):
            self._look_at_market(order, ())
            self._settle(order)

    def _wait(self, order: Order) -> bool:
        """Arrange everything that can move the order on; True when its conditions are met already."""
        self._market.quote(order.conId)
        met = False
        if order.form.conditions and not order.elected:
            met = self.conditions.hold(order)
            for time_s in self.conditions.times_s(order):
                self._timers.at(time_s, lambda: self._moment_came(order))
        if order.form.goodAfterTime:
            self._timers.at(read_time(order.form.goodAfterTime), lambda: self._go_on(order))
        if order.form.tif == "GTD":
            self._timers.at(read_time(order.form.goodTillDate), lambda: self._expire(order))
        self.book.work(order)
        return met

    def _change(self, order: Order, request: PlaceOrder, listing: Listing) -> None:
        if not order.live:
            if order.status is Status.FILLED:
                raise Refused(104, "Cannot modify a filled order.")
            raise Refused(103, "Duplicate order id")
        form = request.order
        if listing.conId != order.conId or form.action != order.form.action or form.account != order.form.account:
            raise Refused(105, "Order being modified does not match original order")
        check_order(form, listing, tuple(self._ledger.accounts), self._market.catalogue)
        self._replace(order, request)

    def _replace(self, order: Order, request: PlaceOrder) -> None:
        before = order.form
        order.request = request
        self.book.index(order)
        if before.conditions != request.order.conditions:
            self.conditions.release(order)
            order.elected = False
        if (before.auxPrice, before.trailStopPrice) != (request.order.auxPrice, request.order.trailStopPrice):
            order.stop_price = None
        if order.staged:
            order.staged = not request.order.transmit
            if not order.staged:
                self._transmit(order)
        else:
            self._accept(order)
        self._listeners.changed(order)

    def _check_parent(self, order: Order) -> None:
        parent = self.book.parent(order)
        if order.form.parentId and parent is None:
            raise Refused(135, f"Can't find order with id = {order.form.parentId}")
        if parent is not None and not parent.live and parent.status is not Status.FILLED:
            raise Refused(201, "Order rejected - reason:The parent order has been cancelled")

    def _price(self, order: Order) -> float:
        """What the order would cost a share, as far as one can tell."""
        return limit_of(order) or self._market.fill_price(order.conId, order.form.action) or 0.0

    def _check_funds(self, order: Order) -> None:
        figures = self._ledger.figures(order.form.account)
        needed = initial_margin(order.contract, order.form.totalQuantity, self._price(order))
        opens = order.buys == (self._ledger.size(order.form.account, order.conId) >= 0)
        if opens and needed > figures.available:
            raise Refused(
                201,
                "Order rejected - reason:The equity of the account does not cover the initial margin"
                f" ({figures.available:.2f} available, {needed:.2f} needed)",
            )

    # Waiting and moving on.

    def _moment_came(self, order: Order) -> None:
        if order.live and self.conditions.looked_at(order):
            self._elect([order])

    def _elect(self, orders: Iterable[Order]) -> None:
        """The conditions of these orders are met."""
        for order in orders:
            if not order.live or order.elected:
                continue
            order.elected = True
            self._listeners.changed(order)
            if order.form.conditionsCancelOrder:
                self._cancel(order, "a condition to cancel it was met")
            else:
                self._go_on(order)

    def _ready(self, order: Order) -> bool:
        """Nothing but the market decides now."""
        parent = self.book.parent(order)
        if parent is not None and parent.status is not Status.FILLED:
            return False
        if order.conditional and not order.elected:
            return False
        return not order.form.goodAfterTime or read_time(order.form.goodAfterTime) <= self._now_s()

    def _go_on(self, order: Order) -> None:
        """Something that the order waited for has happened."""
        if not order.live or order.staged or not self._ready(order):
            return
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
        waits = not self._ready(order) or not self._works(order)
        return Status.PRE_SUBMITTED if waits else Status.SUBMITTED

    # Ends.

    def _fill(self, order: Order, price: float) -> None:
        execution = self._execution(order, price)
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

    def _execution(self, order: Order, price: float) -> Execution:
        number = self.book.next_execution
        self.book.next_execution += 1
        shares = order.remaining
        return Execution(
            execId=f"0000e0d5.{order.permId & 0xFFFFFFFF:08x}.{number:08x}.01",
            time_s=self._now_s(),
            account=order.form.account,
            contract=order.contract,
            exchange=order.contract.exchange if order.contract.exchange != "SMART" else order.contract.primaryExchange,
            side="BOT" if order.buys else "SLD",
            shares=shares,
            price=price,
            orderId=order.orderId,
            clientId=order.clientId,
            permId=order.permId,
            cumQty=order.filled + shares,
            avgPrice=price,
            orderRef=order.form.orderRef,
            commission=commission_of(order.listing, shares, price),
        )

    def _after_fill(self, order: Order, execution: Execution) -> None:
        for sibling in self.book.siblings(order):
            if sibling.live:
                self._cancel(sibling, "")
        for member in self.book.group(order):
            if member.live and not member.staged:
                self._reduce(member, order, execution.shares)
        for child in self.book.children(order):
            self._go_on(child)
        self._elect(self.conditions.traded(execution))
        self._elect(self.conditions.margins_moved())

    def _reduce(self, member: Order, filled: Order, shares: float) -> None:
        """One member of a group was filled: type 1 cancels the others, types 2 and 3 take its size from theirs."""
        if filled.form.ocaType != _OCA_CANCELS:
            member.reduced += shares
            if member.remaining > 0:
                self._report(member)
                self._listeners.changed(member)
                return
        self._cancel(member, "")

    def _cancel(self, order: Order, why: str) -> None:
        staged = order.staged
        self._end(order, Status.CANCELLED, f"Cancelled by {'Trader' if not why else 'System'}: {why}".rstrip(": "))
        if not staged:
            self._listeners.tell(order.clientId, order_status(order))
            self._listeners.tell(order.clientId, Error(order.orderId, 202, f"Order Canceled - reason:{why}"))
        for child in self.book.children(order):
            if child.live:
                self._cancel(child, "")

    def _give_up(self, order: Order) -> None:
        """An order for this instant did not trade: IB ends FOK orders as Inactive."""
        if order.form.tif == "IOC":
            self._cancel(order, "")
            return
        self._end(order, Status.INACTIVE, "Not filled at once")
        self._report(order)

    def _expire(self, order: Order) -> None:
        still_due = order.form.tif == "GTD" and read_time(order.form.goodTillDate) <= self._now_s()
        if order.live and not order.staged and still_due:
            self._cancel(order, "the order expired")

    def _end(self, order: Order, status: Status, why: str) -> None:
        assert status in ENDED
        order.status = status
        order.ended_s = self._now_s()
        order.ended_because = why
        self.book.rest(order)
        self.conditions.release(order)
        self._listeners.changed(order)

    # Reports.

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
        parent = self.book.parent(order)
        waits_for = ["child"] if parent is not None and parent.status is not Status.FILLED else []
        waits_for += [] if self._works(order) else ["trigger"]
        return ",".join(waits_for)
