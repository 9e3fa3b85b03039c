"""What the gateway does wrong on command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from rules_engine.gateway.faults.interception import Interception
from rules_engine.gateway.faults.tampering import Tampering
from rules_engine.gateway.times import Timers


@dataclass(slots=True)
class Faults:
    """Faults that are staged now. None is, unless somebody asks."""

    timers: Timers
    now_s: Callable[[], float]
    random: Random
    tampering: Tampering = field(init=False)
    interception: Interception = field(init=False)
    refused_clients: set[int] = field(default_factory=set)
    data_codes: dict[int, int] = field(default_factory=dict)
    order_delay_s: float = 0.0
    orders_to_lose: int = 0
    down: bool = False
    """Between the end of one process and the start of the next: nobody gets a connection."""
    piece_bytes: int = 0
    hello_version: int = 0
    clock_skew_s: float = 0.0
    _lives: int = 0

    def __post_init__(self) -> None:
        self.tampering = Tampering(self.timers, self.now_s, self.random)
        self.interception = Interception(self.now_s)

    def deliver_order(self, place: Callable[[], None]) -> None:
        """Hand an order on: at once, later, or never."""
        if self.orders_to_lose > 0:
            self.orders_to_lose -= 1
        elif self.order_delay_s > 0:
            life = self._lives
            self.timers.at(self.now_s() + self.order_delay_s, lambda: place() if life == self._lives else None)
        else:
            place()

    def forget_orders(self) -> None:
        """Orders that were delayed never arrive: the process that had them is gone."""
        self._lives += 1
