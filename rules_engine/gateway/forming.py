"""A bar that is still forming."""

from dataclasses import dataclass

from rules_engine.gateway.market import Market
from rules_engine.gateway.quote import Quote, Tick, TickKind


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

    @property
    def average(self) -> float:
        """The mean price by volume."""
        return self.turnover / self.volume if self.volume else self.close


def empty_bar(start_s: float, price: float) -> FormingBar:
    """A bar in which nothing has happened yet."""
    return FormingBar(start_s, price, price, price, price)


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


def shown_trade(what: str, tick: Tick, quote: Quote) -> tuple[float, float] | None:
    """Price and size that a tick adds to a bar of this kind."""
    if what in ("TRADES", "AGGTRADES", "ADJUSTED_LAST"):
        return (tick.price, tick.size) if tick.kind is TickKind.TRADE else None
    price = shown_price(what, quote)
    if tick.kind is TickKind.TRADE or price is None:
        return None
    return price, 0.0


def price_of(market: Market, conId: int, what: str) -> float | None:
    """The present price of an instrument as a bar of this kind shows it."""
    return shown_price(what, market.quote(conId))
