"""The market of a gateway: several sources played as one, with quotes, history and prints pushed from outside."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.hours import CALENDARS, always_open
from rules_engine.gateway.market.history import Bar, bar_span_s
from rules_engine.gateway.market.past import Past, first_of, last_of
from rules_engine.gateway.market.quote import (
    HALTED,
    TRADING,
    Change,
    Print,
    Quote,
    Spread,
    Tick,
    TickKind,
    drawn_around,
)
from rules_engine.gateway.market.source import Source

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
        self._day_ends_s: dict[int, float] = {}
        self._on_halt: Callable[[int], None] = lambda conId: None
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

    def on_halt(self, action: Callable[[int], None]) -> None:
        """Do this with the contract number when trading in it is halted, or goes on."""
        self._on_halt = action

    def next_s(self) -> float | None:
        """When the next scheduled ticks are due; None when nothing more will come by itself."""
        soonest_s: float | None = None
        for source in self._sources:
            due_s = source.next_s()
            if due_s is not None and (soonest_s is None or due_s < soonest_s):
                soonest_s = due_s
        return soonest_s

    def advance(self, now_s: float) -> Iterator[tuple[Tick, ...]]:
        """Everything due until ``now_s``: one batch an instant, in time order, in the quotes before it is yielded.

        An instant at which trading was only halted, or went on, has an empty batch.
        """
        while (due_s := self.next_s()) is not None and due_s <= now_s:
            ticks: list[Tick] = []
            halts = False
            for source in self._sources:
                if source.next_s() == due_s:
                    for change in source.take():
                        self._apply(change, due_s, ticks)
                        halts |= change.halted is not None
            self._pass(due_s)
            if ticks or halts:
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
        """A print from outside. A quote that does not contain it gives way to one drawn around it.

        A print that is older than the last counts for its own time and the day, and moves neither last price nor quote.
        Nothing happens while trading is halted.
        """
        assert price > 0, "a price that is none is told to lines, and is not the market's"
        listing = self.catalogue.listing(conId)
        assert listing is not None, conId
        trade = Print(self._pushed_at_s(at_s), price, size)
        quote = self.quote(conId)
        late = quote.last_time_s is not None and trade.time_s < quote.last_time_s
        inside = quote.real and quote.bid is not None and quote.ask is not None and quote.bid <= price <= quote.ask
        spread = drawn_around(trade, listing.minTick) if listing.quotes and not inside and not late else None
        return self._push(Change(conId, spread, trade if listing.prints_trades else None, real=False))

    def push_quote(
        self,
        conId: int,
        bid: float,
        ask: float,
        bidSize: float | None = None,
        askSize: float | None = None,
        at_s: float | None = None,
    ) -> tuple[Tick, ...]:
        """A quote from outside; market orders fill at it until a print leaves it. Sizes are usual ones unless given."""
        listing = self.catalogue.listing(conId)
        assert listing is not None, conId
        sizes = (listing.quoted_size if size is None else size for size in (bidSize, askSize))
        return self._push(Change(conId, Spread(self._pushed_at_s(at_s), bid, ask, *sizes), None))

    def halt(self, conId: int, halted: bool = True, at_s: float | None = None) -> None:
        """Trading stops, or goes on. Meanwhile nothing prints, no quote moves, and nothing of it is ever history."""
        change = Change(conId, None, None, halted=HALTED if halted else TRADING)
        self._set_halt(change, self._pushed_at_s(at_s))

    def hours_text(self, listing: Listing, *, liquid: bool) -> str:
        """The hours of the coming days that this market keeps: all of every day when it never closes."""
        if not self._sessions:
            return always_open(self._now_s)
        return CALENDARS[listing.calendar].wire(self._now_s, liquid=liquid)

    def is_open(self, conId: int, now_s: float, outside_hours: bool) -> bool:
        """Whether orders can trade now. A market that keeps no sessions never closes."""
        return not self._sessions or self._past.hours(conId).is_open(now_s, liquid=not outside_hours)

    def counts(self, conId: int, at_s: float, use_rth: bool) -> bool:
        """Whether what happens at this instant belongs to history of regular hours, or of all hours."""
        return self._past.counts(conId, at_s, use_rth)

    def bar_span_s(self, conId: int, at_s: float, bar_s: float, use_rth: bool) -> tuple[float, float]:
        """Start and end of the bar that an instant belongs to, as `bars` cuts them."""
        from_open = self._past.starts_with_open(conId, at_s, use_rth)
        return bar_span_s(at_s, bar_s, self._past.hours(conId), from_open=from_open)

    def bars(
        self, conId: int, end_s: float, duration_s: float, bar_s: float, what: str, use_rth: bool
    ) -> tuple[Bar, ...]:
        """Bars of `[end - duration, end)`; the first is whole, the last may still be forming.

        ``what`` is IB's whatToShow: TRADES, ADJUSTED_LAST, MIDPOINT, BID, ASK or BID_ASK.
        """
        return self._past.bars(conId, end_s - duration_s, self._until_s(end_s), bar_s, what, use_rth)

    def closes(self, conId: int, end_s: float, days: int) -> tuple[tuple[float, float], ...]:
        """When the last ``days`` sessions until ``end_s`` ended and at which price, oldest first, as far as is known.

        The present session counts, with its price so far.
        """
        hours, found = self._past.hours(conId), []
        at_s = end_s
        for _ in range(days):
            price = self._past.last_price(conId, self._until_s(at_s))
            if price is None:
                break
            found.append((at_s, price))
            at_s = hours.last_close_s(at_s)
        return tuple(reversed(found))

    def has_options(self, conId: int) -> bool:
        """Whether options on an instrument are listed."""
        return next(iter(self.catalogue.chains(conId)), None) is not None

    def days_start_s(self, conId: int, end_s: float, days: int) -> float:
        """Where the last ``days`` trade dates until ``end_s`` begin: what a duration of `5 D` means."""
        hours = self._past.hours(conId)
        start_s = end_s
        for _ in range(days - 1):
            start_s = hours.last_close_s(start_s) - 1.0
        return hours.day_start_s(hours.trade_date(start_s))

    def sessions(self, conId: int, start_s: float, end_s: float, use_rth: bool) -> tuple[tuple[float, float], ...]:
        """The exchange's sessions that touch `[start, end)`, whole and in order, kept by this market or not."""
        hours = self._past.hours(conId)
        spans = hours.open_spans(start_s, end_s, liquid=use_rth)
        whole = (hours.span_s(hours.trade_date(opened_s), liquid=use_rth) for opened_s, _ in spans)
        return tuple(span for span in whole if span is not None)

    def prints(
        self, conId: int, start_s: float | None, end_s: float | None, n_max: int, use_rth: bool = False
    ) -> tuple[Print, ...]:
        """Trades of `[start, end)`: the first ``n_max`` from the start, or without a start the last before the end."""
        return self._chosen(
            conId, lambda low, high: self._past.prints(conId, low, high, use_rth), start_s, end_s, n_max
        )

    def spreads(
        self,
        conId: int,
        start_s: float | None,
        end_s: float | None,
        n_max: int,
        use_rth: bool = False,
        seen: Callable[[Spread], object] = lambda spread: spread[1:],
    ) -> tuple[Spread, ...]:
        """Quotes that changed something of what is ``seen`` of them, chosen like `prints`."""
        return self._chosen(
            conId, lambda low, high: self._past.spreads(conId, low, high, use_rth, seen), start_s, end_s, n_max
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
        ticks: list[Tick] = []
        if not self.quote(change.conId).halted:
            self._past.remember(change.conId, change.spread, change.trade)
            self._apply(change._replace(new_day=self._begins_day(change.conId)), self._now_s, ticks)
        return tuple(ticks)

    def _pushed_at_s(self, at_s: float | None) -> float:
        pushed_s = self.catalogue.clock.now_s() if at_s is None else at_s
        self._pass(pushed_s)
        return pushed_s

    def _begins_day(self, conId: int) -> bool:
        """Whether a trade date has begun since the last push. Sources say that themselves."""
        if self._source_of(conId) is not None or self._now_s < self._day_ends_s.get(conId, -math.inf):
            return False
        hours = self._past.hours(conId)
        begins = conId in self._day_ends_s
        self._day_ends_s[conId] = hours.day_start_s(hours.trade_date(self._now_s) + timedelta(days=1))
        return begins

    def _apply(self, change: Change, now_s: float, ticks: list[Tick]) -> None:
        """Brings one change into its quote and adds the ticks it makes: quote first, then print."""
        conId, spread, trade, new_day, real, halted = change
        quote = self.quote(conId)
        if new_day:
            quote.open_day()
        if halted is not None:
            self._set_halt(change, now_s)
        if quote.halted:
            return
        if spread is not None:
            at_s, bid, ask, bidSize, askSize = spread
            if bid != quote.bid or bidSize != quote.bidSize:
                ticks.append(Tick(conId, at_s, TickKind.BID, bid, bidSize, spread))
            if ask != quote.ask or askSize != quote.askSize:
                ticks.append(Tick(conId, at_s, TickKind.ASK, ask, askSize, spread))
            quote.show(spread, real)
        if trade is not None:
            at_s, price, size = trade
            quote.trade(at_s, price, size)
            volume = quote.volume
            average = quote.turnover / volume if volume else price
            ticks.append(Tick(conId, at_s, TickKind.TRADE, price, size, None, volume, average))

    def _set_halt(self, change: Change, at_s: float) -> None:
        assert change.halted is not None
        quote = self.quote(change.conId)
        if quote.halted != change.halted:
            quote.halted = change.halted
            self._past.halts.state(change.conId, at_s, change.halted)
            self._on_halt(change.conId)

    def _source_of(self, conId: int) -> Source | None:
        if conId not in self._source_by_id:
            self._source_by_id[conId] = next((source for source in self._sources if source.covers(conId)), None)
        return self._source_by_id[conId]
