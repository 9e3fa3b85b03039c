"""What an account and its market have to give for one more order at this moment."""

import math
from collections.abc import Callable

from rules_engine.gateway.accounts.ledger import BASE, Ledger
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.checks import Refused
from rules_engine.gateway.orders.matching import AT_ONCE
from rules_engine.gateway.orders.order import Order

ACTIVE_ORDERS_MAX = 20
"""Of one account in one contract on one side: IB's page order_limitations."""


class Allowance:
    """Buying power, shares to borrow, permissions, opening hours, and places for active orders."""

    def __init__(
        self, market: Market, ledger: Ledger, book: OrderBook, now_s: Callable[[], float], active_orders_max: int
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._book = book
        self._now_s = now_s
        self._active_orders_max = active_orders_max
        self.borrowable: dict[int, float] = {}
        """Shares that can be borrowed to sell short, by contract number; any number of what is not named."""
        self.forbidden: set[int] = set()
        """Contracts that no account here may trade."""

    def check_order(self, order: Order) -> None:
        """Raise Refused when a new order asks for more than there is."""
        if order.conId in self.forbidden:
            raise Refused(203, order.contract.symbol)
        self._check_hours(order)
        self.check_funds(order.form, order.listing)
        if len(self._book.stacked(order)) >= self._active_orders_max:
            raise Refused(201, f"No more than {self._active_orders_max} active orders on one side of a contract")

    def check_funds(self, form: OrderForm, listing: Listing) -> None:
        """Raise Refused when the account cannot carry the margin."""
        figures = self._ledger.figures(form.account)
        signed = form.totalQuantity if form.action == "BUY" else -form.totalQuantity
        price = self.price(form, listing)
        needed, _ = self._ledger.margin_change(form.account, listing.contract, signed, price)
        if needed > max(0.0, figures.available):
            raise Refused(
                201,
                "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE"
                f" [{figures.equity:.2f} {BASE}] MUST EXCEED THE NEW INITIAL MARGIN"
                f" [{figures.initialMargin + needed:.2f} {BASE}]",
            )

    def price(self, form: OrderForm, listing: Listing) -> float:
        """What the order would cost a share, as far as one can tell."""
        return form.lmtPrice or self._market.fill_price(listing.conId, form.action) or 0.0

    def lacks_shares(self, order: Order) -> bool:
        """It sells short more than can be borrowed."""
        borrowable = self.borrowable.get(order.conId, math.inf)
        held = max(0.0, self._ledger.size(order.form.account, order.conId))
        return not order.buys and order.remaining - held > borrowable

    def _check_hours(self, order: Order) -> None:
        """An order that cannot wait must find its market open; any other is taken with a warning."""
        form = order.form
        waits = form.goodAfterTime or form.parentId or order.conditional
        is_open = self._market.is_open(order.conId, self._now_s(), form.outsideRth)
        if form.tif in AT_ONCE and not waits and not is_open:
            raise Refused(201, "Exchange is closed.")
