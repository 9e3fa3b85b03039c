"""An account's figures under the names that IB gives them."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules_engine.gateway.ledger import BASE, Account, Figures, rate


@dataclass(frozen=True, slots=True)
class Value:
    """One named value."""

    key: str
    value: str
    currency: str = ""


def values_of(account: Account, figures: Figures) -> Iterator[Value]:
    """Everything that account updates tell."""
    yield Value("AccountCode", account.name)
    yield Value("AccountReady", "true")
    yield Value("AccountType", "INDIVIDUAL")
    yield Value("Cushion", f"{figures.cushion:.6f}")
    yield Value("DayTradesRemaining", "-1")
    for key, amount in _amounts(figures):
        yield Value(key, f"{amount:.2f}", BASE)
    for currency, cash in sorted(account.cash.items()):
        yield Value("CashBalance", f"{cash:.2f}", currency)
        yield Value("TotalCashBalance", f"{cash:.2f}", currency)
        yield Value("ExchangeRate", f"{rate(currency):.6f}", currency)
    yield Value("CashBalance", f"{figures.cash:.2f}", "BASE")
    yield Value("TotalCashBalance", f"{figures.cash:.2f}", "BASE")
    yield Value("NetLiquidationByCurrency", f"{figures.equity:.2f}", "BASE")
    yield Value("RealizedPnL", f"{figures.realized:.2f}", "BASE")
    yield Value("UnrealizedPnL", f"{figures.unrealized:.2f}", "BASE")


def summary_of(account: Account, figures: Figures, tags: str) -> Iterator[Value]:
    """The values that a summary asks for by name; `$LEDGER` stands for the balances by currency."""
    wanted = {tag.strip() for tag in tags.split(",")}
    ledger = any(tag.startswith("$LEDGER") for tag in wanted)
    for value in values_of(account, figures):
        if value.key in wanted or (ledger and value.key in _LEDGER_KEYS):
            yield value


_LEDGER_KEYS = frozenset(
    {"CashBalance", "TotalCashBalance", "ExchangeRate", "NetLiquidationByCurrency", "RealizedPnL", "UnrealizedPnL"}
)


def _amounts(figures: Figures) -> Iterator[tuple[str, float]]:
    yield "NetLiquidation", figures.equity
    yield "EquityWithLoanValue", figures.equity
    yield "PreviousDayEquityWithLoanValue", figures.equity
    yield "TotalCashValue", figures.cash
    yield "SettledCash", figures.cash
    yield "AccruedCash", 0.0
    yield "BuyingPower", figures.buyingPower
    yield "GrossPositionValue", figures.positions
    yield "InitMarginReq", figures.initialMargin
    yield "MaintMarginReq", figures.maintenanceMargin
    yield "FullInitMarginReq", figures.initialMargin
    yield "FullMaintMarginReq", figures.maintenanceMargin
    yield "AvailableFunds", figures.available
    yield "FullAvailableFunds", figures.available
    yield "ExcessLiquidity", figures.excess
    yield "FullExcessLiquidity", figures.excess
    yield "RealizedPnL", figures.realized
    yield "UnrealizedPnL", figures.unrealized
