"""A bar that is still forming."""

from dataclasses import dataclass

from rules_engine.gateway.market.history import Bar
from rules_engine.gateway.market.quote import Quote, Tick, TickKind, middle

TRADED = frozenset({"TRADES", "AGGTRADES", "ADJUSTED_LAST"})
"""Bars of prints; all others are of quotes, and have no volume."""


@dataclass(slots=True)
class FormingBar:
    """Prices since an instant. Without any it repeats the price before."""

    start_s: float
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    turnover: float = 0.0
    count: int = 0

    def see(self, price: float, size: float) -> None:
        """One more price; the first one opens the bar."""
        if self.count == 0:
            self.open = self.high = self.low = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += size
        self.turnover += price * size
        self.count += 1

    def shown(self, what: str) -> Bar:
        """The bar as it is told: what has no volume says -1."""
        if what not in TRADED:
            return Bar(self.start_s, self.open, self.high, self.low, self.close, -1.0, -1.0, -1)
        average = self.turnover / self.volume if self.volume else self.close
        return Bar(self.start_s, self.open, self.high, self.low, self.close, self.volume, average, self.count)


def empty_bar(start_s: float, price: float) -> FormingBar:
    """A bar in which nothing has happened yet."""
    return FormingBar(start_s, price, price, price, price)


def continued(bar: Bar) -> FormingBar:
    """A bar of history that goes on."""
    volume = max(0.0, bar.volume)
    return FormingBar(bar.time_s, bar.open, bar.high, bar.low, bar.close, volume, bar.wap * volume, max(1, bar.count))


def shown_price(what: str, quote: Quote) -> float | None:
    """The present price of what a bar shows."""
    match what:
        case "BID":
            return quote.bid
        case "ASK":
            return quote.ask
        case "MIDPOINT":
            return quote.mid
        case _:
            return quote.last


def shown_trade(what: str, tick: Tick) -> tuple[float, float] | None:
    """Price and size that a tick adds to a bar of this kind."""
    if what in TRADED:
        return (tick.price, tick.size) if tick.kind is TickKind.TRADE else None
    if tick.spread is None:
        return None
    bid, ask = tick.spread.bid, tick.spread.ask
    return (bid if what == "BID" else ask if what == "ASK" else middle(bid, ask)), 0.0
