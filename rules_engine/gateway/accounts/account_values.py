"""An account's figures under the names that IB gives them."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules_engine.gateway.accounts.ledger import BASE, Account, Figures, rate


@dataclass(frozen=True, slots=True)
class Value:
    """One named value."""

    key: str
    value: str
    currency: str = ""


def values_of(account: Account, figures: Figures) -> Iterator[Value]:
    """Everything that account updates tell. No account is warned, and none is about to change its margins."""
    yield Value("AccountCode", account.name)
    yield Value("AccountOrGroup", account.name, BASE)
    yield Value("AccountReady", "true")
    yield Value("AccountType", "INDIVIDUAL")
    yield Value("Currency", BASE, BASE)
    yield Value("Cushion", f"{figures.cushion:.6f}")
    yield Value("Leverage", f"{figures.leverage:.2f}")
    yield Value("HighestSeverity", "")
    yield Value("LookAheadNextChange", "0")
    for tag in _DAY_TRADES:
        yield Value(tag, "-1")
    for key, amount in _amounts(figures):
        yield Value(key, f"{amount:.2f}", BASE)
    yield from ledger_of(account, figures)


def ledger_of(account: Account, figures: Figures) -> Iterator[Value]:
    """Balances and profits: each currency in its own money, and all together in the base currency as `BASE`."""
    for currency, cash in sorted(account.cash.items()):
        yield Value("CashBalance", f"{cash:.2f}", currency)
        yield Value("TotalCashBalance", f"{cash:.2f}", currency)
        yield Value("ExchangeRate", f"{rate(currency):.6f}", currency)
    for key, amount in (
        ("CashBalance", figures.cash),
        ("TotalCashBalance", figures.cash),
        ("NetLiquidationByCurrency", figures.equity),
        ("RealizedPnL", figures.realized),
        ("UnrealizedPnL", figures.unrealized),
    ):
        yield Value(key, f"{amount:.2f}", ALL_CURRENCIES)


def summary_of(account: Account, figures: Figures, tags: str) -> Iterator[Value]:
    """The values that a summary asks for by name.

    `$LEDGER` asks for the balances in the base currency, `$LEDGER:EUR` in that currency, `$LEDGER:ALL` in every one.
    """
    wanted = dict.fromkeys(tag.strip() for tag in tags.split(","))
    for value in values_of(account, figures):
        if value.key in wanted and value.currency in ("", BASE):
            yield value
    for tag in wanted:
        name, _, currency = tag.partition(":")
        if name == _LEDGER:
            yield from (one for one in ledger_of(account, figures) if _is_asked(one, currency))


ALL_CURRENCIES = "BASE"
_LEDGER = "$LEDGER"
_DAY_TRADES = ("DayTradesRemaining", *(f"DayTradesRemainingT+{days}" for days in (1, 2, 3, 4)))


def _is_asked(value: Value, currency: str) -> bool:
    return currency == "ALL" or value.currency == (currency or ALL_CURRENCIES)


def _amounts(figures: Figures) -> Iterator[tuple[str, float]]:
    yield "NetLiquidation", figures.equity
    yield "EquityWithLoanValue", figures.equity
    yield "PreviousDayEquityWithLoanValue", figures.equity_before
    yield "TotalCashValue", figures.cash
    yield "SettledCash", figures.cash
    yield "AccruedCash", 0.0
    yield "AccruedDividend", 0.0
    yield "BuyingPower", figures.buyingPower
    yield "GrossPositionValue", figures.gross
    yield "RegTEquity", figures.equity
    yield "RegTMargin", figures.initialMargin
    yield "SMA", max(0.0, figures.available)
    for prefix in ("", "Full", "LookAhead"):
        yield f"{prefix}InitMarginReq", figures.initialMargin
        yield f"{prefix}MaintMarginReq", figures.maintenanceMargin
        yield f"{prefix}AvailableFunds", figures.available
        yield f"{prefix}ExcessLiquidity", figures.excess
    yield "RealizedPnL", figures.realized
    yield "UnrealizedPnL", figures.unrealized
