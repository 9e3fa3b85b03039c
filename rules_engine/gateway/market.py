"""The market of a gateway: several sources played as one, with quotes, history and prints pushed from outside."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from rules_engine.gateway.catalogue import Catalogue
from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.history import Bar
from rules_engine.gateway.hours import always_open
from rules_engine.gateway.past import Past, first_of, last_of
from rules_engine.gateway.quote import Change, Print, Quote, Spread, Tick, TickKind, drawn_around
from rules_engine.gateway.source import Source

_Dated = TypeVar("_Dated", Print, Spread)


class Market:
    """Prices of everything listed. The first source that covers an instrument plays it; else only pushes move it.

    ``sessions`` keeps the exchange's hours; else every market is always open.
    """

    def __init__(self, catalogue: Catalogue, sources: Sequence[Source] = (), *, sessions: bool = False) -> None:
        self.catalogue = catalogue
        self._sources = tuple(sources)
        self._sessions = sessions
        self._quotes: dict[int, Quote] = {}
        self._source_by_id: dict[int, Source | None] = {}
        self._past = Past(catalogue, self._source_of)
        self.started = False
        self._now_s = -math.inf
        self._streamed_s = -math.inf
        """Everything before this instant was streamed; nothing from it on was."""

    def start(self, now_s: float) -> None:
        """Begins to play: recordings and scripts are re-based so that their first price is due now."""
        self.started = True
        self._now_s = self._streamed_s = now_s
        for source in self._sources:
            source.start(now_s)
        for conId, quote in self._quotes.items():
            self._join(conId, quote)
        for source in self._sources:
            for conId in source.instruments():
                self.quote(conId)

    def next_s(self) -> float | None:
        """When the next scheduled ticks are due; None when nothing more will come by itself."""
        return min((due_s for source in self._sources if (due_s := source.next_s()) is not None), default=None)

    def advance(self, now_s: float) -> Iterator[tuple[Tick, ...]]:
        """Everything due until ``now_s``: one batch an instant, in time order, in the quotes before it is yielded."""
        while (due_s := self.next_s()) is not None and due_s <= now_s:
            ticks: list[Tick] = []
            for source in self._sources:
                if source.next_s() == due_s:
                    for change in source.take():
                        self._apply(change, ticks)
            self._pass(due_s)
            if ticks:
                yield tuple(ticks)
        self._pass(now_s)

    def quote(self, conId: int) -> Quote:
        """The present quote. Asking for it makes a walk play this instrument from now on."""
        quote = self._quotes.get(conId)
        if quote is None:
            quote = self._quotes[conId] = Quote()
            if self.started:
                self._join(conId, quote)
        return quote

    def fill_price(self, conId: int, side: str) -> float | None:
        """What a market order (side BUY or SELL) gets now; None while there is no price.

        The touch where the source has quotes of its own. Else the last print: a played recording fills at the recorded
        price of the moment. Else, for a currency pair played from prints, the midpoint, which is that print.
        """
        quote = self.quote(conId)
        if quote.real:
            return quote.ask if side == "BUY" else quote.bid
        return quote.last if quote.last is not None else quote.mid

    def push(self, conId: int, price: float, size: float = 100.0, at_s: float | None = None) -> tuple[Tick, ...]:
        """A print from outside. A quote that does not contain it gives way to one drawn around it."""
        listing = self.catalogue.undated(conId)
        assert listing is not None, conId
        trade = Print(self._pushed_at_s(at_s), price, size)
        quote = self.quote(conId)
        inside = quote.real and quote.bid is not None and quote.ask is not None and quote.bid <= price <= quote.ask
        spread = drawn_around(trade, listing.minTick) if listing.quotes and not inside else None
        return self._push(Change(conId, spread, trade if listing.prints_trades else None, real=False))

    def push_quote(
        self,
        conId: int,
        bid: float,
        ask: float,
        bidSize: float = 100.0,
        askSize: float = 100.0,
        at_s: float | None = None,
    ) -> tuple[Tick, ...]:
        """A quote from outside; market orders fill at it until a print leaves it."""
        return self._push(Change(conId, Spread(self._pushed_at_s(at_s), bid, ask, bidSize, askSize), None))

    def with_hours(self, listing: Listing) -> Listing:
        """The listing with the hours that this market keeps: all of every day when it never closes."""
        if self._sessions:
            return listing
        always = always_open(self._now_s)
        return replace(listing, tradingHours=always, liquidHours=always)

    def is_open(self, conId: int, now_s: float, outside_hours: bool) -> bool:
        """Whether orders can trade now. A market that keeps no sessions never closes."""
        return not self._sessions or self._past.hours(conId).is_open(now_s, liquid=not outside_hours)

    def bars(
        self, conId: int, end_s: float, duration_s: float, bar_s: float, what: str, use_rth: bool
    ) -> tuple[Bar, ...]:
        """Bars of `[end - duration, end)`; the first is whole, the last may still be forming.

        ``what`` is IB's whatToShow: TRADES, ADJUSTED_LAST, MIDPOINT, BID, ASK or BID_ASK.
        """
        return self._past.bars(conId, end_s - duration_s, self._until_s(end_s), bar_s, what, use_rth)

    def days_start_s(self, conId: int, end_s: float, days: int) -> float:
        """Where the last ``days`` trade dates until ``end_s`` begin: what a duration of `5 D` means."""
        hours = self._past.hours(conId)
        start_s = end_s
        for _ in range(days - 1):
            start_s = hours.last_close_s(start_s) - 1.0
        return hours.day_start_s(hours.trade_date(start_s))

    def prints(
        self, conId: int, start_s: float | None, end_s: float | None, n_max: int, use_rth: bool = False
    ) -> tuple[Print, ...]:
        """Trades of `[start, end)`: the first ``n_max`` from the start, or without a start the last before the end."""
        return self._chosen(
            conId, lambda low, high: self._past.prints(conId, low, high, use_rth), start_s, end_s, n_max
        )

    def spreads(
        self, conId: int, start_s: float | None, end_s: float | None, n_max: int, use_rth: bool = False
    ) -> tuple[Spread, ...]:
        """Quotes, chosen like `prints`."""
        return self._chosen(
            conId, lambda low, high: self._past.spreads(conId, low, high, use_rth), start_s, end_s, n_max
        )

    def head_s(self, conId: int) -> float | None:
        """The oldest price that can be asked for."""
        return self._past.head_s(conId)

    def _chosen(
        self,
        conId: int,
        read: Callable[[float, float], Iterator[_Dated]],
        start_s: float | None,
        end_s: float | None,
        n_max: int,
    ) -> tuple[_Dated, ...]:
        head_s = self.head_s(conId)
        if head_s is None:
            return ()
        until_s = self._until_s(math.inf if end_s is None else end_s)
        if start_s is None:
            return last_of(read, head_s, until_s, n_max)
        return first_of(read, max(start_s, head_s), until_s, n_max)

    def _until_s(self, end_s: float) -> float:
        # What is due but not yet streamed is not history; what was streamed at this very instant is.
        return end_s if end_s < self._now_s else self._streamed_s

    def _pass(self, now_s: float) -> None:
        self._now_s = max(self._now_s, now_s)
        self._streamed_s = max(self._streamed_s, math.nextafter(now_s, math.inf))

    def _join(self, conId: int, quote: Quote) -> None:
        source = self._source_of(conId)
        if source is not None:
            self._catch_up(conId, quote, source)
            source.watch(conId, self._streamed_s)

    def _catch_up(self, conId: int, quote: Quote, source: Source) -> None:
        """Brings a new quote to what somebody would see who had watched all day."""
        hours = self._past.hours(conId)
        close = source.previous_close(conId)
        quote.close = close if close is not None else self._past.last_price(conId, hours.last_close_s(self._now_s))
        until_s = self._until_s(self._now_s)
        day_start_s = hours.day_start_s(hours.trade_date(self._now_s))
        for trade in self._past.prints(conId, day_start_s, until_s, False):
            quote.trade(*trade)
        head_s = self.head_s(conId)
        if head_s is not None:
            for spread in last_of(lambda low, high: self._past.spreads(conId, low, high, False), head_s, until_s, 1):
                quote.show(spread, real=source.quotes_are_real(conId))

    def _push(self, change: Change) -> tuple[Tick, ...]:
        self._past.remember(change.conId, change.spread, change.trade)
        ticks: list[Tick] = []
        self._apply(change, ticks)
        return tuple(ticks)

    def _pushed_at_s(self, at_s: float | None) -> float:
        pushed_s = self.catalogue.clock.now_s() if at_s is None else at_s
        self._pass(pushed_s)
        return pushed_s

    def _apply(self, change: Change, ticks: list[Tick]) -> None:
        """Brings one change into its quote and adds the ticks it makes: quote first, then print."""
        conId, spread, trade, new_day, real = change
        quote = self.quote(conId)
        if new_day:
            quote.open_day()
        if spread is not None:
            if spread.bid != quote.bid or spread.bidSize != quote.bidSize:
                ticks.append(Tick(conId, spread.time_s, TickKind.BID, spread.bid, spread.bidSize))
            if spread.ask != quote.ask or spread.askSize != quote.askSize:
                ticks.append(Tick(conId, spread.time_s, TickKind.ASK, spread.ask, spread.askSize))
            quote.show(spread, real)
        if trade is not None:
            quote.trade(*trade)
            ticks.append(Tick(conId, trade.time_s, TickKind.TRADE, trade.price, trade.size))

    def _source_of(self, conId: int) -> Source | None:
        if conId not in self._source_by_id:
            self._source_by_id[conId] = next((source for source in self._sources if source.covers(conId)), None)
        return self._source_by_id[conId]
