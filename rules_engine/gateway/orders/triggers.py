"""Trigger methods: which prices stop orders and price conditions look at."""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from rules_engine.gateway.market.quote import Quote, Tick, TickKind


class Method(IntEnum):
    """IB's numbers for trigger methods."""

    DEFAULT = 0
    DOUBLE_BID_ASK = 1
    LAST = 2
    DOUBLE_LAST = 3
    BID_ASK = 4
    LAST_OR_BID_ASK = 7
    MIDPOINT = 8


NUMBERS = frozenset(int(method) for method in Method)

# What "default" means for a security type; last where it is not listed.
_DEFAULTS = {"OPT": Method.DOUBLE_BID_ASK, "CASH": Method.BID_ASK, "CMDTY": Method.BID_ASK}
DOUBLE = frozenset({Method.DOUBLE_BID_ASK, Method.DOUBLE_LAST})
"""Methods that want two prices in a row."""
_BY_LAST = frozenset({Method.LAST, Method.DOUBLE_LAST, Method.LAST_OR_BID_ASK})
_BY_TOUCH = frozenset({Method.BID_ASK, Method.DOUBLE_BID_ASK, Method.LAST_OR_BID_ASK})


def method_of(number: int, secType: str) -> Method:
    """The method that a number means for a security type."""
    method = Method(number)
    return _DEFAULTS.get(secType, Method.LAST) if method is Method.DEFAULT else method


def prices_seen(method: Method, up: bool, ticks: Sequence[Tick], quote: Quote) -> Iterator[float]:
    """The prices of one instant that count for a level above (`up`) or below.

    A rise is seen in the bid and a fall in the ask, so that the spread alone triggers nothing.
    """
    touch = TickKind.BID if up else TickKind.ASK
    for tick in ticks:
        if tick.kind is TickKind.TRADE:
            if method in _BY_LAST:
                yield tick.price
        elif method is Method.MIDPOINT:
            if quote.mid is not None:
                yield quote.mid
        elif tick.kind is touch and method in _BY_TOUCH:
            yield tick.price
    if method is Method.LAST_OR_BID_ASK:
        yield from prices_now(method, up, quote)


def prices_now(method: Method, up: bool, quote: Quote) -> Iterator[float]:
    """The price that counts when nothing moves, if there is one: what an order finds when it arrives."""
    standing = []
    if method in _BY_LAST:
        standing.append(quote.last)
    if method in _BY_TOUCH:
        standing.append(quote.bid if up else quote.ask)
    if method is Method.MIDPOINT:
        standing.append(quote.mid)
    prices = [price for price in standing if price is not None]
    if prices:
        yield max(prices) if up else min(prices)
