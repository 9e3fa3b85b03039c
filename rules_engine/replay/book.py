"""Fills and prices into holdings, profit and loss, drawdown and returns."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rules_engine.model.action import Side
from rules_engine.model.expression import AccountField
from rules_engine.recordings.columns import Column
from rules_engine.replay.course import Course

DAYS_A_YEAR = 252
Money = TypeVar("Money", float, Column)


@dataclass(slots=True)
class Account:
    """What one rule, or all of them together, made of their fills."""

    cash: float = 0.0
    commission: float = 0.0
    fills: int = 0
    held: dict[str, float] = field(default_factory=dict)
    """Quantity by instrument, negative when short."""

    def trade(self, name: str, quantity: float, value: float, commission: float) -> None:
        """``quantity`` is negative for a sale, ``value`` of the same sign."""
        self.cash -= value + commission
        self.commission += commission
        self.fills += 1
        self.held[name] = self.held.get(name, 0.0) + quantity
        if not self.held[name]:
            del self.held[name]


class Book:
    """Everything is valued at the newest price of its instrument. ``multipliers`` are by instrument, 1 if not there."""

    def __init__(self, capital: float, multipliers: dict[str, float]) -> None:
        self.capital = capital
        self.whole = Account()
        self.rules: dict[str, Account] = {}
        self.drawdown = 0.0
        self.drawdown_share = 0.0
        self.gross_max = 0.0
        self.days = Course()
        """As it was at the end of each day."""
        self.held_from = array("d")
        """When something began to be held, and when nothing was any more; still held where there is no such end."""
        self.held_to = array("d")
        self.course = Course()
        self._multipliers = multipliers
        self._marks: dict[str, float] = {}
        self._equity = self._peak = self._day_equity = capital
        self._gross = 0.0

    @property
    def equity(self) -> float:
        """Cash and holdings at their newest prices, in the account's currency."""
        return self._equity

    @property
    def today(self) -> float:
        """Profit since the last day's end."""
        return self._equity - self._day_equity

    def figures(self) -> dict[AccountField, float]:
        """What an account tells of itself, in this order."""
        return figures_of(self._equity, self._day_equity)

    def figures_along(self, equities: Column) -> dict[AccountField, Column]:
        """The same at each of several moments of a day."""
        return figures_of(equities, self._day_equity)

    def fill(
        self, rule: str, name: str, side: Side, quantity: float, price: float, commission: float, at_s: float
    ) -> None:
        """Money and holdings change hands."""
        signed = quantity if side is Side.BUY else -quantity
        value = signed * price * self._multipliers.get(name, 1.0)
        self._marks.setdefault(name, price)
        for account in (self.whole, self.rules.setdefault(rule, Account())):
            account.trade(name, signed, value, commission)
        self._invested(at_s)
        self._equity = self.capital + self.worth(self.whole)
        self._measure()
        self.course.add(at_s, self._equity, self._gross)

    def mark(self, name: str, price: float, at_s: float) -> None:
        """A new price of something; what is held of it is worth so much more or less."""
        held = self.whole.held.get(name)
        if held:
            multiplier = self._multipliers.get(name, 1.0)
            self._equity += held * (price - self._marks[name]) * multiplier
            self._gross += abs(held) * (price - self._marks[name]) * multiplier
            self.gross_max = max(self.gross_max, self._gross)
            self._measure()
            self.course.add(at_s, self._equity, self._gross)
        self._marks[name] = price

    def mark_all(self, names: Sequence[str], numbers: npt.NDArray[np.int64], prices: Column, times_s: Column) -> None:
        """The same for many prices in order, each that of ``names[number]``."""
        equities, grosses, is_held = self.course_of(names, numbers, prices)
        for number in np.unique(numbers).tolist():
            self._marks[names[number]] = float(prices[np.flatnonzero(numbers == number)[-1]])
        # Running maxima, one after the other, as `mark` would have it.
        peaks = np.maximum.accumulate(np.concatenate(([self._peak], equities)))[1:]
        downs = peaks - equities
        self._equity, self._peak, self._gross = float(equities[-1]), float(peaks[-1]), float(grosses[-1])
        self.gross_max = max(self.gross_max, float(grosses.max()))
        self.drawdown = max(self.drawdown, float(downs.max()))
        shares = np.divide(downs, peaks, out=np.zeros(len(downs)), where=peaks > 0)
        self.drawdown_share = max(self.drawdown_share, float(shares.max()))
        self.course.add_all(times_s[is_held], equities[is_held], grosses[is_held])

    def course_of(
        self, names: Sequence[str], numbers: npt.NDArray[np.int64], prices: Column
    ) -> tuple[Column, Column, npt.NDArray[np.bool_]]:
        """What `mark` would make of these prices, one after the other: equity, gross value, and which are of something
        that is held."""
        changes, growths = np.zeros(len(prices)), np.zeros(len(prices))
        is_held = np.zeros(len(prices), dtype=np.bool_)
        for number in np.unique(numbers).tolist():
            name, own = names[number], np.flatnonzero(numbers == number)
            held = self.whole.held.get(name)
            if held:
                before = np.concatenate(([self._marks[name]], prices[own[:-1]]))
                multiplier = self._multipliers.get(name, 1.0)
                changes[own] = held * (prices[own] - before) * multiplier
                growths[own] = abs(held) * (prices[own] - before) * multiplier
                is_held[own] = True
        equities = np.cumsum(np.concatenate(([self._equity], changes)))[1:]
        return equities, np.cumsum(np.concatenate(([self._gross], growths)))[1:], is_held

    def close(self, name: str, price: float) -> None:
        """The last price of all: also of what nobody was told any more, for rules held it against each other."""
        self._marks[name] = price

    def end_day(self, at_s: float) -> None:
        """The equity now is the last of the day that ends then."""
        # Anew from the whole, so that no dust of a day's small steps remains.
        self._equity = self.capital + self.worth(self.whole)
        self._day_equity = self._equity
        self.days.add(at_s, self._equity, self._gross)

    def worth(self, account: Account) -> float:
        """Its cash and holdings, which is also its profit."""
        return account.cash + sum(self._value(name, quantity) for name, quantity in account.held.items())

    def _value(self, name: str, quantity: float) -> float:
        return quantity * self._marks[name] * self._multipliers.get(name, 1.0)

    def _invested(self, at_s: float) -> None:
        held = self.whole.held
        self._gross = sum(abs(self._value(*entry)) for entry in held.items())
        self.gross_max = max(self.gross_max, self._gross)
        is_open = len(self.held_from) > len(self.held_to)
        if held and not is_open:
            self.held_from.append(at_s)
        elif not held and is_open:
            self.held_to.append(at_s)

    def _measure(self) -> None:
        if self._equity >= self._peak:
            self._peak = self._equity
            return
        down = self._peak - self._equity
        self.drawdown = max(self.drawdown, down)
        self.drawdown_share = max(self.drawdown_share, down / self._peak) if self._peak > 0 else self.drawdown_share


def figures_of(equity: Money, day_equity: float) -> dict[AccountField, Money]:
    """What an account of that worth tells of itself; it buys with nothing but what it has."""
    return {
        AccountField.EQUITY: equity,
        AccountField.DAILY_PNL: equity - day_equity,
        AccountField.BUYING_POWER: equity,
    }


def sharpe_of(equities: Sequence[float]) -> float | None:
    """Mean over deviation of the days' returns, times the root of 252; no interest is taken off.

    Of the equity at the start and at each day's end. None with fewer than two days, without any variation, and when a
    day began with nothing left.
    """
    if min(equities) <= 0:
        return None
    returns = [after / before - 1 for before, after in pairwise(equities)]
    deviation = stdev(returns) if len(returns) > 1 else 0.0
    return fmean(returns) / deviation * sqrt(DAYS_A_YEAR) if deviation else None


def exposed_s(held_from: Sequence[float], held_to: Sequence[float]) -> float:
    """How long something was held, in stretches that may overlap."""
    found, until_s = 0.0, float("-inf")
    for start_s, end_s in sorted(zip(held_from, held_to, strict=True)):
        found += max(0.0, end_s - max(start_s, until_s))
        until_s = max(until_s, end_s)
    return found
