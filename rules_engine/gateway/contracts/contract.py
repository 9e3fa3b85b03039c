"""Contracts as they travel on IB's wire, and the listings that describe them."""

from dataclasses import dataclass

from rules_engine.gateway.contracts.market_rules import step_at

# Where that is not the suggested step of an order's size.
_LOTS = {"CASH": 250_000.0, "CRYPTO": 0.25}


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract, or a query for contracts: empty fields (0, 0.0, "") say nothing."""

    conId: int = 0
    symbol: str = ""
    secType: str = ""
    lastTradeDateOrContractMonth: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primaryExchange: str = ""
    currency: str = ""
    localSymbol: str = ""
    tradingClass: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A contract with everything that contract details tell about it.

    ``reference_price`` never leaves the gateway: a random walk starts around it.
    """

    contract: Contract
    longName: str
    minTick: float
    """The smallest price step at any price; see `tick_at`."""
    marketName: str = ""
    validExchanges: tuple[str, ...] = ("SMART",)
    orderTypes: tuple[str, ...] = ()
    timeZoneId: str = "US/Eastern"
    priceMagnifier: int = 1
    underConId: int = 0
    underSymbol: str = ""
    underSecType: str = ""
    contractMonth: str = ""
    realExpirationDate: str = ""
    lastTradeTime: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    aggGroup: int = 1
    marketRuleIds: str = "26"
    """One number for each valid exchange."""
    stockType: str = ""
    secIds: tuple[tuple[str, str], ...] = ()
    """Numbers of other registers, such as ("ISIN", "US0378331005")."""
    issuerId: str = ""
    minSize: float = 1.0
    sizeIncrement: float = 1.0
    suggestedSizeIncrement: float = 100.0
    calendar: str = "us_stock"
    """Name of the trading hours in `hours.py`."""
    reference_price: float = 100.0

    @property
    def conId(self) -> int:
        return self.contract.conId

    @property
    def lot(self) -> float:
        """What sizes are usually quoted and printed in."""
        return _LOTS.get(self.contract.secType, self.suggestedSizeIncrement)

    @property
    def quoted_size(self) -> float:
        """The size of a quote that does not tell one."""
        return max(100.0, self.lot)

    def tick_at(self, price: float) -> float:
        """The price step at a price."""
        return step_at(self.rule, price)

    @property
    def rule(self) -> int:
        """The market rule of its first exchange."""
        return int(self.marketRuleIds.partition(",")[0])

    @property
    def orderable(self) -> bool:
        """An index can be watched, never ordered; a continuous future has a past only."""
        return self.contract.secType not in ("IND", "CONTFUT")

    @property
    def prints_trades(self) -> bool:
        """Currency pairs have quotes only."""
        return self.contract.secType != "CASH"

    @property
    def quotes(self) -> bool:
        """Indexes have a last price only."""
        return self.contract.secType != "IND"
