"""What should never happen to an order or an account, and does."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rules_engine.gateway.accounts.ledger import Account, Holding, Ledger
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.order import Order, Status, execution_of, order_status
from rules_engine.gateway.orders.reports import commission_report, exec_details
from rules_engine.gateway.orders.teller import Listeners

LAST = "last"
"""In place of an order: the one that was placed last."""
_REMOVED_LIQUIDITY = 2


class Mishaps:
    """Does to orders and accounts what the rules of the floor do not allow."""

    def __init__(
        self, market: Market, ledger: Ledger, floor: Floor, now_s: Callable[[], float], listeners: Listeners
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._floor = floor
        self._book = floor.book
        self._now_s = now_s
        self._listeners = listeners

    def find(self, order: str | int) -> Order:
        """An order by its permanent number, its orderRef, or as the `last` one. Raises KeyError when there is none."""
        found: Order | None
        if isinstance(order, int) or order.isdecimal():
            found = self._book.numbered(int(order))
        else:
            found = next((one for one in reversed(self._book.all()) if order in (LAST, one.orderRef)), None)
        if found is None:
            raise KeyError(f"no order of today is {order!r}; give its permId, its orderRef, or '{LAST}'")
        return found

    def fill_late(self, order: Order, shares: float) -> None:
        """An order that has ended fills after all, at the present price. Raises ValueError for one that cannot."""
        if order.live or order.remaining <= 0:
            raise ValueError(f"order {order.permId} is {order.status}; only what ended with something left fills late")
        price = self._market.fill_price(order.conId, order.form.action)
        if price is None:
            raise ValueError(f"there is no price for order {order.permId}")
        execution = execution_of(
            order,
            price,
            min(shares, order.remaining) if shares > 0 else order.remaining,
            self._book.take_execution_number(),
            self._now_s(),
            _REMOVED_LIQUIDITY,
        )
        order.filled, order.avgFillPrice, order.lastFillPrice = execution.cumQty, execution.avgPrice, price
        if order.remaining <= 0:
            order.end(Status.FILLED, self._now_s(), f"Filled Size: {order.filled:g}")
        execution = self._ledger.book(execution)
        self._book.executions.append(execution)
        for message in (exec_details(-1, execution), order_status(order), commission_report(execution)):
            self._listeners.tell(order.clientId, message)
        self._listeners.changed(order)
        self._listeners.executed(execution)

    def double(self, order: Order) -> Order:
        """A second live order under the same id, with a permanent number of its own; the client finds this one by id.

        A change during an outage did this to somebody: one order filled, and hours later the other did too.
        """
        if not order.live:
            raise ValueError(f"order {order.permId} is {order.status}; only a live one can be doubled")
        second = replace(order, permId=self._book.take_perm_id())
        self._book.add(second)
        self._floor.place(second)
        return second

    def reset_account(self, name: str) -> Sequence[int]:
        """The account begins anew, with the cash of the first day: the contracts of which it holds nothing any more.

        Raises KeyError for an unknown one.
        """
        before = self._ledger.accounts.get(name)
        if before is None:
            raise KeyError(f"{name!r} is no account; there are {', '.join(self._ledger.accounts)}")
        closed = {number: Holding(holding.contract) for number, holding in before.holdings.items()}
        self._ledger.accounts[name] = Account(name, holdings=closed)
        self._floor.worth_moved()
        return tuple(closed)

    def open_accounts(self, names: str) -> None:
        """The accounts of these names, divided by commas, exist from now on."""
        for name in filter(None, names.split(",")):
            self._ledger.accounts.setdefault(name, Account(name))
