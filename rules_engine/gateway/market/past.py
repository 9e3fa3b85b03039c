"""The recorded and the generated past, together with what was pushed: prints, quotes and bars of any span."""

import math
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice
from typing import TypeVar

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.market.columns import Quotes, Trades
from rules_engine.gateway.market.days import Days
from rules_engine.gateway.market.halts import Halts
from rules_engine.gateway.market.history import DAY_S, Bar, bar_span_s, bars_of, range_of
from rules_engine.gateway.market.quote import Print, Spread, middle
from rules_engine.gateway.market.source import Source

PUSHED_MAX = 200_000
"""So many pushed prints of an instrument are remembered; then the oldest tenth is forgotten."""
_LOOK_BACK_S = 60.0
"""First step of a search backwards; it doubles."""

_Dated = TypeVar("_Dated", Print, Spread)
_Reader = Callable[[float, float], Iterator[_Dated]]


class Past:
    """What an instrument did, from whichever source plays it."""

    def __init__(self, catalogue: Catalogue, source_of: Callable[[int], Source | None]) -> None:
        self._catalogue = catalogue
        self._source_of = source_of
        self._pushed_prints: dict[int, Trades] = {}
        self._pushed_spreads: dict[int, Quotes] = {}
        self._days = Days()
        self.halts = Halts()

    def remember(self, conId: int, spread: Spread | None, trade: Print | None) -> None:
        """Takes in what was pushed, also late."""
        if trade is not None:
            trades = self._pushed_prints.setdefault(conId, Trades())
            trades.put(trade)
            self._days.changed(conId, min(trade.time_s, _forget(trades)))
        if spread is not None:
            quotes = self._pushed_spreads.setdefault(conId, Quotes())
            quotes.put(spread)
            self._days.changed(conId, min(spread.time_s, _forget(quotes)))

    def prints(self, conId: int, start_s: float, end_s: float, use_rth: bool) -> Iterator[Print]:
        """Trades of `[start, end)` in time order."""
        source = self._source_of(conId)
        pushed = self._pushed_prints.get(conId)
        for low_s, high_s in self._open_spans(conId, start_s, end_s, use_rth):
            played = source.prints(conId, low_s, high_s) if source is not None else ()
            added = pushed.between(low_s, high_s) if pushed is not None else ()
            yield from merge(self.halts.outside(conId, played), added)

    def spreads(
        self,
        conId: int,
        start_s: float,
        end_s: float,
        use_rth: bool,
        seen: Callable[[Spread], object] = lambda spread: spread[1:],
    ) -> Iterator[Spread]:
        """Quotes of `[start, end)` in time order: those that changed something of what is ``seen`` of them."""
        shown = self._shown_before(conId, start_s, use_rth, seen)
        for spread in self._all_spreads(conId, start_s, end_s, use_rth):
            before, shown = shown, seen(spread)
            if shown != before:
                yield spread

    def _shown_before(self, conId: int, at_s: float, use_rth: bool, seen: Callable[[Spread], object]) -> object:
        head_s = self.head_s(conId)
        if head_s is None or at_s <= head_s:
            return None
        last = last_of(lambda low, high: self._all_spreads(conId, low, high, use_rth), head_s, at_s, 1)
        return seen(last[0]) if last else None

    def _all_spreads(self, conId: int, start_s: float, end_s: float, use_rth: bool) -> Iterator[Spread]:
        source = self._source_of(conId)
        pushed = self._pushed_spreads.get(conId)
        for low_s, high_s in self._open_spans(conId, start_s, end_s, use_rth):
            played = source.spreads(conId, low_s, high_s) if source is not None else ()
            added = pushed.between(low_s, high_s) if pushed is not None else ()
            yield from merge(self.halts.outside(conId, played), added)

    def bars(self, conId: int, start_s: float, end_s: float, bar_s: float, what: str, use_rth: bool) -> tuple[Bar, ...]:
        """Bars of `[start, end)`; the first is whole, the last may still be forming."""
        hours = self.hours(conId)
        start_s = bar_span_s(start_s, bar_s, hours)[0]
        if bar_s >= DAY_S:
            start_s = hours.day_start_s(hours.trade_date(start_s))
        if bar_s == DAY_S and start_s < end_s:
            return self._days.bars(
                conId,
                (what, use_rth),
                hours,
                start_s,
                end_s,
                lambda low_s, high_s: self._new_bars(conId, low_s, high_s, bar_s, what, use_rth),
            )
        return self._new_bars(conId, start_s, end_s, bar_s, what, use_rth)

    def _new_bars(
        self, conId: int, start_s: float, end_s: float, bar_s: float, what: str, use_rth: bool
    ) -> tuple[Bar, ...]:
        hours = self.hours(conId)
        from_open = self.starts_with_open(conId, start_s, use_rth)
        if what == "BID_ASK":
            spreads = self.spreads(conId, start_s, end_s, use_rth)
            return tuple(range_of(spreads, bar_s, hours, from_open=from_open))
        return tuple(bars_of(self._series(conId, start_s, end_s, what, use_rth), bar_s, hours, from_open=from_open))

    def head_s(self, conId: int) -> float | None:
        """The oldest price there is."""
        source = self._source_of(conId)
        heads = [source.head_s(conId)] if source is not None else []
        for pushed in (self._pushed_prints.get(conId), self._pushed_spreads.get(conId)):
            if pushed is not None:
                heads.append(pushed.times_s[0])
        return min((head for head in heads if head is not None), default=None)

    def last_price(self, conId: int, before_s: float) -> float | None:
        """The last print before an instant, or the last midpoint of what has no prints."""
        head_s = self.head_s(conId)
        if head_s is None:
            return None
        trades = last_of(lambda low, high: self.prints(conId, low, high, False), head_s, before_s, 1)
        if trades:
            return trades[0].price
        quotes = last_of(lambda low, high: self.spreads(conId, low, high, False), head_s, before_s, 1)
        return middle(quotes[0].bid, quotes[0].ask) if quotes else None

    def hours(self, conId: int) -> Hours:
        """Trading hours of an instrument."""
        listing = self._catalogue.listing(conId)
        return CALENDARS[listing.calendar if listing is not None else "us_stock"]

    def counts(self, conId: int, at_s: float, use_rth: bool) -> bool:
        """Whether what happens at this instant belongs to history of regular hours, or of all hours."""
        if at_s >= self._open_since_s(conId):
            return True
        return self.hours(conId).is_open(at_s, liquid=use_rth)

    def starts_with_open(self, conId: int, at_s: float, use_rth: bool) -> bool:
        """Whether the first bar of a session begins with it, as it does in regular hours."""
        return use_rth and at_s < self._open_since_s(conId)

    def _series(self, conId: int, start_s: float, end_s: float, what: str, use_rth: bool) -> Iterator[Print]:
        if what in ("TRADES", "AGGTRADES", "ADJUSTED_LAST"):
            return self.prints(conId, start_s, end_s, use_rth)
        price = _PRICES[what]
        spreads = self.spreads(conId, start_s, end_s, use_rth)
        return (Print(one.time_s, price(one), 0.0) for one in spreads)

    def _open_spans(self, conId: int, start_s: float, end_s: float, use_rth: bool) -> Iterator[tuple[float, float]]:
        since_s = self._open_since_s(conId)
        if start_s < since_s:
            yield from self.hours(conId).open_spans(start_s, min(end_s, since_s), liquid=use_rth)
        if end_s > since_s:
            yield max(start_s, since_s), end_s

    def _open_since_s(self, conId: int) -> float:
        source = self._source_of(conId)
        return source.open_since_s() if source is not None else -math.inf


def first_of(read: _Reader[_Dated], start_s: float, end_s: float, n_max: int) -> tuple[_Dated, ...]:
    """The first ``n_max`` from the start."""
    return tuple(islice(read(start_s, end_s), n_max))


def last_of(read: _Reader[_Dated], head_s: float, end_s: float, n_max: int) -> tuple[_Dated, ...]:
    """The last ``n_max`` before the end, oldest first, found by looking back further and further."""
    back_s = _LOOK_BACK_S
    while True:
        start_s = max(head_s, end_s - back_s)
        found = tuple(read(start_s, end_s))
        if len(found) >= n_max or start_s <= head_s:
            return found[-n_max:]
        back_s *= 2


def _forget(pushed: Trades | Quotes) -> float:
    """Forgets the oldest when there are too many; gives the instant from which on the past is another one."""
    if len(pushed.times_s) <= PUSHED_MAX:
        return math.inf
    pushed.drop(PUSHED_MAX // 10)
    return -math.inf


_PRICES: dict[str, Callable[[Spread], float]] = {
    "BID": lambda one: one.bid,
    "ASK": lambda one: one.ask,
    "MIDPOINT": lambda one: middle(one.bid, one.ask),
}
