"""TWS's own window: orders that somebody enters, changes and cancels there, and how client 0 gets hold of them."""

from dataclasses import replace

from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import OrderBound
from rules_engine.gateway.orders.book import BINDING_CLIENT
from rules_engine.gateway.orders.desk import Desk
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.order import UNBOUND, Order
from rules_engine.gateway.orders.teller import Listeners
from rules_engine.gateway.wire.session import Session


class Window:
    """Somebody at the screen, who sees every order. An order entered there belongs to no client until 0 binds it."""

    def __init__(self, desk: Desk, floor: Floor, listeners: Listeners) -> None:
        self._desk = desk
        self._floor = floor
        self._listeners = listeners
        self._binds = False

    def enter(self, conId: int, form: OrderForm) -> int:
        """Place an order; returns its permanent number. Raises Refused for one that TWS would not take."""
        return self._desk.enter(conId, form, self.bind if self._binds else None).permId

    def modify(self, permId: int, price: float | None, quantity: float | None) -> None:
        """Change the limit (or else the stop) price, the size, or both of a live order of anybody. Raises Refused."""
        order = self._live(permId)
        form = order.form
        if price is not None:
            form = replace(form, lmtPrice=price) if form.lmtPrice is not None else replace(form, auxPrice=price)
        if quantity is not None:
            form = replace(form, totalQuantity=quantity)
        self._desk.change(order, form)

    def cancel(self, permId: int) -> None:
        """Cancel a live order of anybody."""
        self._floor.ask_to_cancel(self._live(permId))

    def bind_automatically(self, binds: bool) -> None:
        """From now on client 0 gets every order that is entered, or none any more."""
        self._binds = binds

    def left(self, session: Session) -> None:
        """A client has gone, and its wish to bind with it."""
        if session.clientId == BINDING_CLIENT:
            self._binds = False

    def bind_open(self) -> None:
        """Client 0 gets every order that was entered and is still open."""
        for order in self._floor.book.live():
            if order.manual and order.orderId == UNBOUND:
                self.bind(order)

    def bind(self, order: Order) -> None:
        """Client 0 gets this order."""
        self._floor.book.bind(order)
        self._listeners.changed(order)
        self._listeners.tell(BINDING_CLIENT, OrderBound(order.permId, BINDING_CLIENT, order.orderId))

    def _live(self, permId: int) -> Order:
        order = self._floor.book.numbered(permId)
        if order is None or not order.live:
            raise KeyError(f"no live order has the number {permId}")
        return order
