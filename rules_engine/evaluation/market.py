"""Everything that rules can read: feeds, the account, and the pasts that they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rules_engine.evaluation.bars import BarSeries, bar_bounds, joined
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.quote import Feed, Quote
from rules_engine.evaluation.stream import Stream
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Bar, Tick

StreamKey = tuple[Expression, bool]
BarKey = tuple[str, Field, float, bool]
Past = Sequence[Tick] | Sequence[Bar]
"""Oldest first."""


@dataclass(slots=True)
class Market:
    """Values as of ``now_s``. Each distinct series exists once, however many rules read it."""

    now_s: float
    feeds: dict[str, Feed] = field(default_factory=dict)
    account: dict[str, float | None] = field(default_factory=dict)
    positions: dict[str, float | None] = field(default_factory=dict)
    working: dict[str, int] = field(default_factory=dict)
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    bars: dict[BarKey, BarSeries] = field(default_factory=dict)
    armed_s: float | None = None
    """As of when a rule is being armed: what has become stale since then was not so for it."""

    def feed(self, instrument: str) -> Feed:
        feed = self.feeds.get(instrument)
        if feed is None:
            feed = self.feeds[instrument] = Feed()
        return feed

    def bar_series(self, instrument: str, of: Field, bar_s: float, keeps: bool) -> BarSeries:
        key = (instrument, of, bar_s, keeps)
        series = self.bars.get(key)
        if series is None:
            series = self.bars[key] = BarSeries(bar_s, keeps)
            quote = self.feed(instrument).quote(of)
            quote.unfold()
            quote.bars.append(series)
        return series

    def backfill(self, instrument: str, of: Field, history: Past, complete_from_s: float, bar_s: float) -> None:
        """Puts a past, oldest first, before everything seen: prints into windows and bars, bars into bars only.

        ``bar_s`` is the length of bars, 0 for prints.
        """
        quote = self.feed(instrument).quote(of)
        if not bar_s:
            self._fill_windows(quote, history, complete_from_s)
        for series in quote.bars:
            if bar_s <= series.bar_s:
                # Of its own length all are whole, though a session may begin later than its day.
                from_s = NEVER if bar_s == series.bar_s else complete_from_s
                series.prepend(_bars(history, series.bar_s, from_s), self.now_s)

    def _fill_windows(self, quote: Quote, history: Past, complete_from_s: float) -> None:
        prints = [
            (entry.time_s, entry.value) for entry in history if isinstance(entry, Tick) and entry.value is not None
        ]
        quote.covered_from_s = min(quote.covered_from_s, complete_from_s)
        quote.kept_from_s = min(quote.kept_from_s, complete_from_s)
        for stream in quote.streams:
            stream.backfill(quote, prints, complete_from_s)

    def drop(self, streams: Iterable[StreamKey], bars: Iterable[BarKey]) -> None:
        """Forgets these series: nobody reads them any more."""
        for key in streams:
            stream = self.streams.pop(key)
            for leg in stream.legs:
                leg.leave(stream)
        for instrument, of, bar_s, keeps in bars:
            series = self.bars.pop((instrument, of, bar_s, keeps))
            self.feed(instrument).quote(of).bars.remove(series)


def _bars(history: Past, bar_s: float, complete_from_s: float) -> list[Bar]:
    """Bars of that length from ticks or finer bars; only those whose beginning is in the history."""
    found: list[Bar] = []
    start_s = end_s = NEVER
    for entry in history:
        if isinstance(entry, Tick):
            if entry.value is None:
                continue
            piece = Bar(entry.time_s, entry.value, entry.value, entry.value, entry.value, entry.size)
        else:
            piece = entry
        if piece.start_s >= end_s:
            start_s, end_s = bar_bounds(piece.start_s, bar_s)
            found.append(Bar(start_s, piece.open, piece.high, piece.low, piece.close, piece.volume))
        else:
            found[-1] = joined(found[-1], piece)
    return [bar for bar in found if bar.start_s >= complete_from_s]
