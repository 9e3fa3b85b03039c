"""Tells what happens to orders, in the order of messages that TWS keeps."""

from collections.abc import Callable
from typing import Protocol

from rules_engine.gateway.accounts.ledger import Execution
from rules_engine.gateway.codes import text_of
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.orders.order import Order, Status, open_order, order_status
from rules_engine.gateway.orders.progress import Progress
from rules_engine.gateway.orders.reports import commission_report, exec_details, held_until


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


class Teller:
    """Reports of single orders to their clients, and what must be remembered of them."""

    def __init__(self, listeners: Listeners, progress: Progress) -> None:
        self._listeners = listeners
        self._progress = progress
        self.changed: Callable[[Order], None] = listeners.changed

    def report(self, order: Order) -> None:
        """An open order and its status, as TWS sends them together."""
        self._listeners.tell(order.clientId, open_order(order))
        self._listeners.tell(order.clientId, order_status(order, self._progress.why_held(order)))

    def progressed(self, order: Order) -> None:
        """A status, if it has changed. Market orders stay PreSubmitted until they meet the market."""
        status = self._progress.status(order)
        if status is not order.status:
            order.status = status
            self.report(order)
            self.changed(order)

    def filled(self, order: Order, execution: Execution) -> None:
        """A fill that the order has counted already."""
        self._listeners.tell(order.clientId, exec_details(-1, execution))
        self.report(order)
        self._listeners.tell(order.clientId, commission_report(execution))
        self._listeners.executed(execution)
        self.changed(order)

    def cancelled(self, order: Order, why: str) -> None:
        """The status first and 202 after it."""
        self._listeners.tell(order.clientId, order_status(order))
        self._listeners.tell(order.clientId, Error(order.orderId, 202, text_of(202, why)))

    def cancel_travels(self, order: Order) -> None:
        """A cancel is on its way to the exchange."""
        self._listeners.tell(order.clientId, order_status(order, status=Status.PENDING_CANCEL))

    def cancel_came_late(self, order: Order) -> None:
        """The order had ended when the cancel reached the exchange."""
        text = text_of(10148, order.orderId, order.status)
        self._listeners.tell(order.clientId, Error(order.orderId, 10148, text))

    def warn_if_closed(self, order: Order) -> None:
        """The order waits for its exchange to open."""
        if not self._progress.open(order):
            text = held_until(order, self._progress.opens_s(order))
            self._listeners.tell(order.clientId, Error(order.orderId, 399, text_of(399, text)))
