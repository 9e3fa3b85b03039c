"""What came of a backtest, in figures: those of its parts, added up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

import numpy as np

from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.book import exposed_s, sharpe_of
from rules_engine.replay.course import NOTHING, Course, Sums, held
from rules_engine.replay.desk import ORDERS_KEPT_MAX
from rules_engine.replay.orders import Order
from rules_engine.replay.prices import Prices
from rules_engine.replay.streaming import Stage

_STEPWISE = "drawdown and the most held are those of every five minutes, for rules in several parts trade"


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
class Result:
    """What one part did, on an account of its own. Arrays are as `book.Book` has them."""

    rows: int
    rows_held_max: int
    first_s: float | None
    last_s: float
    rules: tuple[RuleResult, ...]
    orders: tuple[Order, ...]
    equity: float
    commission: float
    fills: int
    drawdown: float
    drawdown_share: float
    gross_max: float
    days: Course
    held_from: Sequence[float]
    held_to: Sequence[float]
    course: Course


@dataclass(frozen=True, slots=True)
class Summary:
    """Money in the account's currency; times in POSIX seconds, None when there were no prices.

    ``drawdown`` is the deepest fall from a peak of the equity, ``drawdown_share`` the deepest in proportion.
    ``exposure`` is the share of the time in which anything was held, ``gross_max`` the most that holdings were worth,
    long and short added. When ``is_stepwise``, drawdown and ``gross_max`` are those at the end of every five minutes.
    ``orders`` are the first thousand.
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
    is_stepwise: bool = False

    @property
    def profit(self) -> float:
        """What was made of the capital, commissions taken off."""
        return self.equity - self.capital

    @property
    def firings(self) -> int:
        return sum(result.firings for result in self.rules)

    @property
    def orders_sent(self) -> int:
        """Of all rules."""
        return sum(result.orders for result in self.rules)

    @property
    def filled(self) -> int:
        return sum(result.filled for result in self.rules)


def result_of(stage: Stage, prices: Prices) -> Result:
    """The figures of a part that has ended."""
    book, desk, known = stage.book, stage.desk, stage.known
    for number, values in prices.closing.items():
        book.close(known.name(number), known.touch(number, *values).middle)
    return Result(
        rows=prices.rows_heard,
        rows_held_max=prices.held_max,
        first_s=prices.first_s,
        last_s=prices.last_s,
        rules=tuple(_rule_result(stage, plan.rule.name) for plan in stage.plans),
        orders=tuple(desk.orders),
        equity=book.equity,
        commission=book.whole.commission,
        fills=book.whole.fills,
        drawdown=book.drawdown,
        drawdown_share=book.drawdown_share,
        gross_max=book.gross_max,
        days=book.days,
        held_from=book.held_from,
        held_to=book.held_to,
        course=book.course,
    )


def _rule_result(stage: Stage, name: str) -> RuleResult:
    tally, account = stage.desk.tallies[name], stage.book.rules.get(name)
    commission, profit = (account.commission, stage.book.worth(account)) if account is not None else (0.0, 0.0)
    held_back, not_sent = dict(tally.held_back), dict(tally.not_sent)
    return RuleResult(name, tally.firings, held_back, not_sent, tally.orders, tally.filled, commission, profit)


@dataclass(slots=True)
class Whole:
    """Adds up results, always in the order of the parts, so that sums are the same to the last digit.

    An account that traded alone keeps its figures; of several that were kept apart, drawdown and the most that was
    held are those of every five minutes.
    """

    capital: float
    rows: int = 0
    rows_held_max: int = 0
    first_s: float = float("inf")
    last_s: float = float("-inf")
    traded: list[Result] = field(default_factory=list)
    """The only one that traded; empty when there are none or several."""
    traders: int = 0
    gain: float = 0.0
    commission: float = 0.0
    rules: dict[str, RuleResult] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    sums: Sums = NOTHING
    days: Sums = NOTHING
    held_from: list[float] = field(default_factory=list)
    held_to: list[float] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """One more part."""
        self.rows += result.rows
        self.rows_held_max = max(self.rows_held_max, result.rows_held_max)
        if result.first_s is not None:
            self.first_s, self.last_s = min(self.first_s, result.first_s), max(self.last_s, result.last_s)
        self.rules.update({rule.rule: rule for rule in result.rules})
        self.orders = list(islice(merge(self.orders, result.orders, key=_sent_s), ORDERS_KEPT_MAX))
        self.days = self.days.plus(result.days, self.capital)
        if not result.fills:
            return
        self.traders += 1
        self.traded = [result] if self.traders == 1 else []
        self.gain += result.equity - self.capital
        self.commission += result.commission
        self.sums = self.sums.plus(result.course, self.capital)
        self.held_from += result.held_from
        self.held_to += result.held_to
        if len(self.held_to) < len(self.held_from):
            self.held_to.append(float("inf"))

    def summary(self, rules: Iterable[str], assumptions: Assumptions, warnings: Iterable[str]) -> Summary:
        """The figures of all parts together, of the rules in that order."""
        is_heard = self.first_s <= self.last_s
        length_s = self.last_s - self.first_s if is_heard else 0.0
        results = tuple(self.rules[rule] for rule in rules)
        held_to = [min(end_s, self.last_s) for end_s in self.held_to]
        alone = self.traded[0] if self.traded else None
        drawdown, share = self.sums.drawdown(self.capital) if alone is None else (alone.drawdown, alone.drawdown_share)
        gross_max = float(self.sums.grosses.max(initial=0.0)) if alone is None else alone.gross_max
        silence = () if is_heard else ("there are no prices between the two ends",)
        return Summary(
            first_s=self.first_s if is_heard else None,
            last_s=self.last_s if is_heard else 0.0,
            rows=self.rows,
            assumptions=(*assumptions.words(), *([_STEPWISE] if self.traders > 1 else ())),
            warnings=(*warnings, *silence),
            rules=results,
            orders=tuple(self.orders),
            orders_left_out=max(0, sum(result.orders for result in results) - ORDERS_KEPT_MAX),
            capital=self.capital,
            equity=self.capital + self.gain if alone is None else alone.equity,
            commission=self.commission,
            drawdown=drawdown,
            drawdown_share=share,
            sharpe=sharpe_of(self._day_equities(alone)),
            days=len(self.days.steps),
            exposure=exposed_s(self.held_from, held_to) / length_s if length_s else 0.0,
            gross_max=gross_max,
            is_stepwise=self.traders > 1,
        )

    def _day_equities(self, alone: Result | None) -> Sequence[float]:
        days = self.days.steps
        if alone is None:
            return [self.capital, *(self.capital + self.days.gains).tolist()]
        steps, equities = np.array(alone.days.steps, np.int64), np.array(alone.days.equities)
        return [self.capital, *held(steps, equities, days, self.capital).tolist()]


def _sent_s(order: Order) -> float:
    return order.intent.created_s
