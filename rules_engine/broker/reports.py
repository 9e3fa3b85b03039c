"""IB's order messages into reports. Only what IB said: the library's own conclusions never get here."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.broker.library import CommissionReport as IbCommission
from rules_engine.broker.library import Contract, Execution, Order, OrderState
from rules_engine.broker.numbers import decimal_of, decimal_price, number_or_none
from rules_engine.model.reports import BrokerStatus, CommissionReport, ExecutionReport, OrderReport

_STATUSES = {
    "ApiPending": BrokerStatus.PENDING,
    "PendingSubmit": BrokerStatus.PENDING,
    "PreSubmitted": BrokerStatus.HELD,
    "Submitted": BrokerStatus.WORKING,
    # Asked to be cancelled; until IB says Cancelled it can still fill.
    "PendingCancel": BrokerStatus.WORKING,
    "Filled": BrokerStatus.FILLED,
    "Cancelled": BrokerStatus.CANCELLED,
    "ApiCancelled": BrokerStatus.CANCELLED,
    "Inactive": BrokerStatus.INACTIVE,
}


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """orderStatus as IB sends it: it knows how much is filled, but not the order's reference."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: float
    remaining: float
    average_price: float


class OrderReader:
    """Joins openOrder, which knows the reference, with orderStatus, which knows the fills, over one connection."""

    def __init__(self) -> None:
        self._by_perm_id: dict[int, OrderReport] = {}
        self._by_order_id: dict[tuple[int, int], OrderReport] = {}
        self.is_repeated = False
        """Whether the report that was read last says nothing new: IB's answers name every order twice."""

    def placed(self, order_id: int, client_id: int, key: str, quantity: Decimal, contract_id: int) -> None:
        """We are sending this order: a status that comes before its openOrder can be told by its id."""
        report = OrderReport(
            *(key, 0, order_id, client_id, BrokerStatus.PENDING, Decimal(0), quantity, None), contract_id=contract_id
        )
        self._by_order_id[client_id, order_id] = report

    def opened(self, order_id: int, contract: Contract, order: Order, state: OrderState) -> OrderReport:
        """openOrder: fills stay as the last orderStatus told them."""
        known = self._known(order.permId, order.clientId, order_id)
        quantity = decimal_of(order.totalQuantity)
        filled = known.filled if known else Decimal(0)
        return self._keep(
            OrderReport(
                order_ref=order.orderRef or (known.order_ref if known else ""),
                perm_id=order.permId,
                # Orders placed by hand have none (0 or below): permId alone names them.
                order_id=max(order_id, 0),
                client_id=order.clientId,
                status=_status(state.status, known),
                filled=filled,
                remaining=max(quantity - filled, Decimal(0)),
                average_price=known.average_price if known else None,
                contract_id=contract.conId,
                side="buy" if order.action == "BUY" else "sell",
                account=order.account,
                group=order.ocaGroup,
            )
        )

    def status(self, message: StatusMessage) -> OrderReport:
        """orderStatus. Another program's cancel names that program's client id: permId tells whose order it is."""
        known = self._known(message.perm_id, message.client_id, message.order_id)
        said = OrderReport(
            order_ref=known.order_ref if known else "",
            perm_id=message.perm_id or (known.perm_id if known else 0),
            order_id=known.order_id if known else message.order_id,
            client_id=known.client_id if known else message.client_id,
            status=_status(message.status, known),
            filled=decimal_of(message.filled),
            remaining=decimal_of(message.remaining),
            average_price=decimal_price(message.average_price),
            contract_id=known.contract_id if known else 0,
            side=known.side if known else "",
            account=known.account if known else "",
            group=known.group if known else "",
        )
        return self._keep(said)

    def latest(self, report: OrderReport) -> OrderReport:
        """The newest that is known of the order that this report is about."""
        return self._known(report.perm_id, report.client_id, report.order_id) or report

    def each_latest(self, reports: Iterable[OrderReport]) -> tuple[OrderReport, ...]:
        """The newest that is known of each order that these are about, each order once, in this order."""
        once = {id(report): report for report in reports}
        latest = map(self.latest, once.values())
        return tuple({id(report): report for report in latest}.values())

    def _known(self, perm_id: int, client_id: int, order_id: int) -> OrderReport | None:
        by_perm_id = self._by_perm_id.get(perm_id) if perm_id else None
        return by_perm_id or self._by_order_id.get((client_id, order_id))

    def _keep(self, report: OrderReport) -> OrderReport:
        """What says nothing new is let go again: of very many, each look at IB's lists would make the garbage collector
        go through all there is."""
        known = self._known(report.perm_id, report.client_id, report.order_id)
        self.is_repeated = report == known
        if known is not None and self.is_repeated:
            report = known
        if report.perm_id:
            self._by_perm_id[report.perm_id] = report
        if report.order_id > 0:
            self._by_order_id[report.client_id, report.order_id] = report
        return report


def completed_report(contract: Contract, order: Order, state: OrderState) -> OrderReport:
    """completedOrder, which has neither order id nor client id."""
    filled = decimal_of(number_or_none(order.filledQuantity) or 0.0)
    return OrderReport(
        order_ref=order.orderRef,
        perm_id=order.permId,
        order_id=0,
        client_id=0,
        status=_status(state.status, None),
        filled=filled,
        remaining=max(decimal_of(order.totalQuantity) - filled, Decimal(0)),
        average_price=None,
        completed=True,
        contract_id=contract.conId,
    )


def execution_report(contract: Contract, execution: Execution, instrument: str) -> ExecutionReport:
    """execDetails, live or asked for."""
    return ExecutionReport(
        exec_id=execution.execId,
        order_ref=execution.orderRef,
        perm_id=execution.permId,
        order_id=execution.orderId,
        client_id=execution.clientId,
        instrument=instrument,
        contract_id=contract.conId,
        side="buy" if execution.side == "BOT" else "sell",
        quantity=decimal_of(execution.shares),
        price=decimal_of(execution.price),
        time_s=execution.time.timestamp(),
    )


def commission_report(said: IbCommission) -> CommissionReport | None:
    """commissionReport; None where IB has not worked it out yet."""
    amount = number_or_none(said.commission)
    return None if amount is None else CommissionReport(said.execId, decimal_of(amount), said.currency)


def _status(word: str, known: OrderReport | None) -> BrokerStatus:
    """A word that we do not know changes nothing."""
    return _STATUSES.get(word) or (known.status if known else BrokerStatus.PENDING)
