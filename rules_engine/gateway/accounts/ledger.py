"""What executions add up to: cash, positions, equity and margin of every account, marked at the market's prices."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.market.market import Market

BASE = "USD"
CASH_START = 1_000_000.0

# A simple model, not IB's: shares of a position's value that must be covered when it opens and while it is held.
_INITIAL_MARGIN = {"STK": 0.5, "CFD": 0.2, "FUT": 0.1, "CASH": 0.03, "BOND": 0.5}
_MAINTENANCE_MARGIN = {"STK": 0.25, "CFD": 0.15, "FUT": 0.08, "CASH": 0.02, "BOND": 0.4}
_MARGIN_OTHERWISE = 1.0
_DAY_LEVERAGE = 4.0

# Fixed rates into the base currency: the simulated account does not gain or lose by them.
_RATES = {BASE: 1.0, "EUR": 1.1, "GBP": 1.25, "CHF": 1.1, "JPY": 0.009, "CAD": 0.75, "AUD": 0.67, "MXN": 0.05}

# Kinds that settle only the difference in price, so that buying them takes no cash.
_MARKED_TO_MARKET = frozenset({"FUT", "CFD"})


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill, with its commission and the profit it realised."""

    execId: str
    time_s: float
    account: str
    contract: Contract
    exchange: str
    side: str
    shares: float
    price: float
    orderId: int
    clientId: int
    permId: int
    cumQty: float
    avgPrice: float
    orderRef: str
    commission: float
    realizedPnl: float | None = None
    """What its closing part earned after the commissions of both ends; None when it closed nothing."""
    price_before: float = 0.0
    """The holding's mean price before it."""
    fees_before: float = 0.0
    """The commissions in the holding's cost before it."""
    lastLiquidity: int = 0
    """1 when it was a resting order that somebody came to, 2 when it took what rested, 0 in an auction."""

    @property
    def signed(self) -> float:
        """Shares bought, or the negative of shares sold."""
        return self.shares if self.side == "BOT" else -self.shares


@dataclass(slots=True)
class Holding:
    """What one account holds of one contract; a closed position keeps its realised profit until the day ends."""

    contract: Contract
    size: float = 0.0
    price: float = 0.0
    """The mean price at which what is held was opened."""
    fees: float = 0.0
    """Commissions that were paid to open what is held, in the contract's currency."""
    realized: float = 0.0
    """Profit of what was closed today, the commissions of both ends taken off, in the contract's currency."""
    carried: float = 0.0
    """Unrealised profit with which the day began: what today's profit is counted from."""

    @property
    def multiplier(self) -> float:
        """How many units of the underlying one contract moves."""
        return float(self.contract.multiplier or 1)

    @property
    def averageCost(self) -> float:
        """IB's average cost counts the multiplier and the commissions: they lower what a short position brought in."""
        return self.price * self.multiplier + (self.fees / self.size if self.size else 0.0)


