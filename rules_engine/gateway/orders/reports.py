"""Executions and margins as the messages that report them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rules_engine.gateway.accounts.ledger import BASE, Execution, Ledger, commission_of, rate
from rules_engine.gateway.messages.order_messages import CommissionReport, ExecDetails, OpenOrder
from rules_engine.gateway.orders.order import Order, open_order
from rules_engine.gateway.times import time_text
from rules_engine.gateway.wire.values import UNSET_NUMBER


def exec_details(reqId: int, execution: Execution) -> ExecDetails:
    """One fill, for a request or (-1) as it happens."""
    return ExecDetails(
        reqId=reqId,
        orderId=execution.orderId,
        contract=execution.contract,
        execId=execution.execId,
        time=time_text(execution.time_s),
        account=execution.account,
        exchange=execution.exchange,
        side=execution.side,
        shares=execution.shares,
        price=execution.price,
        permId=execution.permId,
        clientId=execution.clientId,
        liquidation=0,
        cumQty=execution.cumQty,
        avgPrice=execution.avgPrice,
        orderRef=execution.orderRef,
        lastLiquidity=execution.lastLiquidity,
    )


def commission_report(execution: Execution) -> CommissionReport:
    """What a fill cost and what it realised; TWS prints an unset number where there is nothing to tell."""
    realized = UNSET_NUMBER if execution.realizedPnl is None else execution.realizedPnl
    return CommissionReport(
        execution.execId, execution.commission, execution.contract.currency, realized, yieldAmount=UNSET_NUMBER
    )


def held_until(order: Order, opens_s: float) -> str:
    """The order and when its exchange opens, as TWS words it."""
    contract = order.contract
    exchange = contract.primaryExchange or contract.exchange
    zone = order.listing.timeZoneId
    opens = f"{datetime.fromtimestamp(opens_s, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} {zone}"
    named = f"{order.form.action} {order.form.totalQuantity:g} {contract.localSymbol or contract.symbol} {exchange}"
    return f"{named}\nWarning: Your order will not be placed at the exchange until {opens}."


def what_if(order: Order, ledger: Ledger, price: float) -> OpenOrder:
    """The margins an account would have with this order filled. It is never placed."""
    figures = ledger.figures(order.form.account)
    size = order.form.totalQuantity
    initial, maintenance = ledger.margin_change(
        order.form.account, order.contract, size if order.buys else -size, price
    )
    commission = commission_of(order.listing, size, price)
    paid = commission * rate(order.contract.currency)
    report = open_order(order)
    return OpenOrder(
        orderId=report.orderId,
        contract=report.contract,
        order=report.order,
        clientId=report.clientId,
        permId=0,
        status=order.status,
        initMarginBefore=_money(figures.initialMargin),
        maintMarginBefore=_money(figures.maintenanceMargin),
        equityBefore=_money(figures.equity),
        initMarginChange=_money(initial),
        maintMarginChange=_money(maintenance),
        equityChange=_money(-paid),
        initMarginAfter=_money(figures.initialMargin + initial),
        maintMarginAfter=_money(figures.maintenanceMargin + maintenance),
        equityAfter=_money(figures.equity - paid),
        commission=commission,
        minCommission=commission,
        maxCommission=commission,
        commissionCurrency=order.contract.currency or BASE,
    )


def _money(amount: float) -> str:
    return f"{amount:.2f}"
