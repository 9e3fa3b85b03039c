"""Working orders and columns of prices into the rows at which something comes of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Flags
from rules_engine.model.action import Side
from rules_engine.model.order import OrderKind
from rules_engine.recordings.slices import Slice
from rules_engine.replay.orders import Order
from rules_engine.replay.streaming import Stage
from rules_engine.replay.touch import Touch, part, past_limit, past_stop, trailing_stop

_PRICES_FIRST, _GROWTH = 256, 4
"""How many prices are looked through at first, and how many times more then."""


@dataclass(frozen=True, slots=True)
class _Prices:
    """Those of one recording in a slice."""

    times_s: Column
    touch: Touch[Column]


@dataclass(frozen=True, slots=True)
class _Wait:
    """The row that an order waits for, as long as it is in this ``state``."""

    state: tuple[object, ...]
    row: int


class Resting:
    """Asked row by row, always with a later one."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slice = Slice(())
        self._prices: dict[int, _Prices] = {}
        self._waits: dict[str, _Wait] = {}
        self._row, self._changes = -1, -1

    def turn_over(self, piece: Slice) -> None:
        """The next slice."""
        self._slice, self._row = piece, -1
        self._prices.clear()
        self._waits.clear()

    def next_row(self, at: int) -> int:
        """The first row from there on with which an order fills, ends, or waits for something else than before, if none
        is sent or cancelled until then."""
        desk = self._stage.desk
        if at > self._row or desk.changes != self._changes:
            self._changes = desk.changes
            self._waits = {order.intent.key: self._wait(order, at) for order in desk.resting}
            self._row = min((wait.row for wait in self._waits.values()), default=len(self._slice))
        return self._row

    def pass_over(self, number: int, start: int, end: int) -> None:
        """Nothing comes of any order at these rows of that recording's own."""
        name = self._stage.known.name(number)
        if name in self._stage.desk.working:
            touch = part(self._prices_of(number).touch, start, end)
            for order in self._stage.desk.resting:
                if order.name == name and order.met and order.draft.kind is OrderKind.TRAILING:
                    order.best = float(bests(order, touch)[-1])

    def _wait(self, order: Order, at: int) -> _Wait:
        state, known = (order.works_from_s, order.met, order.elected), self._waits.get(order.intent.key)
        if known is not None and known.state == state and known.row >= at:
            return known
        return _Wait(state, self._row_of(order, at))

    def _row_of(self, order: Order, at: int) -> int:
        number = self._stage.known.numbers.get(order.name)
        if number is None or order.works_from_s is None:
            return len(self._slice)
        own, prices = self._slice.of[number], self._prices_of(number)
        start = max(int(np.searchsorted(own, at)), int(np.searchsorted(prices.times_s, order.works_from_s, "right")))
        place = self._answer(order, prices, start) if order.met else start
        return int(own[place]) if place < len(own) else len(self._slice)

    def _answer(self, order: Order, prices: _Prices, start: int) -> int:
        """The first price from there on at which the order fills, is elected or ends."""
        over = max(start, int(np.searchsorted(prices.times_s, order.ends_s)))
        size, end = _PRICES_FIRST, start
        while end < over:
            end, size = min(start + size, over), size * _GROWTH
            found = np.flatnonzero(answers(order, part(prices.touch, start, end)))
            if len(found):
                return start + int(found[0])
        return over

    def _prices_of(self, number: int) -> _Prices:
        found = self._prices.get(number)
        if found is None:
            own = self._slice.pieces[number]
            first, second = (_joined([block.values[column] for block in own]) for column in range(2))
            times_s = _joined([block.times_s for block in own])
            found = self._prices[number] = _Prices(times_s, self._stage.known.touch(number, first, second))
        return found


def answers(order: Order, touch: Touch[Column]) -> Flags:
    """At which of the next prices something comes of an order that has met one before and waits: it fills there, or its
    stop is set off. None of what lies behind the first of them means anything."""
    assert order.met, "its first price decides alone"
    draft, side = order.draft, order.draft.side
    if draft.kind is OrderKind.LIMIT or order.elected:
        assert draft.limit is not None
        return past_limit(side, float(draft.limit), touch) >= 0
    if draft.kind is OrderKind.TRAILING:
        return past_stop(side, trailing_stop(draft, bests(order, touch)[:-1]), touch) >= 0
    assert draft.stop is not None, "an order at the market waits for nothing"
    return past_stop(side, np.full(len(touch.bid), float(draft.stop)), touch) >= 0


def bests(order: Order, touch: Touch[Column]) -> Column:
    """A trailing order's best price before each of these, and after all."""
    assert order.best is not None, "the first price is its best so far"
    better = np.minimum if order.draft.side is Side.BUY else np.maximum
    return better.accumulate(np.concatenate(([order.best], touch.trigger(order.draft.side))))


def _joined(columns: Sequence[Column]) -> Column:
    return np.concatenate(columns) if columns else np.empty(0)
