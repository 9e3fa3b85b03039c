"""One conversation with IB over the library, with every message that matters handed on as IB sent it.

The library would keep orders of its own and guess at their state (any error marks an order Cancelled). Here it never
hears of orders: those messages go to the listener, and it is left with the codec, throttling and numbered requests.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from select import select
from typing import Protocol

from rules_engine.broker.gateway_process import Witness
from rules_engine.broker.library import (
    IB,
    CommissionReport,
    Contract,
    Execution,
    Order,
    OrderState,
    PriceIncrement,
    RequestError,
    Wrapper,
)
from rules_engine.broker.reading import PriceClient, PriceListener
from rules_engine.broker.reports import StatusMessage
from rules_engine.broker.ticks import PRINT

_REFUSALS = frozenset({105, 321, 329})

READ_BYTES_MAX = 64 * 1024
"""So much is read from the socket in one callback: of open orders, which are dearest to read, some ten milliseconds.
With asyncio's 256 kB it is up to seventy. The rest waits in the system, and the next turn of the loop reads on."""


class Listener(PriceListener, Protocol):
    """Hears what IB says, synchronously, in the order on the wire."""

    def order_opened(self, order_id: int, contract: Contract, order: Order, state: OrderState) -> None: ...
    def orders_opened_end(self) -> None: ...
    def order_status(self, message: StatusMessage) -> None: ...
    def order_completed(self, contract: Contract, order: Order, state: OrderState) -> None: ...
    def orders_completed_end(self) -> None: ...
    def executed(self, request_id: int, contract: Contract, execution: Execution) -> None: ...
    def executed_end(self, request_id: int) -> None: ...
    def commission(self, said: CommissionReport) -> None: ...
    def position(self, account: str, contract: Contract, quantity: float, average_cost: float) -> None: ...
    def positions_end(self) -> None: ...
    def account_value(self, account: str, tag: str, value: str, currency: str) -> None: ...
    def profit(self, daily: float) -> None: ...
    def current_time(self, ib_s: int) -> None: ...
    def next_order_id(self, order_id: int) -> None: ...
    def said(self, request_id: int, code: int, text: str) -> None: ...
    def packet(self) -> None: ...
    def generic(self, request_id: int, kind: int, value: float) -> None: ...
    def data_type(self, request_id: int, kind: int) -> None: ...
    def packet_end(self) -> None: ...
    def closed(self, why: str) -> None: ...


class Session(IB):
    """A fresh library object: made for one connection and never used again."""

    wrapper: "_Hearing"

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        # The library would ask for an account summary after 1102; nobody reads it.
        self.errorEvent -= self._onError
        self.RaiseRequestErrors = True
        self.wrapper = _Hearing(self, listener)
        self.client = PriceClient(self.wrapper, listener)
        self.client.apiEnd += self.disconnectedEvent
        self.client.conn.disconnected += self.wrapper.heard_close
        # The library gives up on an old server without closing the socket.
        self.client.apiError += self.wrapper.heard_close

    def read_in_turns(self) -> None:
        """Lets everything else have its turn while IB says very much at once."""
        transport = self.client.conn.transport
        if transport is not None:
            transport.max_size = READ_BYTES_MAX

    def stream(self, contract: Contract, generic_ticks: str) -> int:
        """Starts market data; the number of the request, which everything about it carries."""
        request_id: int = self.client.getReqId()
        self.client.reqMktData(request_id, contract, generic_ticks, False, False, [])
        return request_id

    async def price_increments(self, rule: int, deadline_s: float = 1.0) -> Sequence[PriceIncrement]:
        """The price steps of a market rule; none when IB does not tell them in time.

        The library's own request swallows, in Python 3.11, a cancellation that comes together with the answer.
        """
        answer = self.wrapper.startReq(f"marketRule-{rule}")
        self.client.reqMarketRule(rule)
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                return tuple(await answer)
        return ()

    def hang_up(self) -> None:
        """Ends the connection; whoever waits for an answer gets a ConnectionError at once."""
        with suppress(OSError):
            self.client.disconnect()
        self.wrapper.connectionClosed()

    def serving_process(self, witness: Witness) -> str:
        """Which process is at the other end, as the witness says; empty where that cannot be known."""
        transport = self.client.conn.transport
        if transport is None:
            return ""
        ours, theirs = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        return witness(ours[:2], theirs[:2]) if ours and theirs else ""

    @property
    def has_unread(self) -> bool:
        """Whether more has arrived than was read."""
        transport = self.client.conn.transport
        if transport is None or transport.is_closing():
            return False
        socket = transport.get_extra_info("socket")
        return socket is not None and bool(select([socket], [], [], 0)[0])

    @property
    def queued(self) -> int:
        """Messages that wait in the client because IB takes only so many a second."""
        return len(self.client._msgQ)


