"""What a market tells about one instrument: single ticks and the state they add up to."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

TRADING, HALTED, HALTED_BY_VOLATILITY = 0, 1, 2
_DRAWN_SIZE = 100.0


class TickKind(Enum):
    """Which of an instrument's three prices moved."""

    TRADE = "trade"
    BID = "bid"
    ASK = "ask"


class Print(NamedTuple):
    """A trade on the tape."""

    time_s: float
    price: float
    size: float


class Spread(NamedTuple):
    """Best bid and best ask from one instant on."""

    time_s: float
    bid: float
    ask: float
    bidSize: float
    askSize: float


def middle(bid: float, ask: float) -> float:
    """Half way between bid and ask, as the decimal number that people would write."""
    return round((bid + ask) / 2, 10)


class Tick(NamedTuple):
    """One price with its size at one instant. A tuple, since it is made hundreds of thousands of times a second."""

    conId: int
    time_s: float
    kind: TickKind
    price: float
    size: float
    spread: Spread | None = None
    """The whole quote that a bid or an ask belongs to."""
    volume: float = 0.0
    """Of a trade: the day's volume with it."""
    average: float = 0.0
    """Of a trade: the day's mean price by volume with it."""


class Change(NamedTuple):
    """What happens to one instrument at one instant.

    ``new_day`` begins a trade date before it; ``real`` is false for a spread that is drawn around the print;
    ``halted`` is how trading stands from here on, as in `Quote`, and None when that stays as it is.
    """

    conId: int
    spread: Spread | None
    trade: Print | None
    new_day: bool = False
    real: bool = True
    halted: int | None = None


def drawn_around(trade: Print, tick: float) -> Spread:
    """The quote shown where a source has prints only: one tick to either side, so that the midpoint is the print."""
    bid = max(round(trade.price - tick, 8), 0.0)
    return Spread(trade.time_s, bid, round(trade.price + tick, 8), _DRAWN_SIZE, _DRAWN_SIZE)


@dataclass(slots=True)
class Quote:
    """The present state of one instrument's market. ``close`` is the previous session's."""

    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    bidSize: float = 0.0
    askSize: float = 0.0
    lastSize: float = 0.0
    spread: Spread | None = None
    """Bid and ask as they came."""
    volume: float = 0.0
    turnover: float = 0.0
    count: int = 0
    """Prints of the day."""
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    last_time_s: float | None = None
    halted: int = TRADING
    """TRADING, or why it is not, in IB's numbers: HALTED for any reason, HALTED_BY_VOLATILITY."""
    days: int = 0
    """Trade dates that have begun since the first price."""
    real: bool = False
    """Bid and ask come from the source; else they are drawn around the last print."""

    @property
    def mid(self) -> float | None:
        """Half way between bid and ask."""
        if self.bid is None or self.ask is None:
            return None
        return middle(self.bid, self.ask)

    def show(self, spread: Spread, real: bool) -> None:
        """A new best bid and ask."""
        _, self.bid, self.ask, self.bidSize, self.askSize = self.spread = spread
        self.real = real

    def trade(self, at_s: float, price: float, size: float) -> None:
        """A print joins the day. One that is older than the last counts for the day, and is not the last price."""
        if self.open is None or self.high is None or self.low is None:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += size
        self.turnover += price * size
        self.count += 1
        if self.last_time_s is None or at_s >= self.last_time_s:
            self.last = price
            self.lastSize = size
            self.last_time_s = at_s

    @property
    def average(self) -> float | None:
        """The day's mean price by volume."""
        return self.turnover / self.volume if self.volume else self.last

    def open_day(self) -> None:
        """What was the last price becomes the previous close; the day's figures begin again."""
        ended = self.last if self.last is not None else self.mid
        if ended is not None:
            self.close = ended
        self.open = self.high = self.low = None
        self.volume = self.turnover = 0.0
        self.count = 0
        self.days += 1
