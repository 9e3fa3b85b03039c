"""Prices that keep crossing the levels which the rules watch, from a seed."""

import asyncio
from dataclasses import dataclass
from random import Random

from rules_engine.gateway import Gateway

MARKET = """\
version: 1
symbols:
  V:
    close: 200.00
    history: [{from: 199.00, to: 199.50, over: 10m, every: 1s}]
  MA:
    close: 400.00
    history: [{from: 401.00, to: 400.00, over: 10m, every: 1s}]
  AAPL:
    close: 150.00
    history: [{from: 150.00, to: 149.00, over: 10m, every: 1s}]
"""


@dataclass(slots=True)
class Walker:
    """A price that is drawn back to its centre."""

    symbol: str
    centre: float
    price: float

    def step(self, random: Random) -> float:
        pull = (self.centre - self.price) * 0.02
        self.price = round(self.price + pull + random.gauss(0.0, self.centre * 0.0012), 2)
        return self.price


class Crowd:
    """Trades and quotes until it is told to stop."""

    def __init__(self, gateway: Gateway, random: Random, pause_s: float) -> None:
        self._gateway = gateway
        self._random = random
        self._pause_s = pause_s
        self._walkers = [Walker("V", 200.0, 199.5), Walker("MA", 400.0, 400.0), Walker("AAPL", 150.0, 149.0)]
        self.ticks = 0

    async def trade(self, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        for walker in self._walkers:
            self._show(walker.symbol, walker.price)
        while loop.time() < until_s:
            await asyncio.sleep(self._random.expovariate(1 / self._pause_s))
            walker = self._random.choice(self._walkers)
            self._show(walker.symbol, walker.step(self._random))

    def _show(self, symbol: str, price: float) -> None:
        self.ticks += 1
        self._gateway.push_quote(symbol, round(price - 0.02, 2), round(price + 0.02, 2))
        self._gateway.push(symbol, price)
