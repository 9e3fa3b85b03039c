"""What the gateway does wrong on command."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rules_engine.gateway.times import Timers


@dataclass(slots=True)
class Faults:
    """Faults that are staged now. None is, unless somebody asks."""

    timers: Timers
    now_s: Callable[[], float]
    refused_clients: set[int] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    data_codes: dict[int, int] = field(default_factory=dict)
    order_delay_s: float = 0.0
    orders_to_lose: int = 0

    def withholds(self, message: object) -> bool:
        """Whether this reply must not be sent."""
        return type(message).__name__ in self.withheld

    def deliver_order(self, place: Callable[[], None]) -> None:
        """Hand an order on: at once, later, or never."""
        if self.orders_to_lose > 0:
            self.orders_to_lose -= 1
        elif self.order_delay_s > 0:
            self.timers.at(self.now_s() + self.order_delay_s, place)
        else:
            place()
