"""Watches what sets orders off: stops, touches, and stops that trail the market."""

from collections.abc import Sequence

from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.orders.matching import Trigger, kind_of, trailed_stop, trigger_reached, trigger_up
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.orders.triggers import DOUBLE, method_of, prices_now, prices_seen


class Stops:
    """What orders have seen on their way to being set off."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._reached: dict[int, bool] = {}
        """Whether the latest price that an order saw reached it: double methods want two in a row."""

    def set_off(self, order: Order, ticks: Sequence[Tick]) -> bool:
        """Show the prices of an instant to an order, without any those that stand; True when they set it off.

        A stop that trails moves with every price that does not.
        """
        quote = self._market.quote(order.conId)
        method = method_of(order.form.triggerMethod, order.contract.secType)
        up = trigger_up(order)
        trails = kind_of(order).trigger is Trigger.TRAIL
        if trails and order.stop_price is None:
            order.stop_price = order.form.trailStopPrice
        for price in prices_seen(method, up, ticks, quote) if ticks else prices_now(method, up, quote):
            before = self._reached.get(order.permId, method not in DOUBLE)
            reached = trigger_reached(order, price)
            if reached and before:
                self.forget(order)
                return True
            if method in DOUBLE:
                self._reached[order.permId] = reached
            if trails:
                order.stop_price = trailed_stop(order, price)
        return False

    def forget(self, order: Order) -> None:
        """It was set off, or it ended, or it begins anew."""
        self._reached.pop(order.permId, None)
