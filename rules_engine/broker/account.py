"""What the account is worth and holds, out of IB's rows for one account."""

from decimal import Decimal, InvalidOperation

from rules_engine.broker.library import Contract
from rules_engine.broker.numbers import decimal_of, number_or_none
from rules_engine.model.expression import AccountField
from rules_engine.model.reports import AccountValue, PositionReport

_FIELDS = {
    "NetLiquidation": AccountField.EQUITY,
    "BuyingPower": AccountField.BUYING_POWER,
    "Cushion": AccountField.MARGIN_CUSHION,
}
_RATE = "ExchangeRate"
_ALL_CURRENCIES = "BASE"


class Account:
    """One account's values, exchange rates and positions as far as IB has told them in this connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._base = ""
        self._rates: dict[str, Decimal] = {}
        self._positions: dict[int, tuple[Contract, Decimal, Decimal]] = {}

    def value(self, account: str, tag: str, text: str, currency: str) -> AccountValue | None:
        """A row of account values; None for one that no rule can read."""
        if account != self.name:
            return None
        if tag == _RATE:
            self._set_rate(currency, text)
        if tag == "NetLiquidation" and currency != _ALL_CURRENCIES:
            self._base = currency
        field = _FIELDS.get(tag)
        if field is None or currency == _ALL_CURRENCIES:
            return None
        return AccountValue(field, _number(text))

    def exchange_rate(self, currency: str) -> Decimal | None:
        """Units of the base currency for one of this currency; None when IB has not told it."""
        return Decimal(1) if currency and currency == self._base else self._rates.get(currency)

    def holds(self, account: str, contract: Contract, quantity: float, average_cost: float) -> bool:
        """A row of positions; False when it is another account's."""
        if account != self.name:
            return False
        self._positions[contract.conId] = (contract, decimal_of(quantity), decimal_of(average_cost))
        return True

    def position(self, contract_id: int, name: str) -> PositionReport:
        """What is held of a contract, under a rule's name for it: none, once IB has told all positions."""
        _, quantity, cost = self._positions.get(contract_id, (None, Decimal(0), Decimal(0)))
        return PositionReport(name, contract_id, quantity, cost)

    @property
    def held(self) -> dict[int, Contract]:
        """Contracts with a position, by IB's number."""
        return {number: contract for number, (contract, quantity, _) in self._positions.items() if quantity}

    def _set_rate(self, currency: str, text: str) -> None:
        try:
            rate = Decimal(text)
        except InvalidOperation:
            return
        if rate.is_finite() and rate > 0:
            self._rates[currency] = rate


def daily_profit(daily: float) -> AccountValue:
    """IB's profit of the day; the unset number before it is known."""
    return AccountValue(AccountField.DAILY_PNL, number_or_none(daily))


def _number(text: str) -> float | None:
    try:
        return number_or_none(float(text))
    except ValueError:
        return None
