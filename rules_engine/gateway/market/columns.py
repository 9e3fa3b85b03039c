"""Prints and quotes in time order, as columns of numbers: a tenth of the memory that as many objects need."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from rules_engine.gateway.market.quote import Print, Spread


class Trades:
    """Prints in time order."""

    def __init__(self) -> None:
        self.times_s, self.prices, self.sizes = array("d"), array("d"), array("d")

    def add(self, at_s: float, price: float, size: float) -> None:
        """One that is not older than the last."""
        self.times_s.append(at_s)
        self.prices.append(price)
        self.sizes.append(size)

    def put(self, trade: Print) -> None:
        """One of any time; it takes its place behind those of the same instant."""
        if not self.times_s or trade.time_s >= self.times_s[-1]:
            self.add(*trade)
            return
        row = bisect_right(self.times_s, trade.time_s)
        for column, value in zip((self.times_s, self.prices, self.sizes), trade, strict=True):
            column.insert(row, value)

    def drop(self, count: int) -> None:
        """Forget the oldest."""
        for column in (self.times_s, self.prices, self.sizes):
            del column[:count]

    def at(self, row: int, wire_s: float) -> Print:
        """The print of a row, at the time it has on the wire."""
        return Print(wire_s, self.prices[row], self.sizes[row])

    def between(self, start_s: float, end_s: float) -> Iterator[Print]:
        """Those of `[start, end)`."""
        for row in range(bisect_left(self.times_s, start_s), bisect_left(self.times_s, end_s)):
            yield self.at(row, self.times_s[row])


class Quotes:
    """Spreads in time order."""

    def __init__(self) -> None:
        self.times_s, self.bids, self.asks = array("d"), array("d"), array("d")
        self.bid_sizes, self.ask_sizes = array("d"), array("d")

    def add(self, at_s: float, bid: float, ask: float, bid_size: float, ask_size: float) -> None:
        """One that is not older than the last."""
        self.times_s.append(at_s)
        self.bids.append(bid)
        self.asks.append(ask)
        self.bid_sizes.append(bid_size)
        self.ask_sizes.append(ask_size)

    def put(self, spread: Spread) -> None:
        """One of any time; it takes its place behind those of the same instant."""
        if not self.times_s or spread.time_s >= self.times_s[-1]:
            self.add(*spread)
            return
        row = bisect_right(self.times_s, spread.time_s)
        for column, value in zip(self._columns(), spread, strict=True):
            column.insert(row, value)

    def drop(self, count: int) -> None:
        """Forget the oldest."""
        for column in self._columns():
            del column[:count]

    def at(self, row: int, wire_s: float) -> Spread:
        """The spread of a row, at the time it has on the wire."""
        return Spread(wire_s, self.bids[row], self.asks[row], self.bid_sizes[row], self.ask_sizes[row])

    def between(self, start_s: float, end_s: float) -> Iterator[Spread]:
        """Those of `[start, end)`."""
        for row in range(bisect_left(self.times_s, start_s), bisect_left(self.times_s, end_s)):
            yield self.at(row, self.times_s[row])

    def _columns(self) -> "tuple[array[float], ...]":
        return self.times_s, self.bids, self.asks, self.bid_sizes, self.ask_sizes
