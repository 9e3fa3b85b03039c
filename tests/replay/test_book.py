"""Profit, drawdown, returns and exposure, against the obvious sums over everything that happened."""

from dataclasses import dataclass, field
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.model.action import Side
from rules_engine.replay.book import Book, exposed_s, sharpe_of
from rules_engine.replay.voices import DAY_S

MULTIPLIERS = {"F": 50.0}
CAPITAL = 100_000.0
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.sampled_from(["V", "F"]), st.integers(90, 110)),
        st.tuples(st.just("trade"), st.sampled_from(["V", "F"]), st.integers(-5, 5).filter(bool)),
        st.tuples(st.just("day"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


@dataclass
class Obvious:
    """Keeps every equity ever seen and adds everything up anew each time."""

    marks: dict[str, float] = field(default_factory=dict)
    trades: list[tuple[str, int, float]] = field(default_factory=list)
    equities: list[float] = field(default_factory=lambda: [CAPITAL])
    days: list[float] = field(default_factory=lambda: [CAPITAL])
    gross_max: float = 0.0

    def equity(self) -> float:
        return CAPITAL + sum(
            quantity * (self.marks[name] - price) * MULTIPLIERS.get(name, 1.0) - 1.0
            for name, quantity, price in self.trades
        )

    def held(self) -> dict[str, int]:
        held: dict[str, int] = {}
        for name, quantity, _ in self.trades:
            held[name] = held.get(name, 0) + quantity
        return {name: quantity for name, quantity in held.items() if quantity}

    def gross(self) -> float:
        return sum(abs(held) * self.marks[name] * MULTIPLIERS.get(name, 1.0) for name, held in self.held().items())

    def drawdown(self) -> tuple[float, float]:
        falls = [(max(self.equities[: number + 1]), equity) for number, equity in enumerate(self.equities)]
        return max(peak - equity for peak, equity in falls), max((peak - equity) / peak for peak, equity in falls)

    def sharpe(self) -> float | None:
        returns = [after / before - 1 for before, after in zip(self.days, self.days[1:], strict=False)]
        if len(returns) < 2 or not stdev(returns):
            return None
        return fmean(returns) / stdev(returns) * 252**0.5


def sharpe(book: Book) -> float | None:
    return sharpe_of([book.capital, *book.days.equities])


def exposure(book: Book, until_s: float) -> float:
    ends = [*book.held_to, *[until_s] * (len(book.held_from) - len(book.held_to))]
    return exposed_s(book.held_from, ends)


@given(events=EVENTS)
def test_figures_are_those_of_the_obvious_sums(events: list[tuple[str, str, int]]) -> None:
    book, obvious = Book(CAPITAL, MULTIPLIERS), Obvious()
    invested = 0
    for second, (kind, name, number) in enumerate(events):
        invested += bool(obvious.held())
        if kind == "price":
            obvious.marks[name] = float(number)
            book.mark(name, float(number), float(second))
        elif kind == "trade" and name in obvious.marks:
            side = Side.BUY if number > 0 else Side.SELL
            obvious.trades.append((name, number, obvious.marks[name]))
            book.fill("a", name, side, float(abs(number)), obvious.marks[name], 1.0, float(second))
        elif kind == "day":
            obvious.days.append(obvious.equity())
            book.end_day(second * DAY_S)
        obvious.equities.append(obvious.equity())
        obvious.gross_max = max(obvious.gross_max, obvious.gross())
    book.end_day(len(events) * DAY_S)
    invested += bool(obvious.held())
    obvious.days.append(obvious.equity())
    assert book.equity == pytest.approx(obvious.equity())
    assert book.whole.held == obvious.held()
    assert CAPITAL + book.worth(book.whole) == pytest.approx(obvious.equity())
    assert (book.drawdown, book.drawdown_share) == pytest.approx(obvious.drawdown(), abs=1e-6)
    assert book.gross_max == pytest.approx(obvious.gross_max)
    assert len(book.days.steps) == len(obvious.days) - 1
    expected, found = obvious.sharpe(), sharpe(book)
    # Equal days may differ by dust in one of the two ways of adding up.
    assert (found or 0.0) == pytest.approx(expected or 0.0, rel=1e-6, abs=1e-6)
    assert exposure(book, float(len(events))) == invested


def test_time_with_something_held_is_exposure() -> None:
    book = Book(CAPITAL, {})
    book.mark("V", 10.0, 0.0)
    book.fill("a", "V", Side.BUY, 5, 10.0, 0.0, 100.0)
    book.fill("a", "V", Side.SELL, 5, 10.0, 0.0, 160.0)
    book.fill("a", "V", Side.SELL, 7, 10.0, 0.0, 200.0)
    assert (exposure(book, 210.0), book.gross_max) == (70.0, 70.0)


def test_the_most_that_was_held_is_looked_at_with_every_price() -> None:
    one_by_one, at_once = Book(CAPITAL, {}), Book(CAPITAL, {})
    prices = [10.0, 20.0, 15.0]
    for book in (one_by_one, at_once):
        book.mark("V", 10.0, 0.0)
        book.fill("a", "V", Side.SELL, 5, 10.0, 0.0, 1.0)
    for second, price in enumerate(prices, 2):
        one_by_one.mark("V", price, float(second))
    at_once.mark_all(["V"], np.zeros(3, dtype=np.int64), np.array(prices), np.array([2.0, 3.0, 4.0]))
    assert one_by_one.gross_max == at_once.gross_max == 100.0


def test_each_rule_has_its_own_account() -> None:
    book = Book(CAPITAL, {})
    book.mark("V", 10.0, 0.0)
    book.fill("in", "V", Side.BUY, 5, 10.0, 1.0, 1.0)
    book.mark("V", 12.0, 1.0)
    book.fill("out", "V", Side.SELL, 5, 12.0, 1.0, 2.0)
    assert {rule: book.worth(account) for rule, account in book.rules.items()} == {"in": 9.0, "out": -1.0}
    assert book.equity - CAPITAL == 8.0


def test_a_single_day_and_flat_days_have_no_sharpe_ratio() -> None:
    book = Book(CAPITAL, {})
    book.end_day(1 * DAY_S)
    assert sharpe(book) is None
    book.end_day(2 * DAY_S)
    assert sharpe(book) is None


def test_nothing_left_has_no_sharpe_ratio() -> None:
    book = Book(10.0, {})
    book.mark("V", 10.0, 0.0)
    book.fill("a", "V", Side.BUY, 5, 10.0, 0.0, 1.0)
    book.mark("V", 5.0, 2.0)
    book.end_day(3 * DAY_S)
    book.end_day(4 * DAY_S)
    assert sharpe(book) is None
    assert (book.drawdown, book.drawdown_share) == (25.0, 2.5)
