"""What IB says in one connection, sorted: reports into the inbox, answers to who asked, prices to their streams."""

import asyncio

from rules_engine.broker import codes
from rules_engine.broker.account import Account, daily_profit
from rules_engine.broker.feeds import Feeds
from rules_engine.broker.inbox import Inbox, Report
from rules_engine.broker.inquiry import Inquiry
from rules_engine.broker.library import CommissionReport, Contract, Execution, Order, OrderState
from rules_engine.broker.reports import (
    OrderReader,
    StatusMessage,
    commission_report,
    completed_report,
    execution_report,
)
from rules_engine.broker.session import Session
from rules_engine.broker.subscriptions import FieldsOf, Subscriptions
from rules_engine.broker.ticks import Prices
from rules_engine.model.clock import Clock
from rules_engine.model.reports import ClockCompared, LinkChange, OrderError, OrderReport, PositionsTold

CLOCK_APART_S = 5.0
"""Clocks that differ by less are called the same."""
CLOCK_TOLD_EVERY_S = 10.0
"""How often clocks that differ are reported, though IB is asked for the time all along."""


class Hearing:
    """The state of one connection as IB's messages shape it; it ends with the connection."""

    def __init__(
        self,
        inbox: Inbox,
        feeds: Feeds,
        clock: Clock,
        fields: FieldsOf,
        *,
        delayed: bool = False,
        keeps_proven: bool = False,
    ) -> None:
        self.prices = Prices(inbox, feeds, delayed=delayed)
        self.price, self.size, self.trade = self.prices.price, self.prices.size, self.prices.report
        self.generic, self.data_type = self.prices.generic, self.prices.data_type
        self.session = Session(self)
        self.orders = OrderReader()
        self.inquiry = Inquiry(self.session, clock)
        self.account = Account("")
        self.subscriptions = Subscriptions(self.session, self.prices, feeds, clock, lambda: self.account.held, fields)
        self.client_id_in_use = False
        self.degraded = False
        self.outages = 0
        """How often IB's own link was lost: an answer that spans such a moment proves nothing."""
        self.packets = 0
        """How often anything was read from the socket."""
        self.ended = asyncio.Event()
        self.why_ended = ""
        self._keeps_proven = keeps_proven
        self._first_request_id = 0
        self._order_ids: set[int] = set()
        self._positions_known = False
        self._positions_named: set[int] = set()
        """Contracts with a position that was told since IB was last asked for all of them."""
        self._is_apart: bool | None = None
        self._apart_told_s = 0.0
        self._inbox = inbox
        self._feeds = feeds
        self._clock = clock

    def begin(self, account: str, first_request_id: int) -> None:
        """The handshake is over: whose account this is, and from which number on requests are ours."""
        self.account = Account(account)
        self._first_request_id = first_request_id

    def concerns_order(self, order_id: int) -> None:
        """Errors with this number are about an order, not about a request."""
        self._order_ids.add(order_id)

    def ask_positions(self) -> asyncio.Future[tuple[None, ...]]:
        """Positions stream from then on; the answer is that all are in."""
        self._positions_named.clear()
        return self.inquiry.ask_positions()

    def tell_positions(self) -> None:
        """What the account holds of every instrument that is watched: none is told too."""
        if self._positions_known:
            for name, one in self.subscriptions.qualified.items():
                self._report(self.account.position(one.contract.conId, name))

    # The listener's part, called by the session.

    def order_opened(self, order_id: int, contract: Contract, order: Order, state: OrderState) -> None:
        report = self.orders.opened(order_id, contract, order, state)
        if order.clientId == self.session.client.clientId:
            self.concerns_order(order_id)
        self.inquiry.open_orders.add(report)
        self._report_order(report)

    def orders_opened_end(self) -> None:
        self.inquiry.open_orders.end()

    def order_status(self, message: StatusMessage) -> None:
        self._report_order(self.orders.status(message))

    def order_completed(self, contract: Contract, order: Order, state: OrderState) -> None:
        self.inquiry.completed.add(completed_report(contract, order, state))

    def orders_completed_end(self) -> None:
        self.inquiry.completed.end()

    def executed(self, request_id: int, contract: Contract, execution: Execution) -> None:
        if execution.acctNumber != self.account.name:
            return
        reports = [execution_report(contract, execution, name) for name in self.subscriptions.called(contract)]
        if self.inquiry.is_answer(request_id):
            self.inquiry.executed(request_id, reports[0])
            return
        for report in reports:
            self._report(report)

    def executed_end(self, request_id: int) -> None:
        self.inquiry.executed_end(request_id)

    def commission(self, said: CommissionReport) -> None:
        report = commission_report(said)
        if report is not None:
            self._report(report)

    def position(self, account: str, contract: Contract, quantity: float, average_cost: float) -> None:
        self.inquiry.positions.add(None)
        if self.account.holds(account, contract, quantity, average_cost):
            self._positions_named.add(contract.conId)
            # Of what no rule names nothing is told here: `tell_positions` does once one names it.
            for name in self.subscriptions.names(contract.conId):
                self._report(self.account.position(contract.conId, name))

    def positions_end(self) -> None:
        self._positions_known = True
        if (asked_s := self.inquiry.positions_told()) is None:
            return
        # IB need not name what is held no longer.
        for contract_id, contract in self.account.held.items():
            if contract_id not in self._positions_named:
                self.position(self.account.name, contract, 0.0, 0.0)
        self._report(PositionsTold(asked_s))

    def account_value(self, account: str, tag: str, value: str, currency: str) -> None:
        report = self.account.value(account, tag, value, currency)
        if report is not None:
            self._report(report)

    def profit(self, daily: float) -> None:
        self._report(daily_profit(daily))

    def current_time(self, ib_s: int) -> None:
        ahead_s, now_s = self.inquiry.time_told(ib_s), self._clock.now_s()
        is_apart = abs(ahead_s) >= CLOCK_APART_S
        if is_apart is not self._is_apart or (is_apart and abs(now_s - self._apart_told_s) >= CLOCK_TOLD_EVERY_S):
            self._is_apart, self._apart_told_s = is_apart, now_s
            self._report(ClockCompared(now_s, ahead_s if is_apart else 0.0))

    def next_order_id(self, order_id: int) -> None:
        self.inquiry.order_ids.add(order_id)
        self.inquiry.order_ids.end()

    def packet(self) -> None:
        self.packets += 1
        self.prices.now_s, self.prices.came = self._clock.now_s(), False

    def packet_end(self) -> None:
        if self._keeps_proven and self.prices.came and self.inquiry.is_proof_due(self.prices.now_s):
            # After what these prices come to: that has waited long enough.
            asyncio.get_running_loop().call_soon(self.inquiry.keep_proven)

    def said(self, request_id: int, code: int, text: str) -> None:
        if request_id in self._order_ids or 0 < request_id < self._first_request_id:
            self._report(OrderError(request_id, code, text))
        elif request_id > 0:
            self.subscriptions.said(request_id, code, text)
        else:
            self._system(code, text)

    def closed(self, why: str) -> None:
        if not self.ended.is_set():
            self.why_ended = why or "the connection was closed"
            self.inquiry.fail(self.why_ended)
            self.ended.set()

    def _system(self, code: int, text: str) -> None:
        if code == codes.CLIENT_ID_IN_USE:
            self.client_id_in_use = True
            self.closed(text)
        elif code in codes.LINK_LOST:
            self._link_lost(code, text)
        elif code in (codes.LINK_BACK, codes.LINK_BACK_DATA_LOST):
            self._link_back(code, text)
        elif code in codes.FARM_BROKEN:
            self.subscriptions.silence_farm(code, text)
        elif code in codes.FARM_WELL:
            self._feeds.verify_soon()

    def _link_lost(self, code: int, text: str) -> None:
        """IB repeats this every few seconds; it is told once."""
        self.outages += 1
        if not self.degraded:
            self.degraded = self.prices.is_deaf = True
            self._report(LinkChange(self._clock.now_s(), "degraded", code, text))
            self.subscriptions.silence_all(code, text)

    def _link_back(self, code: int, text: str) -> None:
        self.degraded = self.prices.is_deaf = False
        data_lost = code == codes.LINK_BACK_DATA_LOST
        if data_lost:
            self.subscriptions.renew()
        self._feeds.verify_soon()
        self._report(LinkChange(self._clock.now_s(), "up", code, text, data_lost=data_lost))

    def _report_order(self, report: OrderReport) -> None:
        """Very many orders that are told again at each question would fill the inbox."""
        if not self.orders.is_repeated:
            self._report(report)

    def _report(self, report: Report) -> None:
        if not self._inbox.report(report):
            # A report that is lost is made good by the next connection, which reads everything again.
            self.session.hang_up()
