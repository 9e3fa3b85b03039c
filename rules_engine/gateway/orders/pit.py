"""Orders at work in the market: who is looked at when prices move, what sets them off, and their fills."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rules_engine.gateway.accounts.ledger import Execution, Ledger
from rules_engine.gateway.market.liquidity import Liquidity
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.matching import PEGGED, Pricing, kind_of, limit_of, peg_of, protection_of
from rules_engine.gateway.orders.order import Order, Status, execution_of
from rules_engine.gateway.orders.progress import Progress
from rules_engine.gateway.orders.stops import Stops
from rules_engine.gateway.orders.taking import pieces_for
from rules_engine.gateway.orders.teller import Teller
from rules_engine.gateway.orders.waiting import Reach, Waiting

# IB's numbers for how an execution came about.
_IN_AUCTION, _ADDED, _REMOVED = 0, 1, 2


class Pit:
    """Brings orders together with the market."""

    def __init__(
        self,
        market: Market,
        liquidity: Liquidity,
        ledger: Ledger,
        book: OrderBook,
        progress: Progress,
        teller: Teller,
        now_s: Callable[[], float],
    ) -> None:
        self._market = market
        self._liquidity = liquidity
        self._ledger = ledger
        self._book = book
        self._progress = progress
        self._teller = teller
        self._now_s = now_s
        self._stops = Stops(market)
        self._waiting = Waiting()
        self._sessions: dict[int, tuple[bool, bool, int]] = {}
        """Whether each instrument traded when it last moved."""

    def enter(self, order: Order) -> None:
        """The order looks at the prices of its instrument from now on, or at others than before."""
        self._waiting.add(order)

    def leave(self, order: Order) -> None:
        """Prices do not concern it any more."""
        self._waiting.remove(order)
        self._stops.forget(order)

    def concerned(self, conId: int, ticks: Sequence[Tick]) -> list[Order]:
        """The orders that must look at what an instrument did at one instant, oldest first.

        All of them when it began or ceased to trade; else those whose prices were reached.
        """
        if not self._waiting.has(conId):
            return []
        session = self._progress.session(conId)
        if self._sessions.get(conId) != session:
            self._sessions[conId] = session
            return self._waiting.all(conId)
        return self._waiting.reached(conId, self._reach(conId, ticks))

    def look(self, order: Order, ticks: Sequence[Tick]) -> list[Execution]:
        """The order meets the market: with the prices of an instant, or (without) as it stands. Returns its fills."""
        if not self._progress.tradable(order):
            return []
        if order.status is Status.PRE_SUBMITTED and ticks:
            self._teller.progressed(order)
        if not self._progress.works(order):
            trailed = order.stop_price
            if not self._stops.set_off(order, ticks):
                if order.stop_price != trailed:
                    self._teller.changed(order)
                return []
            order.triggered = True
            self._waiting.add(order)
            self._teller.progressed(order)
            self._teller.changed(order)
        return self._trade(order, ticks)

    def fill_in_auction(self, order: Order, price: float) -> list[Execution]:
        """All of the order at the price of an auction."""
        return [self._fill(order, price, order.remaining, _IN_AUCTION)]

    def _reach(self, conId: int, ticks: Sequence[Tick]) -> Reach:
        prices = [tick.price for tick in ticks]
        middle = self._market.quote(conId).mid
        if middle is not None:
            prices.append(middle)
        return Reach(
            min(prices), max(prices), self._market.fill_price(conId, "BUY"), self._market.fill_price(conId, "SELL")
        )

    def _trade(self, order: Order, ticks: Sequence[Tick]) -> list[Execution]:
        pricing = kind_of(order).pricing
        if pricing is Pricing.PROTECTED and limit_of(order) is None:
            touch = self._market.fill_price(order.conId, order.form.action)
            if touch is None:
                return []
            self._limit(order, protection_of(order, touch))
        if pricing in PEGGED and order.peg_price is None:
            order.peg_price = peg_of(order, self._market.quote(order.conId))
        fills = []
        for piece in pieces_for(order, self._market, self._liquidity, ticks):
            if piece.level is not None:
                self._liquidity.take(order.conId, piece.level, piece.size)
            fills.append(self._fill(order, piece.price, piece.size, _ADDED if order.resting else _REMOVED))
        if order.live:
            self._rest(order, pricing, fills)
        return fills

    def _rest(self, order: Order, pricing: Pricing, fills: Sequence[Execution]) -> None:
        """What the market left of an order stands where others can come to it."""
        if pricing is Pricing.MARKET_TO_LIMIT and limit_of(order) is None and fills:
            self._limit(order, fills[0].price)
        if pricing in PEGGED:
            order.peg_price = peg_of(order, self._market.quote(order.conId))
        order.resting = limit_of(order) is not None

    def _limit(self, order: Order, price: float) -> None:
        """The market has given the order a limit, which is reported from now on."""
        order.request = replace(order.request, order=replace(order.form, lmtPrice=price))
        self._waiting.add(order)
        self._teller.changed(order)

    def _fill(self, order: Order, price: float, shares: float, liquidity: int) -> Execution:
        now_s = self._now_s()
        number = self._book.take_execution_number()
        execution = execution_of(order, price, shares, number, now_s, liquidity)
        order.filled = execution.cumQty
        order.avgFillPrice = execution.avgPrice
        order.lastFillPrice = price
        execution = self._ledger.book(execution)
        self._book.executions.append(execution)
        if order.remaining > 0:
            order.status = self._progress.status(order)
        else:
            order.end(Status.FILLED, now_s, f"Filled Size: {order.filled:g}")
            self.leave(order)
        self._teller.filled(order, execution)
        return execution
