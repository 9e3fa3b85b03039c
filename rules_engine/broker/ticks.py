"""Tickers of one network packet into ticks, each with the exchange's time where IB sends it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rules_engine.broker.library import TickData, Ticker
from rules_engine.broker.numbers import price_or_none, size_or_none
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick

PRINT = 48
"""RTVolume, one report a trade with the exchange's time (generic tick 233)."""
LAST = 4
_FIELDS = {
    1: Field.BID,
    2: Field.ASK,
    LAST: Field.LAST,
    6: Field.HIGH,
    7: Field.LOW,
    8: Field.VOLUME,
    9: Field.CLOSE,
    14: Field.OPEN,
    37: Field.MARK,
    PRINT: Field.LAST,
}
_DELAYED_TYPES = (3, 4)
_LIVE_TWINS = {66: 1, 67: 2, 68: LAST, 72: 6, 73: 7, 74: 8, 75: 9, 76: 14}
"""Tick types of delayed data, and the live ones that say the same."""
_DELAYED_FIELDS = _FIELDS | {delayed: _FIELDS[live] for delayed, live in _LIVE_TWINS.items()}

_TRADED = frozenset({"STK", "FUT", "OPT", "FOP", "WAR"})
"""Kinds of contract that IB sends a report of every trade for; the others have tick type 4 at most."""


def generic_ticks(sec_type: str) -> str:
    """What to ask for besides the usual: trade reports (233) and the mark price (221), where IB has them.

    Source: https://interactivebrokers.github.io/tws-api/tick_types.html
    """
    return "233,221" if sec_type in _TRADED else ""


@dataclass(slots=True)
class Stream:
    """One market data subscription: a contract and the names that rules give it."""

    names: tuple[str, ...]
    contract_id: int
    sec_type: str
    since_s: float
    """When it was asked for."""
    seen: set[Field] = field(default_factory=set)
    """The fields of which a value has come: the first one is a snapshot of unknown age."""

    @property
    def reports_trades(self) -> bool:
        """With trade reports, tick type 4 tells the same trades once more."""
        return self.sec_type in _TRADED


PrintTimes = Callable[[Ticker], Sequence[float | None]]


def read_tickers(
    tickers: Iterable[Ticker],
    streams: Mapping[int, Stream],
    print_times: PrintTimes,
    now_s: float,
    *,
    delayed: bool = False,
) -> Iterator[Tick]:
    """The ticks of one packet in order of contract number, then of arrival; once for each name of the contract."""
    known = (
        (stream, ticker)
        for ticker in tickers
        if ticker.contract is not None and (stream := streams.get(ticker.contract.conId)) is not None
        if delayed or ticker.marketDataType not in _DELAYED_TYPES
    )
    fields = _DELAYED_FIELDS if delayed else _FIELDS
    for stream, ticker in sorted(known, key=lambda pair: pair[0].contract_id):
        times = iter(print_times(ticker))
        for raw in ticker.ticks:
            exchange_s = next(times, None) if raw.tickType == PRINT else None
            what = fields.get(raw.tickType)
            if what is None or _is_repeated(raw, stream):
                continue
            value = size_or_none(raw.size) if what is Field.VOLUME else price_or_none(raw.price)
            snapshot = _is_snapshot(stream, what, exchange_s)
            time_s = _time_s(stream, exchange_s, now_s, snapshot)
            stream.seen.add(what)
            for name in stream.names:
                yield Tick(name, time_s, what, value, raw.size, snapshot)


def _is_repeated(raw: TickData, stream: Stream) -> bool:
    """Type 4 beside trade reports: only the first says something new, the last trade before the subscription."""
    return raw.tickType == LAST and stream.reports_trades and Field.LAST in stream.seen


def _is_snapshot(stream: Stream, what: Field, exchange_s: float | None) -> bool:
    if exchange_s is not None:
        # IB's trade times have milliseconds only: a trade of the very millisecond of the subscription is a new one.
        return exchange_s < int(stream.since_s * 1000) / 1000
    return what not in stream.seen


def _time_s(stream: Stream, exchange_s: float | None, now_s: float, snapshot: bool) -> float:
    """A snapshot counts from the subscription, or the first trades after it would look late beside its arrival.
    An exchange clock that runs ahead of ours must not make the prices that follow look late either."""
    if exchange_s is not None:
        return min(exchange_s, now_s)
    return stream.since_s if snapshot else now_s
