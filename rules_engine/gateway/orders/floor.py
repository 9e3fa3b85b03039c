"""Every order from its acceptance to its end: what it waits for, when it may trade, and whom its end concerns."""

from collections.abc import Callable, Iterable, Sequence

from rules_engine.gateway.accounts.ledger import Execution, Ledger
from rules_engine.gateway.market.liquidity import Liquidity
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.orders.auctions import Auctions, Called, is_for_auction
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.conditions import Conditions
from rules_engine.gateway.orders.families import cancels_others, linked, shrink_to_parent, waits_for_parent
from rules_engine.gateway.orders.matching import AT_ONCE, MARKETABLE, is_within, kind_of, limit_of
from rules_engine.gateway.orders.order import Order, Status
from rules_engine.gateway.orders.pit import Pit
from rules_engine.gateway.orders.progress import Progress
from rules_engine.gateway.orders.teller import Listeners, Teller
from rules_engine.gateway.times import Timers, read_time


class Floor:
    """Every order after its client has sent it, whether that client is still there or not.

    A new order reaches the exchange ``latency_s`` after it was acknowledged, and a cancel after it was asked for: a
    fill may come first.
    """

    def __init__(
        self,
        market: Market,
        liquidity: Liquidity,
        ledger: Ledger,
        timers: Timers,
        now_s: Callable[[], float],
        listeners: Listeners,
        latency_s: float = 0.0,
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._timers = timers
        self._now_s = now_s
        self._latency_s = latency_s
        self.book = OrderBook()
        self._conditions = Conditions(market, now_s, lambda account: ledger.figures(account).cushion, listeners.changed)
        self._progress = Progress(market, self.book, now_s)
        self.why_held = self._progress.why_held
        self._teller = Teller(listeners, self._progress)
        self._pit = Pit(market, liquidity, ledger, self.book, self._progress, self._teller, now_s)
        self._auctions = Auctions(market)

    # From the desk.

    def place(self, order: Order) -> None:
        """A new order."""
        shrink_to_parent(order, self.book)
        order.arrived = not self._latency_s
        met = self._acknowledge(order)
        self.send(lambda: self._arrive(order, met))

    def accept(self, order: Order) -> None:
        """An order that was changed, or that begins anew; it is at the exchange already."""
        self._arrive(order, self._acknowledge(order))

    def ask_to_cancel(self, order: Order) -> None:
        """Its client wants it cancelled."""
        if order.staged or not self._latency_s:
            self.cancel(order)
        else:
            self._teller.cancel_travels(order)
            self.send(lambda: self._cancel_arrives(order))

    def send(self, arrive: Callable[[], None]) -> None:
        """Do something when it has travelled to the exchange; at once without latency."""
        if self._latency_s:
            self._timers.at(self._now_s() + self._latency_s, arrive)
        else:
            arrive()

    def cancel(self, order: Order, why: str = "") -> None:
        """End an order before it is filled. Orders that wait for a fill of it end too, unless it has one."""
        staged = order.staged
        self._end(order, Status.CANCELLED, f"Cancelled by {'Trader' if not why else 'System'}: {why}".rstrip(": "))
        if not staged:
            self._teller.cancelled(order, why)
        self._release_children(order)

    def restore(self, orders: Iterable[Order]) -> None:
        """Orders of an earlier run come back; nothing moves them before `resume`."""
        for order in orders:
            order.arrived = not order.staged
            self.book.add(order)

    def resume(self) -> None:
        """Orders of an earlier run wait where they waited, save for those whose time has passed."""
        for order in self.book.live():
            self._expire(order)
        waiting = self.book.live()
        met = [order for order in waiting if self._wait(order)]
        for order in waiting:
            if self._progress.ready(order):
                self._enter(order)
        self._elect(met)

    def first_s(self, order: Order) -> float:
        """The first instant at which an order can trade: a day order is for the day of it."""
        form = order.form
        from_s = max(order.placed_s, read_time(form.goodAfterTime) if form.goodAfterTime else order.placed_s)
        return self._auctions.next_s(order, from_s) if is_for_auction(order) else self._progress.opens_s(order, from_s)

    def wait_anew(self, order: Order) -> None:
        """The order's conditions must be met again, from now on."""
        self._conditions.release(order)
        self._leave(order)
        order.triggered = False
        order.elected_s, order.traded, order.stop_price = None, (), None

    # From the market.

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant: conditions first, then orders that work on these instruments."""
        by_instrument: dict[int, list[Tick]] = {}
        for tick in ticks:
            by_instrument.setdefault(tick.conId, []).append(tick)
        margins = any(self._ledger.holds(conId) for conId in by_instrument)
        self._elect(self._conditions.ticked(by_instrument, margins=margins))
        for conId, moved in by_instrument.items():
            for order in self._pit.concerned(conId, moved):
                if order.live:
                    self._look(order, moved)

    def worth_moved(self) -> None:
        """Something but a price or a fill has changed what accounts are worth."""
        self._elect(self._conditions.margins_moved())

    # What an order waits for.

    def _acknowledge(self, order: Order) -> bool:
        """Tell that the order is taken; True when its conditions are met already."""
        met = self._wait(order)
        order.resting, order.peg_price = False, None
        marketable = kind_of(order).pricing in MARKETABLE
        order.status = Status.PRE_SUBMITTED if marketable else self._progress.status(order)
        self._teller.report(order)
        self._teller.warn_if_closed(order)
        self._teller.changed(order)
        return met

    def _arrive(self, order: Order, met: bool) -> None:
        if not order.live:
            return
        order.arrived = True
        if met:
            self._elect([order])
        elif self._progress.ready(order):
            self._start(order)

    def _wait(self, order: Order) -> bool:
        """Arrange everything that can move the order on; True when its conditions are met already.

        The conditions of a child are watched from its parent's fill on.
        """
        self._market.quote(order.conId)
        met = False
        if order.form.conditions and not order.elected and not waits_for_parent(order, self.book):
            met = self._conditions.hold(order)
            for time_s in self._conditions.times_s(order):
                self._timers.at(time_s, lambda: self._moment_came(order))
        if order.form.goodAfterTime:
            self._timers.at(read_time(order.form.goodAfterTime), lambda: self._go_on(order))
        if order.form.tif == "GTD":
            self._timers.at(read_time(order.form.goodTillDate), lambda: self._expire(order))
        return met

    def _moment_came(self, order: Order) -> None:
        if order.live and self._conditions.looked_at(order):
            self._elect([order])

    def _elect(self, orders: Iterable[Order]) -> None:
        """The conditions of these orders are met."""
        for order in orders:
            if not order.live or order.elected:
                continue
            order.elected_s = self._now_s()
            self._conditions.release(order)
            self._teller.changed(order)
            if order.form.conditionsCancelOrder:
                self.cancel(order, "a condition to cancel it was met")
            else:
                self._go_on(order)

    def _go_on(self, order: Order) -> None:
        """Something that the order waited for has happened."""
        if order.live and not order.staged and self._progress.ready(order):
            self._teller.progressed(order)
            self._start(order)

    # At work.

    def _start(self, order: Order) -> None:
        """Nothing but the market decides from here on; the order has its first look at it."""
        self._enter(order)
        self._look(order, ())
        if order.live:
            self._teller.progressed(order)

    def _enter(self, order: Order) -> None:
        self._pit.enter(order)
        if is_for_auction(order):
            self._timers.at(self._auctions.join(order, self._now_s()), lambda: self._auction_is_due(order))

    def _leave(self, order: Order) -> None:
        self._pit.leave(order)
        self._auctions.leave(order)

    def _look(self, order: Order, ticks: Sequence[Tick]) -> None:
        if not self._progress.ready(order):
            return
        if is_for_auction(order):
            self._trade_in_auction(self._auctions.ticked(order, ticks))
            return
        fills = self._pit.look(order, ticks)
        if fills:
            self._traded(order, fills)
        if order.live and order.form.tif in AT_ONCE and self._progress.works(order):
            self._give_up(order)

    def _auction_is_due(self, order: Order) -> None:
        if order.live:
            self._trade_in_auction(self._auctions.due(order, self._now_s()))

    def _trade_in_auction(self, called: Called | None) -> None:
        """An auction fills an order whole at its price, or ends it."""
        if called is None:
            return
        order, price = called
        if price is None or self._market.quote(order.conId).halted:
            self.cancel(order, "there was no auction")
        elif not is_within(order, price, limit_of(order)):
            self.cancel(order, "the auction did not reach its limit")
        else:
            self._traded(order, self._pit.fill_in_auction(order, price))

    # Whom a fill or an end concerns.

    def _traded(self, order: Order, fills: Sequence[Execution]) -> None:
        shares = sum(fill.shares for fill in fills)
        for other in list(linked(order, self.book)):
            if other.live and cancels_others(order):
                self.cancel(other)
            elif other.live:
                self._reduce(other, shares)
        if not order.live:
            self._retire(order)
            self._release_children(order)
        for fill in fills:
            self._elect(self._conditions.traded(fill))
        self._elect(self._conditions.margins_moved())

    def _reduce(self, order: Order, shares: float) -> None:
        """Another member of its group was filled by so much."""
        order.reduced = round(order.reduced + shares, 8)
        if order.remaining > 0:
            self._teller.report(order)
            self._teller.changed(order)
        else:
            self.cancel(order)

    def _release_children(self, parent: Order) -> None:
        """The parent has ended: what it filled is there to be closed, and without a fill there is nothing to wait for.

        Children come alive when their parent is complete; if it ends with a part, they close that part alone.
        """
        for child in self.book.children(parent):
            if not child.live:
                continue
            if not parent.filled:
                self.cancel(child)
            elif not child.staged:
                shrink_to_parent(child, self.book)
                self._come_alive(child)

    def _come_alive(self, child: Order) -> None:
        if self._wait(child):
            self._elect([child])
        else:
            self._go_on(child)

    def _cancel_arrives(self, order: Order) -> None:
        if order.live:
            self.cancel(order)
        else:
            self._teller.cancel_came_late(order)

    def _give_up(self, order: Order) -> None:
        """An order for this instant did not trade to its end: IB ends FOK orders as Inactive."""
        if order.form.tif == "IOC":
            self.cancel(order)
            return
        self._end(order, Status.INACTIVE, "Not filled at once")
        self._teller.report(order)
        self._release_children(order)

    def _expire(self, order: Order) -> None:
        still_due = order.form.tif == "GTD" and read_time(order.form.goodTillDate) <= self._now_s()
        if order.live and not order.staged and still_due:
            self.cancel(order, "the order expired")

    def _end(self, order: Order, status: Status, why: str) -> None:
        order.end(status, self._now_s(), why)
        self._retire(order)
        self._teller.changed(order)

    def _retire(self, order: Order) -> None:
        """Nothing can move an order that has ended."""
        self._leave(order)
        self._conditions.release(order)
