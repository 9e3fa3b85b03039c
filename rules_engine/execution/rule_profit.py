"""What one rule's own fills came to: profit taken, at average cost, and profit of what they have built and is held."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

from rules_engine.execution.ports import Market
from rules_engine.model.action import Side

_NONE = Decimal(0)


@dataclass(slots=True)
class _Held:
    """``quantity`` is below zero when sold short; ``cost`` is the average price of it, in the contract's currency."""

    quantity: Decimal = _NONE
    cost: Decimal = _NONE


class RuleProfit:
    """Fills of one rule in the order of their times. Commissions are not counted."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._taken: list[tuple[float, str, Decimal]] = []
        self._is_known = True

    def fill(self, at_s: float, instrument: str, side: Side, quantity: Decimal, price: Decimal | None) -> None:
        """One more fill; None is a price that IB has not told."""
        if price is None:
            self._is_known = False
            return
        held = self._held.setdefault(instrument, _Held())
        bought = quantity if side is Side.BUY else -quantity
        closing = min(quantity, abs(held.quantity)) if bought * held.quantity < 0 else _NONE
        if closing:
            sign = 1 if held.quantity > 0 else -1
            self._taken.append((at_s, instrument, sign * closing * (price - held.cost)))
        opening = quantity - closing
        left = abs(held.quantity) - closing
        if opening:
            held.cost = (left * held.cost + opening * price) / (left + opening)
        held.quantity += bought

    def today(self, market: Market, day_start_s: float) -> Decimal | None:
        """Taken since the day began, and of what is held now, in the account's base currency; None when anything that
        it takes to know is unknown."""
        if not self._is_known:
            return None
        total = _NONE
        for _, instrument, amount in takewhile(lambda taken: taken[0] >= day_start_s, reversed(self._taken)):
            worth = _unit_worth(market, instrument)
            if worth is None:
                return None
            total += amount * worth
        for instrument, held in self._held.items():
            if not held.quantity:
                continue
            worth, price = _unit_worth(market, instrument), _price_to_leave(market, instrument, held.quantity)
            if worth is None or price is None:
                return None
            total += held.quantity * (price - held.cost) * worth
        return total


def _unit_worth(market: Market, instrument: str) -> Decimal | None:
    """Of one point of one share or contract, in the account's base currency."""
    traded = market.traded(instrument)
    rate = None if traded is None else market.exchange_rate(traded.currency)
    if traded is None or rate is None or rate <= 0:
        return None
    return traded.multiplier * rate


def _price_to_leave(market: Market, instrument: str, quantity: Decimal) -> Decimal | None:
    """What who holds that much would get for it, or have to pay, now; else the last price."""
    quote = market.quote(instrument)
    if quote is None:
        return None
    side = quote.bid if quantity > 0 else quote.ask
    return side if side is not None else quote.last
