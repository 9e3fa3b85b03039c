"""Prices into the decimal steps that they come in."""

import numpy as np

from rules_engine.recordings.columns import Column

_PLACES, _PLACES_MAX = 2, 8
_FIT_MAX = 2.0**62


class Steps:
    """How many decimal places prices have, at least those of a cent, and how far they lie apart."""

    def __init__(self) -> None:
        self.places: int | None = _PLACES
        """None once a price has more places than are counted."""
        self.low = float("inf")
        """The lowest of them."""
        self._high = 0.0

    def add(self, prices: Column) -> None:
        """The next prices."""
        self.low, self._high = min(self.low, float(prices.min())), max(self._high, float(prices.max()))
        while self.places is not None:
            scale = 10.0**self.places
            with np.errstate(over="ignore"):
                prices = prices[np.rint(prices * scale) / scale != prices]
            if not len(prices):
                return
            self.places = self.places + 1 if self.places < _PLACES_MAX else None

    def are_countable(self, count: int) -> bool:
        """Whether the squares of so many distances, in steps, sum up within 64 bits."""
        if self.places is None:
            return False
        distance = (self._high - self.low) * 10.0**self.places
        return distance * distance * count < _FIT_MAX and self._high * 10.0**self.places * count < _FIT_MAX
