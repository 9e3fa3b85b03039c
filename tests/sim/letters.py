"""A post office that delivers late, twice as far as it knows, or not at all, by chance."""

import asyncio
from random import Random

from rules_engine.notifying.courier import Courier, Delivery, Fate
from tests.sim.node import Node


class PostOffice:
    """What reached the people, in order. ``failing`` is how likely an attempt goes wrong."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.failing = 0.0
        self.delivered: list[tuple[float, str, str]] = []

    def courier(self, node: Node):
        """Couriers for the channels of this process."""
        return lambda url: SimulatedCourier(url, self, node)


class SimulatedCourier(Courier):
    """Tries once, and takes its time."""

    def __init__(self, url: str, office: PostOffice, node: Node) -> None:
        super().__init__(url)
        self._office = office
        self._node = node

    async def deliver(self, title: str, text: str) -> Delivery:
        office, random = self._office, self._office.random
        self._node.port("before letter")
        await asyncio.sleep(random.uniform(0.05, 1.0))
        chance = random.random()
        if chance < office.failing:
            return _FAILURES[int(chance / office.failing * len(_FAILURES))]
        office.delivered.append((asyncio.get_running_loop().time(), title, text))
        self._node.port("after letter")
        if random.random() < office.failing / 4:
            await asyncio.sleep(30.0)
            return Delivery(Fate.FAILED, "no answer within 30 seconds")
        return Delivery(Fate.DELIVERED)


_FAILURES = (
    Delivery(Fate.FAILED, "connection refused"),
    Delivery(Fate.FAILED, "Too Many Requests", retry_after_s=35.0),
    Delivery(Fate.FAILED, "Bad Gateway"),
    Delivery(Fate.REFUSED, "can't parse entities"),
)
