"""One market data line: quotes and prints as the numbered ticks that a client gets."""

from collections import deque
from dataclasses import dataclass, field

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.feeds.generic_ticks import (
    COUNT,
    MARK,
    PLAIN_MARK,
    RATE,
    REPORTS,
    SIZE_RATE,
    TRADE_REPORTS,
    Asked,
)
from rules_engine.gateway.feeds.tick_types import (
    DELAYED,
    DELAYED_FROZEN,
    DELAYED_TICKS,
    LIVE,
    LIVE_TICKS,
    MARK_PRICE,
    RT_TRADE_VOLUME,
    RT_VOLUME,
    TRADE_COUNT,
    TRADE_RATE,
    VOLUME_RATE,
    TickTypes,
)
from rules_engine.gateway.market.quote import Quote, Tick, TickKind
from rules_engine.gateway.messages.price_messages import (
    MarketDataType,
    TickGeneric,
    TickPrice,
    TickSize,
    TickString,
)
from rules_engine.gateway.wire.session import Session
from rules_engine.gateway.wire.values import number_text

NO_PRICE = -1.0
_CAN_EXECUTE = 1
_MINUTE_S = 60


class Line:
    """One client's subscription to one instrument, with what it has heard last.

    ``asked`` is what it wants, ``type_`` the market data type it gets: a frozen line becomes a moving one with the
    first price that moves.
    """

    def __init__(self, session: Session, reqId: int, listing: Listing, asked: Asked, type_: int) -> None:
        self.session = session
        self.reqId = reqId
        self.listing = listing
        self.asked = asked
        self.become(type_)
        numbers = asked.numbers
        self._marks = not numbers.isdisjoint({MARK, PLAIN_MARK})
        self._pace = _Pace() if not numbers.isdisjoint({COUNT, RATE, SIZE_RATE}) else None
        self._mark: float | None = None
        self._bid: float | None = None
        self._ask: float | None = None
        self._high: float | None = None
        self._low: float | None = None
        self._open: float | None = None
        self._second = 0
        self._days = 0

    def become(self, type_: int) -> None:
        """Ticks are of this market data type from here on. Trade reports are never delayed: there are none then."""
        delayed = type_ in (DELAYED, DELAYED_FROZEN)
        self.type = type_
        self.types: TickTypes = DELAYED_TICKS if delayed else LIVE_TICKS
        self._moving = type_ in (LIVE, DELAYED)
        wanted = () if delayed else ((REPORTS, RT_VOLUME), (TRADE_REPORTS, RT_TRADE_VOLUME))
        self._reports = tuple(tick for number, tick in wanted if number in self.asked.numbers)

    def tell_known(self, quote: Quote, *, quoted: bool) -> None:
        """Everything that can be said of an instrument at once; -1 stands for a price that there is not.

        ``quoted`` is false while nobody quotes, after the close.
        """
        self._days, self._high, self._low, self._open = quote.days, quote.high, quote.low, quote.open
        if not self.asked.alone:
            self._tell_usual(quote, quoted)
        self._tell_mark(quote)

    def _tell_usual(self, quote: Quote, quoted: bool) -> None:
        send, types, reqId = self.session.send, self.types, self.reqId
        if self.listing.quotes:
            self._bid, self._ask = (quote.bid, quote.ask) if quoted else (None, None)
            for number, size_number, price, size in (
                (types.bid, types.bidSize, self._bid, quote.bidSize),
                (types.ask, types.askSize, self._ask, quote.askSize),
            ):
                known = (price, size, _CAN_EXECUTE) if price is not None else (NO_PRICE, 0.0, 0)
                send(TickPrice(reqId, number, *known))
                send(TickSize(reqId, size_number, known[1]))
        if self.listing.prints_trades:
            self._tell_last(quote)
        for number, price in (
            (types.high, quote.high),
            (types.low, quote.low),
            (types.close, quote.close),
            (types.open, quote.open),
        ):
            if price is not None:
                send(TickPrice(reqId, number, price, 0))
        self.tell_halt(quote)

    def _tell_last(self, quote: Quote) -> None:
        send, types, reqId = self.session.send, self.types, self.reqId
        if quote.last is None or quote.last_time_s is None:
            send(TickPrice(reqId, types.last, NO_PRICE, 0))
        else:
            self._second = int(quote.last_time_s)
            send(TickString(reqId, types.lastTime, str(self._second)))
            send(TickPrice(reqId, types.last, quote.last, quote.lastSize))
            send(TickSize(reqId, types.lastSize, quote.lastSize))
        send(TickSize(reqId, types.volume, quote.volume))

    def tell_halt(self, quote: Quote) -> None:
        """Whether trading is halted, in IB's numbers."""
        if not self.asked.alone:
            self.session.send(TickGeneric(self.reqId, self.types.halted, float(quote.halted)))

    def tell(self, tick: Tick, quote: Quote) -> None:
        """One tick as TWS tells it: a price, then its size once more; a bid or ask that stayed, its size alone."""
        if not self._moving:
            self._move()
        if self._days != quote.days:
            self._begin_day(quote)
        if tick.kind is TickKind.TRADE:
            if not self.asked.alone:
                self._tell_trade(tick, quote)
            if self._reports:
                self._report(tick)
            if self._pace is not None:
                self._tell_pace(self._pace, tick, quote)
        elif not self.asked.alone:
            self._tell_touch(tick)
        if self._marks:
            self._tell_mark(quote)

    def _tell_touch(self, tick: Tick) -> None:
        send, types, reqId = self.session.send, self.types, self.reqId
        price, size = tick.price, tick.size
        if tick.kind is TickKind.BID:
            if price != self._bid:
                self._bid = price
                send(TickPrice(reqId, types.bid, price, size, _CAN_EXECUTE))
            send(TickSize(reqId, types.bidSize, size))
        else:
            if price != self._ask:
                self._ask = price
                send(TickPrice(reqId, types.ask, price, size, _CAN_EXECUTE))
            send(TickSize(reqId, types.askSize, size))

    def _tell_trade(self, tick: Tick, quote: Quote) -> None:
        send, types, reqId = self.session.send, self.types, self.reqId
        if quote.last_time_s is None or tick.time_s >= quote.last_time_s:
            second = int(tick.time_s)
            if second != self._second:
                self._second = second
                send(TickString(reqId, types.lastTime, str(second)))
            send(TickPrice(reqId, types.last, tick.price, tick.size))
            send(TickSize(reqId, types.lastSize, tick.size))
        send(TickSize(reqId, types.volume, tick.volume))
        if quote.high != self._high and quote.high is not None:
            self._high = quote.high
            send(TickPrice(reqId, types.high, quote.high, 0))
        if quote.low != self._low and quote.low is not None:
            self._low = quote.low
            send(TickPrice(reqId, types.low, quote.low, 0))
        if quote.open != self._open and quote.open is not None:
            self._open = quote.open
            send(TickPrice(reqId, types.open, quote.open, 0))

    def _report(self, tick: Tick) -> None:
        """Price, size, time in milliseconds, volume of the day, mean price, and whether one market maker filled it."""
        text = (
            f"{tick.price!r};{number_text(tick.size)};{round(tick.time_s * 1000)};"
            f"{number_text(tick.volume)};{round(tick.average, 8)!r};true"
        )
        for number in self._reports:
            self.session.send(TickString(self.reqId, number, text))

    def _tell_pace(self, pace: "_Pace", tick: Tick, quote: Quote) -> None:
        pace.see(int(tick.time_s), tick.size)
        for asked, number, value in (
            (COUNT, TRADE_COUNT, quote.count),
            (RATE, TRADE_RATE, pace.count),
            (SIZE_RATE, VOLUME_RATE, pace.size),
        ):
            if asked in self.asked.numbers:
                self.session.send(TickGeneric(self.reqId, number, float(value)))

    def _tell_mark(self, quote: Quote) -> None:
        mark = quote.last if quote.last is not None else quote.mid
        if self._marks and mark is not None and mark != self._mark:
            self._mark = mark
            self.session.send(TickPrice(self.reqId, MARK_PRICE, mark, 0))

    def _move(self) -> None:
        """Prices move again: what was frozen is live."""
        self.become(DELAYED if self.type in (DELAYED, DELAYED_FROZEN) else LIVE)
        self.session.send(MarketDataType(self.reqId, self.type))

    def _begin_day(self, quote: Quote) -> None:
        self._days = quote.days
        self._high = self._low = self._open = None
        if quote.close is not None and not self.asked.alone:
            self.session.send(TickPrice(self.reqId, self.types.close, quote.close, 0))


@dataclass(slots=True)
class _Pace:
    """Prints and their sizes in the last minute, second by second."""

    seconds: deque[list[float]] = field(default_factory=deque)
    count: int = 0
    size: float = 0.0

    def see(self, second: int, size: float) -> None:
        """One more print."""
        if not self.seconds or self.seconds[-1][0] < second:
            self.seconds.append([second, 0, 0.0])
        self.seconds[-1][1] += 1
        self.seconds[-1][2] += size
        self.count += 1
        self.size += size
        while self.seconds[0][0] <= second - _MINUTE_S:
            _, count, sizes = self.seconds.popleft()
            self.count -= int(count)
            self.size -= sizes