class _Hearing(Wrapper):
    def __init__(self, session: Session, listener: Listener) -> None:
        self._session = session
        self._listener = listener
        self.or_hang_up = _OrHangUp(session)
        super().__init__(session)

    def heard_close(self, why: str) -> None:
        self._listener.closed(why)

    # The library would look at its own clock here, for tickers and trades of which it has none.

    def tcpDataArrived(self) -> None:
        with self.or_hang_up:
            self._listener.packet()

    def tcpDataProcessed(self) -> None:
        with self.or_hang_up:
            self._listener.packet_end()

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        with self.or_hang_up:
            self._listener.price(reqId, tickType, price, size)

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        with self.or_hang_up:
            self._listener.size(reqId, tickType, size)

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        if tickType == PRINT:
            with self.or_hang_up:
                self._listener.trade(reqId, value)

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        with self.or_hang_up:
            self._listener.generic(reqId, tickType, float(value))

    def tickOptionComputation(self, *said: object) -> None:
        """Volatilities and sensitivities of an option, several a second. Nobody reads them, and the library would log
        each as an error of a request that it does not know."""

    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        with self.or_hang_up:
            self._listener.data_type(reqId, marketDataId)

    def openOrder(self, orderId: int, contract: Contract, order: Order, orderState: OrderState) -> None:
        if order.whatIf:
            return
        # Ids of orders, other clients' too, must never be given out again (103).
        self._session.client.updateReqId(orderId + 1)
        with self.or_hang_up:
            self._listener.order_opened(orderId, contract, order, orderState)

    def openOrderEnd(self) -> None:
        with self.or_hang_up:
            self._listener.orders_opened_end()

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        message = StatusMessage(orderId, clientId, permId, status, filled, remaining, avgFillPrice)
        with self.or_hang_up:
            self._listener.order_status(message)

    def completedOrder(self, contract: Contract, order: Order, orderState: OrderState) -> None:
        with self.or_hang_up:
            self._listener.order_completed(contract, order, orderState)

    def completedOrdersEnd(self) -> None:
        with self.or_hang_up:
            self._listener.orders_completed_end()

    def execDetails(self, reqId: int, contract: Contract, execution: Execution) -> None:
        with self.or_hang_up:
            self._listener.executed(reqId, contract, execution)

    def execDetailsEnd(self, reqId: int) -> None:
        with self.or_hang_up:
            self._listener.executed_end(reqId)

    def commissionReport(self, commissionReport: CommissionReport) -> None:
        with self.or_hang_up:
            self._listener.commission(commissionReport)

    def position(self, account: str, contract: Contract, posSize: float, avgCost: float) -> None:
        with self.or_hang_up:
            self._listener.position(account, contract, posSize, avgCost)

    def positionEnd(self) -> None:
        with self.or_hang_up:
            self._listener.positions_end()

    def updateAccountValue(self, tag: str, val: str, currency: str, account: str) -> None:
        with self.or_hang_up:
            self._listener.account_value(account, tag, val, currency)

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        with self.or_hang_up:
            self._listener.profit(dailyPnL)

    def currentTime(self, time: int) -> None:
        with self.or_hang_up:
            self._listener.current_time(time)

    def nextValidId(self, reqId: int) -> None:
        with self.or_hang_up:
            self._listener.next_order_id(reqId)

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str) -> None:
        with self.or_hang_up:
            self._listener.said(reqId, errorCode, errorString)
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)
        if errorCode in _REFUSALS and reqId in self._futures:
            # ib_async takes these for warnings and would leave the request waiting for ever.
            self._endReq(reqId, RequestError(reqId, errorCode, errorString), success=False)


class _OrHangUp:
    """The library only logs what a handler raises. A message half read must not be lost that quietly: the next
    connection asks for everything anew."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._session.hang_up()
