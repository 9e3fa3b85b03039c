"""What one rule's own fills came to: profit taken, at average cost, and profit of what they have built and is held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

from rules_engine.execution.ports import Market
from rules_engine.model.action import Side

_NONE = Decimal(0)


@dataclass(slots=True)
class _Held:
    """``quantity`` is below zero when sold short; ``cost`` is the average price of it, in the contract's currency.

    ``aside`` is held too and counts no more. ``is_priced``: IB has told the price of every fill that counts.
    """

    quantity: Decimal = _NONE
    cost: Decimal = _NONE
    aside: Decimal = _NONE
    is_priced: bool = True


@dataclass(frozen=True, slots=True)
class _Taken:
    """What closing a part brought, in the contract's currency and without its multiplier."""

    at_s: float
    instrument: str
    amount: Decimal


class RuleProfit:
    """Fills of one rule in the order of their times. Commissions are not counted."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._taken: list[_Taken] = []

    def fill(self, at_s: float, instrument: str, side: Side, quantity: Decimal, price: Decimal | None) -> None:
        """One more fill; None is a price that IB has not told. What is set aside is closed first."""
        held = self._held.setdefault(instrument, _Held())
        sign = 1 if side is Side.BUY else -1
        from_aside = _closing(quantity, sign, held.aside)
        held.aside += sign * from_aside
        quantity -= from_aside
        if price is None:
            held.is_priced = held.is_priced and not quantity
            held.quantity += sign * quantity
            return
        closing = _closing(quantity, sign, held.quantity)
        if closing:
            self._taken.append(_Taken(at_s, instrument, -sign * closing * (price - held.cost)))
        opening = quantity - closing
        left = abs(held.quantity) - closing
        if opening:
            held.cost = (left * held.cost + opening * price) / (left + opening)
        held.quantity += sign * quantity

    def set_aside(self, instrument: str) -> None:
        """What it did in this instrument so far counts no more, as its user wishes."""
        held = self._held.get(instrument, _Held())
        self._held[instrument] = _Held(aside=held.aside + held.quantity)
        self._taken = [taken for taken in self._taken if taken.instrument != instrument]

    def unknown(self, market: Market, day_start_s: float) -> Sequence[str]:
        """Instruments for want of whose prices it is not known what the fills came to today."""
        taken = {taken.instrument for taken in self._since(day_start_s)}
        return [
            name
            for name, held in self._held.items()
            if not held.is_priced
            or (held.quantity and _price_to_leave(market, name, held.quantity) is None)
            or ((held.quantity or name in taken) and _unit_worth(market, name) is None)
        ]

    def today(self, market: Market, day_start_s: float) -> Decimal | None:
        """Taken since the day began, and of what is held now, in the account's base currency; None when anything that
        it takes to know is unknown."""
        if self.unknown(market, day_start_s):
            return None
        total = _NONE
        for taken in self._since(day_start_s):
            total += taken.amount * (_unit_worth(market, taken.instrument) or _NONE)
        for instrument, held in self._held.items():
            worth, price = _unit_worth(market, instrument), _price_to_leave(market, instrument, held.quantity)
            if held.quantity and worth is not None and price is not None:
                total += held.quantity * (price - held.cost) * worth
        return total

    def _since(self, day_start_s: float) -> Iterator[_Taken]:
        return takewhile(lambda taken: taken.at_s >= day_start_s, reversed(self._taken))


def _closing(quantity: Decimal, sign: int, held: Decimal) -> Decimal:
    """How much of ``held`` a fill of so much, in the direction of ``sign``, closes."""
    return min(quantity, abs(held)) if sign * held < 0 else _NONE


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
