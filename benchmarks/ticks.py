"""A seeded market for benchmarks: prices in whole cents, about twenty prints a second."""

import math
import random
from dataclasses import dataclass

TICKS_PER_S = 20
_TRADING_YEAR_S = 252 * 6.5 * 3600
STORMY = 4.3
"""Volatility of a year: 430%."""
_HOME_CENTS = 20_000


@dataclass(frozen=True, slots=True)
class Print:
    """One trade."""

    time_s: float
    cents: int
    size: float

    @property
    def price(self) -> float:
        return self.cents / 100


def walk(count: int, seed: int, volatility: float = STORMY, per_s: float = TICKS_PER_S) -> list[Print]:
    """A random walk that is drawn gently back to 200, so that a million steps stay a market."""
    source = random.Random(seed)
    step = volatility / math.sqrt(_TRADING_YEAR_S * per_s)
    time_s, level = 1_900_000_000.0, math.log(_HOME_CENTS)
    prints = []
    for _ in range(count):
        time_s += source.uniform(0.6, 1.4) / per_s
        if source.random() < 0.7:
            level += source.gauss(0.0, step / math.sqrt(0.7)) + 2e-7 * (math.log(_HOME_CENTS) - level)
        prints.append(Print(time_s, round(math.exp(level)), float(source.randrange(1, 10) * 100)))
    return prints
