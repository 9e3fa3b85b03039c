"""What IB says of prices, message by message, into ticks for the rules and the quote that orders are checked against.

The library's own tickers are left out: they drop what is said twice, lose the exchange's time, and cost as much again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from rules_engine.broker.codes import NOT_SUBSCRIBED
from rules_engine.broker.feeds import Feeds
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.library import UNSET_DOUBLE
from rules_engine.broker.numbers import price_or_none, size_or_none
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick

_log = logging.getLogger(__name__)

PRINT = 48
"""RTVolume, one report a trade with the exchange's time (generic tick 233)."""
BID, ASK, LAST, VOLUME, HALTED = 1, 2, 4, 8, 49
_FIELDS = {
    BID: Field.BID,
    ASK: Field.ASK,
    LAST: Field.LAST,
    6: Field.HIGH,
    7: Field.LOW,
    VOLUME: Field.VOLUME,
    9: Field.CLOSE,
    14: Field.OPEN,
    37: Field.MARK,
}
_QUOTES = frozenset({BID, ASK})
_SIZES = {0: BID, 3: ASK, 5: LAST}
"""Tick types of sizes, and the prices that they stand beside."""
_DELAYED_TYPES = (3, 4)
_LIVE_TWINS = {66: BID, 67: ASK, 68: LAST, 69: 0, 70: 3, 71: 5, 72: 6, 73: 7, 74: VOLUME, 75: 9, 76: 14}
"""Tick types of delayed data, and the live ones that say the same."""
_HALTS = (1, 2)
"""1 is a halt, 2 one for volatility; 0, -1 and silence are none
(https://interactivebrokers.github.io/tws-api/tick_types.html, tick 49)."""
_ABSURD = 2.0
"""A trade above so many times the ask, or below that part of the bid, is a mistake of the feed: after a real jump the
quotes follow at once, and the next trade counts."""

_TRADED = frozenset({"STK", "FUT", "OPT", "FOP", "WAR"})
"""Kinds of contract that IB sends a report of every trade for; the others have tick type 4 at most."""


def generic_ticks(sec_type: str) -> str:
    """What to ask for besides the usual: trade reports (233) and the mark price (221), where IB has them.

    Source: https://interactivebrokers.github.io/tws-api/tick_types.html
    """
    return "233,221" if sec_type in _TRADED else ""


@dataclass(slots=True)
class Stream:
    """One market data subscription: a contract, the names that rules give it, and the newest that IB said of it.

    ``told`` are the tick types that some rule reads, each with its field.
    """

    names: tuple[str, ...]
    contract_id: int
    sec_type: str
    since_s: float
    """When it was asked for."""
    told: Mapping[int, Field] = field(default_factory=lambda: _FIELDS)
    values: dict[int, float | None] = field(default_factory=dict)
    """By tick type. What comes first, where there is none yet, is a snapshot of unknown age."""
    sizes: dict[int, float] = field(default_factory=dict)
    forgotten_s: float = 0.0
    """When it fell silent last: what is told of before may be as old as that."""
    quoted_s: float = 0.0
    """When a bid, an ask or a last price came, or was confirmed by its size."""
    left_out: float | None = None
    """The newest trade, if it was taken for one that never was."""
    is_delayed: bool = False
    is_halted: bool = False

    @property
    def bid(self) -> float | None:
        """The newest bid, None while there is none that can be trusted; so with the other two."""
        return self.values.get(BID)

    @property
    def ask(self) -> float | None:
        return self.values.get(ASK)

    @property
    def last(self) -> float | None:
        return self.values.get(LAST)

    @property
    def reports_trades(self) -> bool:
        """With trade reports, tick type 4 tells the same trades once more. Of delayed trades there are none."""
        return self.sec_type in _TRADED and not self.is_delayed

    def forget(self, now_s: float) -> None:
        """What was said before cannot be trusted any more."""
        self.forgotten_s = now_s
        self.values = dict.fromkeys(self.values)
        self.sizes.clear()

    def listen(self, fields: frozenset[Field]) -> list[int]:
        """From now on rules read these fields; the tick types that they did not read before."""
        before = self.told
        self.told = _told(fields)
        return [kind for kind in self.told if kind not in before]


