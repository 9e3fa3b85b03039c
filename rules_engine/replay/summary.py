"""What came of a backtest, in figures."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.desk import ORDERS_KEPT_MAX
from rules_engine.replay.orders import Order
from rules_engine.replay.prices import Prices
from rules_engine.replay.streaming import Stage


@dataclass(frozen=True, slots=True)
class RuleResult:
    """``held_back`` and ``not_sent`` count by reason.

    ``profit`` values what the rule's own orders left at the last prices.
    """

    rule: str
    firings: int
    held_back: dict[str, int]
    not_sent: dict[str, int]
    orders: int
    filled: int
    commission: float
    profit: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Money in the account's currency; times in POSIX seconds, None when there were no prices.

    ``drawdown`` is the deepest fall from a peak of the equity, ``drawdown_share`` the deepest in proportion.
    ``exposure`` is the share of the time in which anything was held, ``gross_max`` the most that holdings were worth
    after a fill. ``orders`` are the first thousand.
    """

    first_s: float | None
    last_s: float
    rows: int
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    rules: tuple[RuleResult, ...]
    orders: tuple[Order, ...]
    orders_left_out: int
    capital: float
    equity: float
    commission: float
    drawdown: float
    drawdown_share: float
    sharpe: float | None
    days: int
    exposure: float
    gross_max: float

    @property
    def profit(self) -> float:
        return self.equity - self.capital


def summary_of(stage: Stage, assumptions: Assumptions, prices: Prices, warnings: Iterable[str]) -> Summary:
    """The figures of a run that has ended."""
    book, desk = stage.book, stage.desk
    first_s, last_s = prices.first_s, prices.last_s
    results = []
    for plan in stage.plans:
        name = plan.rule.name
        tally, account = desk.tallies[name], book.rules.get(name)
        commission, profit = (account.commission, book.worth(account)) if account is not None else (0.0, 0.0)
        results.append(
            RuleResult(
                name,
                tally.firings,
                dict(tally.held_back),
                dict(tally.not_sent),
                tally.orders,
                tally.filled,
                commission,
                profit,
            )
        )
    length_s = last_s - first_s if first_s is not None else 0.0
    return Summary(
        first_s=first_s,
        last_s=last_s,
        rows=prices.rows_heard,
        assumptions=assumptions.words(),
        warnings=tuple(warnings),
        rules=tuple(results),
        orders=tuple(desk.orders),
        orders_left_out=max(0, sum(result.orders for result in results) - ORDERS_KEPT_MAX),
        capital=book.capital,
        equity=book.equity,
        commission=book.whole.commission,
        drawdown=book.drawdown,
        drawdown_share=book.drawdown_share,
        sharpe=book.sharpe(),
        days=book.days,
        exposure=book.invested_s / length_s if length_s else 0.0,
        gross_max=book.gross_max,
    )
