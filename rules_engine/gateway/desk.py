"""Takes orders: new ones, staged ones, changes, cancels; refuses what cannot be; begins and ends the day."""

from collections.abc import Callable
from dataclasses import replace

from rules_engine.gateway.checks import Refused, check_order
from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.floor import Floor, Listeners
from rules_engine.gateway.ledger import Ledger, initial_margin
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.market import Market
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders import Order, Status
from rules_engine.gateway.reports import what_if
from rules_engine.gateway.times import Timers, midnight_s, next_midnight_s

DAY_TIFS = frozenset({"", "DAY"})


class Desk:
    """Where clients hand in orders. What is accepted goes to the floor."""

    def __init__(
        self,
        floor: Floor,
        market: Market,
        ledger: Ledger,
        timers: Timers,
        now_s: Callable[[], float],
        listeners: Listeners,
    ) -> None:
        self._floor = floor
        self._market = market
        self._ledger = ledger
        self._timers = timers
        self._now_s = now_s
        self._listeners = listeners

    def place(self, clientId: int, request: PlaceOrder) -> None:
        """A new order, a staged one once more, or a modification; a refusal is told and changes nothing."""
        known = self._floor.book.find(clientId, request.orderId)
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
        order = self._floor.book.find(clientId, orderId)
        if order is None:
            text = f"OrderId {orderId} that needs to be cancelled is not found."
            self._listeners.tell(clientId, Error(orderId, 10147, text))
        elif not order.live:
            text = f"OrderId {orderId} that needs to be cancelled cannot be cancelled, state: {order.status}."
            self._listeners.tell(clientId, Error(orderId, 10148, text))
        else:
            self._floor.cancel(order)

    def cancel_all(self) -> None:
        """Cancel every live order of every client."""
        for order in self._floor.book.live():
            if order.live:
                self._floor.cancel(order)

    def start_day(self) -> None:
        """Yesterday's day orders expire, its ends and fills are forgotten, and conditions must be met anew.

        A simulated day begins at midnight in TWS's zone, whatever an exchange's hours are.
        """
        today_s = midnight_s(self._now_s())
        for order in self._floor.book.live():
            if order.placed_s < today_s and order.live:
                self._begin_day(order)
        self._floor.book.forget_before(today_s)
        self._listeners.forgot_before(today_s)
        self._timers.at(next_midnight_s(self._now_s()), self.start_day)

    def _begin_day(self, order: Order) -> None:
        if order.form.tif in DAY_TIFS:
            self._floor.cancel(order, "the day ended")
        elif order.conditional and order.elected:
            self._floor.wait_anew(order)
            self._floor.accept(order)

    def _listing(self, contract: Contract) -> Listing:
        try:
            return the_one(self._market.catalogue, contract)
        except NotFound as unclear:
            raise Refused(200, str(unclear)) from unclear

    def _with_account(self, request: PlaceOrder) -> OrderForm:
        form = request.order
        return form if form.account else replace(form, account=next(iter(self._ledger.accounts)))

    def _open(self, clientId: int, request: PlaceOrder, listing: Listing) -> None:
        order = Order(clientId, self._floor.book.take_perm_id(), request, listing, self._now_s())
        order.staged = not request.order.transmit
        self._check_parent(order)
        self._check_funds(request.order, listing)
        if request.order.whatIf:
            self._listeners.tell(clientId, what_if(order, self._ledger, self._price(request.order, listing)))
            return
        self._floor.book.add(order)
        self._listeners.changed(order)
        if not order.staged:
            self._transmit(order)

    def _transmit(self, order: Order) -> None:
        """Sending one order sends what was staged with it: its parent first, then the parent's other children."""
        parent = self._floor.book.parent(order)
        family = [order] if parent is None else [parent, *self._floor.book.children(parent)]
        for member in family:
            if member.live and (member.staged or member is order):
                member.staged = False
                self._floor.accept(member)

    def _change(self, order: Order, request: PlaceOrder, listing: Listing) -> None:
        if not order.live:
            if order.status is Status.FILLED:
                raise Refused(104, "Cannot modify a filled order.")
            raise Refused(103, "Duplicate order id")
        form = request.order
        if listing.conId != order.conId or form.action != order.form.action or form.account != order.form.account:
            raise Refused(105, "Order being modified does not match original order")
        check_order(form, listing, tuple(self._ledger.accounts), self._market.catalogue)
        self._check_funds(form, listing)
        if form.totalQuantity <= order.reduced:
            raise Refused(201, "Order rejected - reason:Its group has filled more than the new size")
        self._replace(order, request)

    def _replace(self, order: Order, request: PlaceOrder) -> None:
        before = order.form
        order.request = request
        self._floor.book.index(order)
        if before.conditions != request.order.conditions:
            self._floor.wait_anew(order)
        if (before.auxPrice, before.trailStopPrice) != (request.order.auxPrice, request.order.trailStopPrice):
            order.stop_price = None
        if order.staged:
            order.staged = not request.order.transmit
            if not order.staged:
                self._transmit(order)
        else:
            self._floor.accept(order)
        self._listeners.changed(order)

    def _check_parent(self, order: Order) -> None:
        parent = self._floor.book.parent(order)
        if order.form.parentId and parent is None:
            raise Refused(135, f"Can't find order with id = {order.form.parentId}")
        if parent is not None and not parent.live and parent.status is not Status.FILLED:
            raise Refused(201, "Order rejected - reason:The parent order has been cancelled")

    def _price(self, form: OrderForm, listing: Listing) -> float:
        """What the order would cost a share, as far as one can tell."""
        return form.lmtPrice or self._market.fill_price(listing.conId, form.action) or 0.0

    def _check_funds(self, form: OrderForm, listing: Listing) -> None:
        figures = self._ledger.figures(form.account)
        needed = initial_margin(listing.contract, form.totalQuantity, self._price(form, listing))
        opens = (form.action == "BUY") == (self._ledger.size(form.account, listing.conId) >= 0)
        if opens and needed > figures.available:
            raise Refused(
                201,
                "Order rejected - reason:The equity of the account does not cover the initial margin"
                f" ({figures.available:.2f} available, {needed:.2f} needed)",
            )