class Prices:
    """The streams of one connection by the number of their request, and what becomes of each message about them.

    A price that no rule reads ends in its stream; any other one goes to the inbox, once for each name of the contract.
    """

    def __init__(self, inbox: Inbox, feeds: Feeds, *, delayed: bool = False) -> None:
        self.streams: dict[int, Stream] = {}
        self.now_s = 0.0
        """When what is being read arrived."""
        self.came = False
        """Whether any of it was news of a price."""
        self.is_deaf = False
        """While IB's own link is lost prices are from before: they do not show that data flows."""
        self._inbox = inbox
        self._feeds = feeds
        self._delayed = delayed

    def price(self, request_id: int, kind: int, price: float, size: float) -> None:
        """Tick price: a bid or an ask that says nothing new still confirms itself."""
        stream = self.streams.get(request_id)
        if stream is None or self.is_deaf or not (price or size):
            return
        if kind not in _FIELDS or stream.is_delayed:
            kind = self._allowed(kind)
            if kind not in _FIELDS:
                return
        if kind == LAST:
            if stream.values.get(LAST) is None or not stream.reports_trades:
                self._last(stream, price_or_none(price), size)
            return
        value = price if 0.0 < price < UNSET_DOUBLE else price_or_none(price)
        if kind in _QUOTES:
            if value is not None:
                stream.quoted_s = self.now_s
            if value == stream.values.get(kind) and size == stream.sizes.get(kind):
                return
            stream.sizes[kind] = size
            if kind not in stream.told and not self._feeds.silences:
                stream.values[kind] = value
                self.came = True
                return
        self._take(stream, kind, value, size)

    def size(self, request_id: int, kind: int, size: float) -> None:
        """Tick size: the volume, or that a price still stands. IB sends sizes anew while a quote does not move."""
        stream = self.streams.get(request_id)
        if stream is None or self.is_deaf:
            return
        if kind > VOLUME or stream.is_delayed:
            kind = self._allowed(kind)
        if kind == VOLUME:
            self._take(stream, VOLUME, size_or_none(size), size)
        elif (beside := _SIZES.get(kind)) is not None and stream.values.get(beside) is not None:
            stream.quoted_s = self.now_s
            stream.sizes[beside] = size

    def report(self, request_id: int, text: str) -> None:
        """A trade report: `price;size;milliseconds;volume;average;single`."""
        stream = self.streams.get(request_id)
        if stream is None or self.is_deaf or (stream.is_delayed and not self._delayed):
            return
        try:
            price, size, milliseconds, _ = text.split(";", 3)
            if price and (at := float(price)) and (count := float(size)):
                exchange_s = int(milliseconds) / 1000 if milliseconds else None
                self._trade(stream, price_or_none(at), count, exchange_s)
        except ValueError:
            _log.error("a trade report of %s cannot be read: %r", stream.names, text)

    def generic(self, request_id: int, kind: int, value: float) -> None:
        """Tick generic: whether the exchange has halted the trading."""
        if kind == HALTED and (stream := self.streams.get(request_id)) is not None:
            stream.is_halted = value in _HALTS

    def data_type(self, request_id: int, kind: int) -> None:
        """Whether what follows is live or delayed. Where only live ones are wanted, the last of them stands no more."""
        stream = self.streams.get(request_id)
        if stream is None:
            return
        stream.is_delayed = kind in _DELAYED_TYPES
        if stream.is_delayed and not self._delayed:
            stream.forget(self.now_s)
            self._feeds.down(stream.names, NOT_SUBSCRIBED, "IB sends delayed prices instead of live ones")

    def listen(self, stream: Stream, fields: frozenset[Field]) -> None:
        """From now on rules read these fields of the stream; what they read anew is told as it stands: a snapshot."""
        for kind in stream.listen(fields):
            if (value := stream.values.get(kind)) is not None:
                for name in stream.names:
                    self._inbox.tick(Tick(name, self.now_s, _FIELDS[kind], value, 0.0, snapshot=True))

    def _allowed(self, kind: int) -> int:
        """The live tick type that a delayed one stands for, where delayed data are wanted; otherwise none."""
        return _LIVE_TWINS.get(kind, kind) if self._delayed else -1

    def _last(self, stream: Stream, value: float | None, size: float) -> None:
        """The last trade, which a report tells too where there are reports. After a silence it is known again by this,
        and by nothing else before the next trade; it may be of any age then, like a snapshot, and must not make the
        trades that follow look late."""
        if not (stream.reports_trades and LAST in stream.values):
            self._trade(stream, value, size, None)
        elif stream.last is None and value is not None and not self._is_left_out(stream, value, is_echo=True):
            self._tell(stream, LAST, value, size, max(stream.since_s, stream.forgotten_s), True)

    def _trade(self, stream: Stream, value: float | None, size: float, exchange_s: float | None) -> None:
        """IB's trade times have milliseconds only: a trade of the very millisecond of the subscription is a new one.
        An exchange clock that runs ahead of ours must not make the prices that follow look late."""
        time_s = self.now_s if exchange_s is None or exchange_s > self.now_s else exchange_s
        if value is not None:
            if self._is_left_out(stream, value):
                return
            if time_s > stream.quoted_s:
                stream.quoted_s = time_s
        if exchange_s is None:
            self._take(stream, LAST, value, size)
        else:
            self._tell(stream, LAST, value, size, time_s, exchange_s < int(stream.since_s * 1000) / 1000)

    def _is_left_out(self, stream: Stream, value: float, *, is_echo: bool = False) -> bool:
        """Whether the trade never was. While there are no quotes beside it, as after a gap, the trade before says so:
        one lone jump is left out then, and the second trade of a real one counts. An echo is of a trade that a report
        tells too, and no second one."""
        before = self._feeds.trades.get(stream.contract_id)
        bid, ask = stream.values.get(BID), stream.values.get(ASK)
        is_quoted = bid is not None and ask is not None
        low, high = (bid, ask) if is_quoted else (before, before)
        is_absurd = _is_absurd(value, low, high) or (is_echo and value == stream.left_out)
        if is_absurd:
            _log.warning("%s: a trade at %s is left out: bid %s, ask %s", stream.names[0], value, low, high)
        if not (is_absurd and (is_quoted or is_echo)):
            self._feeds.trades[stream.contract_id] = value
        stream.left_out = value if is_absurd else None
        return is_absurd

    def _take(self, stream: Stream, kind: int, value: float | None, size: float) -> None:
        """A snapshot counts from the subscription, or the first trades after it would look late beside its arrival."""
        is_first = kind not in stream.values
        self._tell(stream, kind, value, size, stream.since_s if is_first else self.now_s, is_first)

    def _tell(self, stream: Stream, kind: int, value: float | None, size: float, time_s: float, snapshot: bool) -> None:
        self.came = True
        stream.values[kind] = value
        if self._feeds.silences:
            for name in stream.names:
                self._feeds.ticked(name, stream.contract_id)
        of = stream.told.get(kind)
        if of is not None:
            for name in stream.names:
                self._inbox.tick(Tick(name, time_s, of, value, size, snapshot))


def _is_absurd(price: float, bid: float | None, ask: float | None) -> bool:
    if bid is None or ask is None or not 0 < bid <= ask:
        return False
    return not bid / _ABSURD <= price <= ask * _ABSURD


@cache
def _told(fields: frozenset[Field]) -> Mapping[int, Field]:
    """The tick types of these fields: one mapping for all streams of which rules read the same."""
    return {kind: of for kind, of in _FIELDS.items() if of in fields}
