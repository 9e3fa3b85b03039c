"""Answers to requests about orders and executions."""

from collections.abc import Iterator

from rules_engine.gateway.accounts.ledger import Execution
from rules_engine.gateway.codes import text_of
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.messages.link import SYSTEM, Error, NextValidId, ReqIds
from rules_engine.gateway.messages.order_messages import (
    CancelOrder,
    CompletedOrdersEnd,
    ExecDetailsEnd,
    OpenOrderEnd,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqOpenOrders,
)
from rules_engine.gateway.orders.book import BINDING_CLIENT
from rules_engine.gateway.orders.desk import Desk
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.order import Order, completed_order, open_order, order_status
from rules_engine.gateway.orders.reports import commission_report, exec_details
from rules_engine.gateway.orders.window import Window
from rules_engine.gateway.times import read_time, time_text
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

_SIDES = {"": ("BOT", "SLD"), "BUY": ("BOT",), "BOT": ("BOT",), "SELL": ("SLD",), "SLD": ("SLD",)}


class OrderAnswers:
    """Hands orders to the desk and tells what it holds."""

    def __init__(self, desk: Desk, floor: Floor, window: Window, faults: Faults, router: Router) -> None:
        self._desk = desk
        self._window = window
        self._floor = floor
        self._faults = faults
        router.on(PlaceOrder, self._place)
        router.on(CancelOrder, self._cancel)
        router.on(ReqGlobalCancel, self._cancel_all)
        router.on(ReqIds, self._next_id)
        router.on(ReqOpenOrders, self._open_orders)
        router.on(ReqAllOpenOrders, self._all_open_orders)
        router.on(ReqAutoOpenOrders, self._bind)
        router.on(ReqCompletedOrders, self._completed_orders)
        router.on(ReqExecutions, self._executions)

    def _place(self, session: Session, request: PlaceOrder) -> None:
        clientId = _client(session)
        if self._desk.admits(clientId, request):
            self._faults.deliver_order(lambda: self._desk.place(clientId, request))

    def _cancel(self, session: Session, request: CancelOrder) -> None:
        self._desk.cancel(_client(session), request.orderId)

    def _cancel_all(self, session: Session, request: ReqGlobalCancel) -> None:
        self._desk.cancel_all()

    def _next_id(self, session: Session, request: ReqIds) -> None:
        session.send(NextValidId(self._floor.book.next_id(_client(session))))

    def _open_orders(self, session: Session, request: ReqOpenOrders) -> None:
        """A client's own orders; client 0 gets those of TWS's own window with them, and an order id for each."""
        if session.clientId == BINDING_CLIENT:
            self._window.bind_open()
        self._tell_open(session, [order for order in self._floor.book.live() if order.clientId == session.clientId])

    def _all_open_orders(self, session: Session, request: ReqAllOpenOrders) -> None:
        """Everybody's orders. Nothing is bound by asking."""
        orders = self._floor.book.live()
        for order in orders:
            if order.clientId != session.clientId:
                self._floor.book.saw(_client(session), order)
        self._tell_open(session, orders)

    def _bind(self, session: Session, request: ReqAutoOpenOrders) -> None:
        if session.clientId == BINDING_CLIENT:
            self._window.bind_automatically(request.bind)
        else:
            session.send(Error(SYSTEM, 327, text_of(327)))

    def _tell_open(self, session: Session, orders: list[Order]) -> None:
        session.tell(self._open(orders))

    def _open(self, orders: list[Order]) -> Iterator[object]:
        """What ends before its turn comes is told with those that have ended."""
        for order in orders:
            if order.live:
                yield open_order(order)
                yield order_status(order, self._floor.why_held(order))
        yield OpenOrderEnd()

    def _completed_orders(self, session: Session, request: ReqCompletedOrders) -> None:
        session.tell(self._completed(request))

    def _completed(self, request: ReqCompletedOrders) -> Iterator[object]:
        """As of the moment at which all that was asked before is told: an order that ends is in one of the lists."""
        book = self._floor.book
        for order in book.all():
            if not order.live and order.ended_s is not None and not (request.apiOnly and order.manual):
                yield completed_order(order, book.parent(order), time_text(order.ended_s))
        yield CompletedOrdersEnd()

    def _executions(self, session: Session, request: ReqExecutions) -> None:
        try:
            wanted = list(self._matching(request))
        except ValueError as error:
            session.send(Error(request.reqId, 321, f"Error validating request.-'bH' : cause - {error}"))
            return
        session.tell(_executed(request.reqId, wanted))

    def _matching(self, request: ReqExecutions) -> Iterator[Execution]:
        since_s = read_time(request.time) if request.time else 0.0
        if request.side not in _SIDES:
            raise ValueError(f"side {request.side!r} is neither BUY nor SELL")
        for one in self._floor.book.executions:
            if (
                request.clientId in (0, one.clientId)
                and request.account in ("", one.account)
                and one.time_s >= since_s
                and request.symbol in ("", one.contract.symbol)
                and request.secType in ("", one.contract.secType)
                and request.exchange in ("", one.exchange, one.contract.exchange)
                and one.side in _SIDES[request.side]
            ):
                yield one


def _client(session: Session) -> int:
    assert session.clientId is not None, "a request of a client that has not started was routed"
    return session.clientId


def _executed(reqId: int, executions: list[Execution]) -> Iterator[object]:
    for execution in executions:
        yield exec_details(reqId, execution)
        yield commission_report(execution)
    yield ExecDetailsEnd(reqId)
