"""Prints that never were: what a broken feed shows, and a feed that never stops."""

from collections.abc import Callable, Iterator

from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Quote, Tick, TickKind

_SIZE = 100.0
_OLD_S = 60.0

# How to make a price of the last one, its size, and how old it is.
BAD_PRINTS: dict[str, tuple[Callable[[float], float], float, float]] = {
    "empty": (lambda last: -1.0, 0.0, 0.0),
    "zero": (lambda last: 0.0, 0.0, 0.0),
    "hundredfold": (lambda last: last * 100, _SIZE, 0.0),
    "hundredth": (lambda last: last / 100, _SIZE, 0.0),
    "old": (lambda last: last * 0.99, _SIZE, _OLD_S),
}


def bad_tick(kind: str, conId: int, quote: Quote, now_s: float) -> Tick:
    """A trade that never was. Raises KeyError for an unknown kind, ValueError while there is no price to spoil."""
    if kind not in BAD_PRINTS:
        raise KeyError(f"{kind!r} is no kind of bad print; there are {', '.join(BAD_PRINTS)}")
    last = quote.last if quote.last is not None else quote.mid
    if last is None:
        raise ValueError("there is no price yet that could be spoiled")
    spoil, size, age_s = BAD_PRINTS[kind]
    price = round(spoil(last), 8)
    return Tick(conId, now_s - age_s, TickKind.TRADE, price, size, None, quote.volume, quote.average or last)


def flood_prices(market: Market, conId: int, count: int) -> Iterator[float]:
    """So many prices a tick up and down in turn, the last of them where it began. Raises ValueError without a price."""
    quote = market.quote(conId)
    last = quote.last if quote.last is not None else quote.mid
    listing = market.catalogue.listing(conId)
    if last is None or listing is None:
        raise ValueError("there is no price yet to flood with")
    return (round(last + (number % 2) * listing.minTick, 8) for number in range(count - 1, -1, -1))