@dataclass(slots=True)
class Account:
    """One account: cash by currency and holdings by contract number."""

    name: str
    cash: dict[str, float] = field(default_factory=lambda: {BASE: CASH_START})
    holdings: dict[int, Holding] = field(default_factory=dict)
    equity_before: float = CASH_START
    """Net liquidation value with which the day began, in the base currency."""
    day_start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What an account is worth at this moment, in the base currency."""

    cash: float
    equity: float
    gross: float
    initialMargin: float
    maintenanceMargin: float
    unrealized: float
    realized: float
    daily: float
    equity_before: float

    @property
    def available(self) -> float:
        """What is free for new positions."""
        return self.equity - self.initialMargin

    @property
    def excess(self) -> float:
        """What could be lost before positions are closed."""
        return self.equity - self.maintenanceMargin

    @property
    def buyingPower(self) -> float:
        """The value of stock that could be bought."""
        return max(0.0, self.available) * _DAY_LEVERAGE

    @property
    def leverage(self) -> float:
        """Positions as a multiple of equity."""
        return self.gross / self.equity if self.equity > 0 else 0.0

    @property
    def cushion(self) -> float:
        """Excess as a share of equity, which margin conditions read in percent."""
        return self.excess / self.equity if self.equity > 0 else 0.0


def rate(currency: str) -> float:
    """Base currency for one unit."""
    return _RATES.get(currency, 1.0)


def _margins(contract: Contract, value: float) -> tuple[float, float]:
    """Initial and maintenance margin of a position that is worth so much."""
    initial = _INITIAL_MARGIN.get(contract.secType, _MARGIN_OTHERWISE)
    maintenance = _MAINTENANCE_MARGIN.get(contract.secType, _MARGIN_OTHERWISE)
    return abs(value) * initial, abs(value) * maintenance


def commission_of(listing: Listing, shares: float, price: float) -> float:
    """A simple version of IB's fixed commissions, in the contract's currency."""
    match listing.contract.secType:
        case "STK" | "CFD":
            return max(1.0, 0.005 * shares)
        case "CASH":
            return max(2.0, 0.00002 * shares * price)
        case "CRYPTO":
            return 0.0018 * shares * price
        case "OPT":
            return max(1.0, 0.65 * shares)
        case _:
            return 2.25 * shares


class Ledger:
    """All accounts. Only executions change them; prices only change what they are worth."""

    def __init__(self, names: Iterable[str], market: Market) -> None:
        self._market = market
        self.accounts = {name: Account(name) for name in names}

    def book(self, execution: Execution) -> Execution:
        """Add a fill to its account; returns it with what it realised and what the holding was before."""
        account = self.accounts[execution.account]
        contract = execution.contract
        holding = account.holdings.setdefault(contract.conId, Holding(contract))
        before = replace(holding)
        realized = _traded(holding, execution)
        cash = account.cash.get(contract.currency, 0.0)
        account.cash[contract.currency] = cash + _received(before, execution) - execution.commission
        return replace(execution, realizedPnl=realized, price_before=before.price, fees_before=before.fees)

    def unbook(self, execution: Execution) -> None:
        """Take the latest fill of its account in its contract out again, as if it had never been."""
        account = self.accounts[execution.account]
        holding = account.holdings[execution.contract.conId]
        holding.size = round(holding.size - execution.signed, 8)
        holding.price, holding.fees = execution.price_before, execution.fees_before
        holding.realized -= execution.realizedPnl or 0.0
        account.cash[execution.contract.currency] -= _received(holding, execution) - execution.commission

    def holdings(self, account: str) -> Iterator[Holding]:
        """Everything an account holds or held."""
        yield from self.accounts[account].holdings.values()

    def holds(self, conId: int) -> bool:
        """Whether any account's worth moves with this contract."""
        return any(conId in account.holdings for account in self.accounts.values())

    def size(self, account: str, conId: int) -> float:
        """Units held, negative when short."""
        holding = self.accounts[account].holdings.get(conId)
        return holding.size if holding else 0.0

    def margin_change(self, account: str, contract: Contract, signed: float, price: float) -> tuple[float, float]:
        """What trading so much at this price adds to initial and maintenance margin, in the base currency.

        Below zero where it closes more than it opens.
        """
        share = price * float(contract.multiplier or 1) * rate(contract.currency)
        held = self.size(account, contract.conId)
        before, after = _margins(contract, held * share), _margins(contract, (held + signed) * share)
        return after[0] - before[0], after[1] - before[1]

    def mark(self, holding: Holding) -> float:
        """The price that values a holding: the last one, else the middle, else what it cost."""
        quote = self._market.quote(holding.contract.conId)
        marks = (quote.last, quote.mid, quote.close, holding.price)
        return next(mark for mark in marks if mark is not None)

    def unrealized(self, holding: Holding) -> float:
        """Profit of an open position, what it cost to open taken off, in the contract's currency."""
        return self._gain(holding) - holding.fees

    def daily(self, holding: Holding) -> float:
        """Profit since the day began, realised or not, in the contract's currency."""
        return holding.realized + self.unrealized(holding) - holding.carried

    def start_day(self, day_start_s: float) -> None:
        """Profits are counted anew from here, once a day; what is no longer held is forgotten."""
        for account in self.accounts.values():
            if account.day_start_s == day_start_s:
                continue
            account.day_start_s = day_start_s
            account.equity_before = self.figures(account.name).equity
            account.holdings = {conId: held for conId, held in account.holdings.items() if held.size}
            for holding in account.holdings.values():
                holding.carried = self.unrealized(holding)
                holding.realized = 0.0

    def figures(self, name: str) -> Figures:
        """What the account is worth now."""
        account = self.accounts[name]
        cash = sum(amount * rate(currency) for currency, amount in account.cash.items())
        positions = gross = initial = maintenance = unrealized = realized = daily = 0.0
        for holding in account.holdings.values():
            into_base = rate(holding.contract.currency)
            value = holding.size * holding.multiplier * self.mark(holding) * into_base
            profit = self.unrealized(holding) * into_base
            positions += self._gain(holding) * into_base if holding.contract.secType in _MARKED_TO_MARKET else value
            gross += abs(value)
            held = _margins(holding.contract, value)
            initial += held[0]
            maintenance += held[1]
            unrealized += profit
            realized += holding.realized * into_base
            daily += self.daily(holding) * into_base
        return Figures(
            cash=cash,
            equity=cash + positions,
            gross=gross,
            initialMargin=initial,
            maintenanceMargin=maintenance,
            unrealized=unrealized,
            realized=realized,
            daily=daily,
            equity_before=account.equity_before,
        )

    def _gain(self, holding: Holding) -> float:
        """What prices have moved since it was opened are worth, in the contract's currency."""
        return holding.size * holding.multiplier * (self.mark(holding) - holding.price)


def _closed(holding: Holding, execution: Execution) -> float:
    """How much of a holding a fill closes, with the holding's sign."""
    if holding.size * execution.signed >= 0:
        return 0.0
    return math.copysign(min(execution.shares, abs(holding.size)), holding.size)


def _profit(holding: Holding, execution: Execution) -> float:
    """What the prices of both ends are worth to what a fill closes."""
    return _closed(holding, execution) * (execution.price - holding.price) * holding.multiplier


def _received(holding: Holding, execution: Execution) -> float:
    """The cash that a fill brings or takes, without its commission."""
    if execution.contract.secType in _MARKED_TO_MARKET:
        return _profit(holding, execution)
    return -execution.signed * execution.price * holding.multiplier


def _traded(holding: Holding, execution: Execution) -> float | None:
    """Move a holding by a fill; returns what was realised, None when nothing was closed.

    Each share that is opened brings its part of the commission into the cost, and takes it along when it is closed.
    """
    closed, profit = _closed(holding, execution), _profit(holding, execution)
    fees_closed = holding.fees * closed / holding.size if closed else 0.0
    paid_to_close = execution.commission * abs(closed) / execution.shares if closed else 0.0
    size = round(holding.size + execution.signed, 8)
    if holding.size * size <= 0:
        holding.price = execution.price if size else 0.0
    elif abs(size) > abs(holding.size):
        holding.price = (holding.size * holding.price + execution.signed * execution.price) / size
    holding.fees = holding.fees - fees_closed + execution.commission - paid_to_close if size else 0.0
    holding.size = size
    if not closed:
        return None
    realized = profit - fees_closed - paid_to_close
    holding.realized += realized
    return realized
