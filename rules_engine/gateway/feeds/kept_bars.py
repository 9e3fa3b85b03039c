"""Historical bars that keep up with the present."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules_engine.gateway.feeds.bar_requests import BarQuery
from rules_engine.gateway.market.forming import FormingBar, continued, empty_bar, shown_trade
from rules_engine.gateway.market.history import Bar
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.messages.history_messages import HistoricalDataUpdate
from rules_engine.gateway.wire.session import Session

Key = tuple[Session, int]


@dataclass(slots=True)
class _Kept:
    """A request that keeps up to date, with the bar that is forming and the instant at which it ends."""

    session: Session
    reqId: int
    query: BarQuery
    date: Callable[[float], str]
    bar: FormingBar
    end_s: float


class KeptBars:
    """All requests that keep up to date."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._kept: dict[Key, _Kept] = {}
        self._by_instrument: dict[int, dict[Key, _Kept]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def keep(self, key: Key, query: BarQuery, last: Bar, date: Callable[[float], str]) -> None:
        """Goes on from the last bar that was told; ``date`` writes the start of a bar."""
        conId = query.listing.conId
        self._market.quote(conId)  # Whoever is not asked for does not move.
        _, end_s = self._market.bar_span_s(conId, last.time_s, query.bar_s, query.use_rth)
        self._kept[key] = kept = _Kept(key[0], key[1], query, date, continued(last), end_s)
        self._by_instrument.setdefault(conId, {})[key] = kept

    def drop(self, key: Key) -> None:
        """This one is not followed any more."""
        conId = self._kept.pop(key).query.listing.conId
        followers = self._by_instrument[conId]
        del followers[key]
        if not followers:
            del self._by_instrument[conId]

    def left(self, session: Session) -> None:
        """A client is gone; so are the bars that it kept."""
        for key in [key for key in self._kept if key[0] is session]:
            self.drop(key)

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """One update an instant for every bar that its prices changed."""
        if not self._by_instrument:
            return
        moved: dict[Key, _Kept] = {}
        for tick in ticks:
            for key, kept in self._by_instrument.get(tick.conId, {}).items():
                if self._see(kept, tick):
                    moved[key] = kept
        for kept in moved.values():
            self._tell(kept)

    def _see(self, kept: _Kept, tick: Tick) -> bool:
        """Whether the price belongs to the present bar or begins the next; a late one is left to history."""
        query = kept.query
        shown = shown_trade(query.what, tick)
        if shown is None or not self._market.counts(tick.conId, tick.time_s, query.use_rth):
            return False
        if tick.time_s >= kept.end_s:
            start_s, kept.end_s = self._market.bar_span_s(tick.conId, tick.time_s, query.bar_s, query.use_rth)
            kept.bar = empty_bar(start_s, shown[0])
        elif tick.time_s < kept.bar.start_s:
            return False
        kept.bar.see(*shown)
        return True

    def _tell(self, kept: _Kept) -> None:
        bar = kept.bar.shown(kept.query.what)
        kept.session.send(
            HistoricalDataUpdate(
                reqId=kept.reqId,
                count=bar.count,
                date=kept.date(bar.time_s),
                open=bar.open,
                close=bar.close,
                high=bar.high,
                low=bar.low,
                average=bar.wap,
                volume=bar.volume,
            )
        )
