"""Takes orders: new ones, staged ones, changes, cancels; refuses what cannot be; begins and ends the day."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from rules_engine.gateway.accounts.ledger import Ledger
from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.lookup import UNKNOWN, NotFound, the_one
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders.allowance import ACTIVE_ORDERS_MAX, Allowance
from rules_engine.gateway.orders.changes import changed_form
from rules_engine.gateway.orders.checks import Refused, check_order
from rules_engine.gateway.orders.families import group_with_siblings
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.matching import kind_of
from rules_engine.gateway.orders.order import TWS_WINDOW, UNBOUND, Order, Status, order_status
from rules_engine.gateway.orders.reports import what_if
from rules_engine.gateway.orders.teller import Listeners
from rules_engine.gateway.times import Timers, midnight_s, next_midnight_s


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
        active_orders_max: int = ACTIVE_ORDERS_MAX,
    ) -> None:
        self._floor = floor
        self._market = market
        self._ledger = ledger
        self._timers = timers
        self._now_s = now_s
        self._listeners = listeners
        self._allowance = Allowance(market, ledger, floor.book, now_s, active_orders_max)

    def admits(self, clientId: int, request: PlaceOrder) -> bool:
        """Whether this order id can be used: a live order's own, or one above every id that the client used or saw.

        A refusal is told. Asked when the message arrives, before anything delays the order.
        """
        orderId = request.orderId
        unused = self._floor.book.find(clientId, orderId) is None
        if unused and not request.order.whatIf and orderId < self._floor.book.next_id(clientId):
            self._refuse(clientId, orderId, Refused(103))
            return False
        return True

    def place(self, clientId: int, request: PlaceOrder) -> None:
        """A new order, a staged one once more, or a modification, which counts when it has reached the exchange.

        A refusal is told and changes nothing.
        """
        known = self._floor.book.find(clientId, request.orderId)
        try:
            if request.order.whatIf:
                self._preview(clientId, request)
                return
            self._floor.book.saw_id(clientId, request.orderId)
            listing = self._listing(request.contract)
            if known is None:
                self._open(clientId, request, listing)
            else:
                self._change(known, request, listing)
        except Refused as refused:
            self._refuse(clientId, request.orderId, refused)

    def cancel(self, clientId: int, orderId: int) -> None:
        """Cancel an order of this client, or one of another's that it saw.

        One that is not found or has ended is an error of its own.
        """
        book = self._floor.book
        order = book.find(clientId, orderId) or book.seen(clientId, orderId)
        if order is None:
            self._refuse(clientId, orderId, Refused(10147, orderId))
        elif order.status is Status.INACTIVE:
            self._refuse(clientId, orderId, Refused(161, order.permId))
        elif not order.live:
            self._refuse(clientId, orderId, Refused(10148, orderId, order.status))
        else:
            self._floor.ask_to_cancel(order)
            if order.clientId != clientId:
                # A real gateway told the canceller about somebody else's order under the canceller's own number.
                self._listeners.tell(clientId, replace(order_status(order), clientId=clientId))

    def cancel_all(self) -> None:
        """Cancel every live order of every client, and those of TWS's own window."""
        for order in self._floor.book.live():
            if order.live:
                self._floor.ask_to_cancel(order)

    def enter(self, conId: int, form: OrderForm, bind: Callable[[Order], None] | None) -> Order:
        """An order that somebody enters in TWS's own window, bound before anything is told about it.

        Raises Refused for one that TWS would not take.
        """
        listing = self._market.catalogue.listing(conId)
        if listing is None:
            raise Refused(200, UNKNOWN)
        request = PlaceOrder(UNBOUND, listing.contract, "", "", self._with_account(form))
        check_order(request.order, listing, tuple(self._ledger.accounts), self._market.catalogue)
        order = self._made(TWS_WINDOW, request, listing)
        order.manual = True
        self._allowance.check_order(order)
        self._floor.book.add(order)
        if bind is not None:
            bind(order)
        self._listeners.changed(order)
        self._transmit(order)
        return order

    def change(self, order: Order, form: OrderForm) -> None:
        """A change that somebody makes in TWS's own window, to any order; raises Refused."""
        self._change(order, replace(order.request, order=form), order.listing)

    def lend(self, conId: int, shares: float) -> None:
        """From now on this many shares can be borrowed; held orders that they cover go on."""
        self._allowance.borrowable[conId] = shares
        for order in self._floor.book.live():
            if order.conId == conId and order.live and order.locating and not self._allowance.lacks_shares(order):
                order.locating = False
                self._floor.accept(order)

    def forbid(self, conId: int, forbidden: bool) -> None:
        """No account may place new orders in this contract, until it is allowed again."""
        (self._allowance.forbidden.add if forbidden else self._allowance.forbidden.discard)(conId)

    def start_day(self) -> None:
        """Yesterday's day orders expire, its ends and fills are forgotten, and conditions must be met anew.

        A simulated day begins at midnight in TWS's zone, whatever an exchange's hours are.
        """
        today_s = midnight_s(self._now_s())
        for order in self._floor.book.live():
            if order.live:
                self._begin_day(order, today_s)
        self._floor.book.forget_before(today_s)
        self._listeners.forgot_before(today_s)
        self._timers.at(next_midnight_s(self._now_s()), self.start_day)

    def _begin_day(self, order: Order, today_s: float) -> None:
        if order.form.tif == "DAY":
            if self._floor.first_s(order) < today_s:
                self._floor.cancel(order, "the day ended")
        elif order.conditional and order.elected_s is not None and order.elected_s < today_s:
            self._floor.wait_anew(order)
            self._floor.accept(order)

    def _listing(self, contract: Contract) -> Listing:
        if not contract.exchange:
            raise Refused(321, "Missing order exchange.")
        try:
            return the_one(self._market.catalogue, contract)
        except NotFound as unclear:
            raise Refused(200, unclear) from unclear

    def _with_account(self, form: OrderForm) -> OrderForm:
        return form if form.account else replace(form, account=next(iter(self._ledger.accounts)))

    def _made(self, clientId: int, request: PlaceOrder, listing: Listing) -> Order:
        order = Order(clientId, self._floor.book.take_perm_id(), request, listing, self._now_s())
        order.staged = not request.order.transmit
        return order

    def _open(self, clientId: int, request: PlaceOrder, listing: Listing) -> None:
        request = replace(request, order=self._with_account(request.order))
        check_order(request.order, listing, tuple(self._ledger.accounts), self._market.catalogue)
        order = self._made(clientId, request, listing)
        self._check_parent(order)
        self._allowance.check_order(order)
        self._floor.book.add(order)
        self._listeners.changed(order)
        if not order.staged:
            self._transmit(order)

    def _transmit(self, order: Order) -> None:
        """Sending one order sends what was staged with it: its parent first, then the parent's other children."""
        parent = self._floor.book.parent(order)
        family = [order] if parent is None else [parent, *self._floor.book.children(parent)]
        sent = [member for member in family if member.live and (member.staged or member is order)]
        # All of them answer for each other from here on, however soon the first one fills.
        for member in sent:
            member.staged = False
            group_with_siblings(member, self._floor.book)
        for member in sent:
            if member.live:
                self._send(member, self._floor.place)

    def _send(self, order: Order, take: Callable[[Order], None]) -> None:
        """The floor takes the order, changed to what the presets of TWS make of it."""
        if not order.form.tif:
            order.request = replace(order.request, order=replace(order.form, tif="DAY"))
            self._listeners.tell(order.clientId, Error(order.orderId, 10349, text_of(10349)))
        order.locating = self._allowance.lacks_shares(order)
        for code in self._warnings(order):
            self._listeners.tell(order.clientId, Error(order.orderId, code, text_of(code)))
        take(order)

    def _warnings(self, order: Order) -> Iterator[int]:
        if order.locating:
            yield 404
        if order.form.outsideRth and (kind_of(order).at_close or order.form.tif == "OPG"):
            yield 2109

    def _change(self, order: Order, request: PlaceOrder, listing: Listing) -> None:
        form = changed_form(order, request.order, listing)
        check_order(form, listing, tuple(self._ledger.accounts), self._market.catalogue)
        self._allowance.check_funds(form, listing)
        request = replace(request, order=form)
        if order.staged:
            self._replace(order, request)
            if form.transmit:
                self._transmit(order)
        else:
            self._floor.send(lambda: self._change_arrives(order, request))

    def _change_arrives(self, order: Order, request: PlaceOrder) -> None:
        if order.live and request.order.totalQuantity > order.filled + order.reduced:
            self._replace(order, request)
            self._send(order, self._floor.accept)
        else:
            self._refuse(order.clientId, order.orderId, Refused(104))

    def _replace(self, order: Order, request: PlaceOrder) -> None:
        before = order.form
        order.request = request
        self._floor.book.index(order)
        if before.conditions != request.order.conditions:
            self._floor.wait_anew(order)
        if (before.auxPrice, before.trailStopPrice) != (request.order.auxPrice, request.order.trailStopPrice):
            order.stop_price = None
        self._listeners.changed(order)

    def _preview(self, clientId: int, request: PlaceOrder) -> None:
        """Tell what an order would do to its account; the id stays free."""
        if not request.order.transmit:
            raise Refused(413)
        listing = self._listing(request.contract)
        form = self._with_account(request.order)
        check_order(form, listing, tuple(self._ledger.accounts), self._market.catalogue)
        self._allowance.check_funds(form, listing)
        order = Order(clientId, 0, replace(request, order=form), listing, self._now_s())
        self._listeners.tell(clientId, what_if(order, self._ledger, self._allowance.price(form, listing)))

    def _check_parent(self, order: Order) -> None:
        parent = self._floor.book.parent(order)
        if order.form.parentId and parent is None:
            raise Refused(135, order.form.parentId)
        if parent is not None and not parent.live and parent.status is not Status.FILLED:
            raise Refused(201, "Parent order is being cancelled.")
        if parent is not None and parent.form.allOrNone and not order.form.allOrNone:
            raise Refused(10236)

    def _refuse(self, clientId: int, orderId: int, refused: Refused) -> None:
        self._listeners.tell(clientId, Error(orderId, refused.code, refused.text))
