"""A market in which what is not a finite number is unknown."""

from dataclasses import replace
from decimal import Decimal
from math import isfinite

from rules_engine.execution.ports import Market, Quote
from rules_engine.model.expression import Expression
from rules_engine.model.reports import Traded


class FiniteMarket:
    """What the limits see: NaN and infinity compare as nothing does, and must never pass for a price."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def read(self, expression: Expression) -> float | None:
        value = self._market.read(expression)
        return value if value is not None and isfinite(value) else None

    def quote(self, instrument: str) -> Quote | None:
        quote = self._market.quote(instrument)
        if quote is None or not isfinite(quote.time_s):
            return None
        prices = (quote.bid, quote.ask, quote.last)
        if all(price is None or price.is_finite() for price in prices):
            return quote
        return replace(quote, bid=_finite(quote.bid), ask=_finite(quote.ask), last=_finite(quote.last))

    def position(self, instrument: str) -> Decimal | None:
        return _finite(self._market.position(instrument))

    def traded(self, instrument: str) -> Traded | None:
        traded = self._market.traded(instrument)
        return traded if traded is not None and traded.multiplier.is_finite() and traded.multiplier > 0 else None

    def exchange_rate(self, currency: str) -> Decimal | None:
        return _finite(self._market.exchange_rate(currency))


def _finite(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value.is_finite() else None
