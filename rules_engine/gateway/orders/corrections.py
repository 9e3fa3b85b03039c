"""Executions that the exchange corrects after they were told: a new report under the next number of the same trade."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rules_engine.gateway.accounts.ledger import Execution, Ledger, commission_of
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.order import mean_price
from rules_engine.gateway.orders.reports import commission_report, exec_details
from rules_engine.gateway.orders.teller import Listeners


class Corrections:
    """Rewrites a fill of today, and everything that followed from it: order, position, cash, realised profit."""

    def __init__(self, market: Market, ledger: Ledger, book: OrderBook, listeners: Listeners) -> None:
        self._market = market
        self._ledger = ledger
        self._book = book
        self._listeners = listeners

    def correct(self, execId: str, price: float, shares: float) -> str:
        """Returns the id of the correction. Raises KeyError when no fill of today has this id now."""
        before = self._book.executions
        at = next((at for at, one in enumerate(before) if one.execId == execId), None)
        if at is None:
            raise KeyError(f"no execution of today has the id {execId!r}")
        wrong = before[at]
        right = self._right(wrong, price, shares)
        after = [*before[:at], right, *before[at + 1 :]]
        executions = list(_counted(before, after, right.permId))
        touched = [one for one in range(at, len(before)) if _same_holding(before[one], wrong)]
        for one in reversed(touched):
            self._ledger.unbook(before[one])
        for one in touched:
            executions[one] = self._ledger.book(executions[one])
        self._book.executions = executions
        self._tell(executions[at], [executions[one] for one in touched])
        return right.execId

    def _right(self, wrong: Execution, price: float, shares: float) -> Execution:
        """What should have been told. Its commission differs by what the prices and sizes differ in cost."""
        trade, _, number = wrong.execId.rpartition(".")
        listing = self._market.catalogue.listing(wrong.contract.conId)
        assert listing is not None, wrong.contract
        more = commission_of(listing, shares, price) - commission_of(listing, wrong.shares, wrong.price)
        commission = max(0.0, wrong.commission + more)
        execId = f"{trade}.{int(number) + 1:02}"
        return replace(wrong, execId=execId, price=price, shares=shares, commission=commission)

    def _tell(self, right: Execution, changed: Sequence[Execution]) -> None:
        for execution in changed:
            self._listeners.executed(execution)
        owner = right.clientId
        order = self._book.numbered(right.permId)
        if order is not None:
            owner = order.clientId
            fills = [one for one in self._book.executions if one.permId == right.permId]
            order.filled, order.avgFillPrice = fills[-1].cumQty, fills[-1].avgPrice
            order.lastFillPrice = fills[-1].price
            self._listeners.changed(order)
        self._listeners.tell(owner, exec_details(-1, right))
        self._listeners.tell(owner, commission_report(right))


def _same_holding(one: Execution, other: Execution) -> bool:
    return (one.account, one.contract.conId) == (other.account, other.contract.conId)


def _counted(before: Sequence[Execution], after: Sequence[Execution], permId: int) -> Iterator[Execution]:
    """The executions, with filled size and average price of one order counted anew.

    What that order traded on earlier days stands in the sums of its first execution of today.
    """
    first = next(one for one in before if one.permId == permId)
    filled = first.cumQty - first.shares
    turnover = first.cumQty * first.avgPrice - first.shares * first.price
    for one in after:
        if one.permId != permId:
            yield one
            continue
        filled = round(filled + one.shares, 8)
        turnover += one.shares * one.price
        yield replace(one, cumQty=filled, avgPrice=mean_price(turnover / filled) if filled else 0.0)
