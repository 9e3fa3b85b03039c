"""Plays prices with times of their own: re-based to now, compressed by speed, several instruments on one time axis."""

import heapq
import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.market.columns import Quotes, Trades
from rules_engine.gateway.market.quote import Change, Print, Spread, drawn_around

_SLACK_S = 1e-3
"""More than rounding can move an instant between the two time scales."""
_HALT, _QUOTE, _TRADE = range(3)
"""What comes first of one instant."""


@dataclass(slots=True)
class Track:
    """All prices of one instrument on the axis of its tape."""

    listing: Listing
    trades: Trades = field(default_factory=Trades)
    quotes: Quotes = field(default_factory=Quotes)
    days_s: "array[float]" = field(default_factory=lambda: array("d"))
    """Where on the axis a trade date begins, the first one left out."""
    halts: "list[tuple[float, int]]" = field(default_factory=list)
    """Where on the axis trading stops or goes on, with how it stands from there on, as in `Quote.halted`."""
    close: float | None = None

    @property
    def conId(self) -> int:
        return self.listing.conId

    @property
    def has_quotes(self) -> bool:
        """Quotes of its own; else they are drawn around the prints."""
        return bool(self.quotes.times_s)

    @property
    def first_s(self) -> float:
        return min((times_s[0] for times_s in (self.trades.times_s, self.quotes.times_s) if times_s), default=math.inf)

    @property
    def last_s(self) -> float:
        columns = (self.trades.times_s, self.quotes.times_s, [at_s for at_s, _ in self.halts])
        return max((times_s[-1] for times_s in columns if times_s), default=-math.inf)

    def change(self, spread: Spread | None, trade: Print | None, new_day: bool) -> Change:
        """One row as it shows in the market: with a drawn quote, or without the print of a currency pair."""
        if spread is None and trade is not None and not self.has_quotes:
            spread = drawn_around(trade, self.listing.minTick)
        return Change(
            self.conId,
            spread if self.listing.quotes else None,
            trade if self.listing.prints_trades else None,
            new_day,
            self.has_quotes,
        )


class _Due(NamedTuple):
    axis_s: float
    cycle: int
    track: int
    row: int
    kind: int
    new_day: bool


class Tape:
    """A source that plays tracks. Axis time ``zero_s`` is played at the start; what lies before it is the past.

    ``loop_s`` plays everything from ``zero_s`` on again and again, each time so much later.
    """

    def __init__(
        self, tracks: Sequence[Track], *, zero_s: float = 0.0, speed: float = 1.0, loop_s: float = 0.0
    ) -> None:
        self._tracks = tuple(tracks)
        self._by_id = {track.conId: track for track in tracks}
        self._zero_s = zero_s
        self._speed = speed
        self._loop_s = loop_s
        self._start_s = 0.0
        self._ahead: Iterator[_Due] = iter(())
        self._due: _Due | None = None
        self._due_s: float | None = None

    def covers(self, conId: int) -> bool:
        return conId in self._by_id

    def instruments(self) -> Iterable[int]:
        return tuple(self._by_id)

    def start(self, now_s: float) -> None:
        self._start_s = now_s
        self._ahead = self._all_due()
        self._step()

    def watch(self, conId: int, from_s: float) -> None:
        """Nothing to do: a tape plays for everybody."""

    def next_s(self) -> float | None:
        return self._due_s

    def take(self) -> tuple[Change, ...]:
        due_s = self._due_s
        changes = []
        while self._due is not None and due_s is not None and self._due_s == due_s:
            changes.append(self._change(self._due, due_s))
            self._step()
        return tuple(changes)

    def _step(self) -> None:
        self._due = due = next(self._ahead, None)
        self._due_s = None if due is None else self._wire_s(due.axis_s, due.cycle)

    def prints(self, conId: int, start_s: float, end_s: float) -> Iterator[Print]:
        track = self._by_id[conId]
        if track.listing.prints_trades:
            for row, wire_s in self._rows(track.trades.times_s, start_s, end_s):
                yield track.trades.at(row, wire_s)

    def spreads(self, conId: int, start_s: float, end_s: float) -> Iterator[Spread]:
        track = self._by_id[conId]
        if not track.listing.quotes:
            return
        if track.has_quotes:
            for row, wire_s in self._rows(track.quotes.times_s, start_s, end_s):
                yield track.quotes.at(row, wire_s)
            return
        for row, wire_s in self._rows(track.trades.times_s, start_s, end_s):
            yield drawn_around(track.trades.at(row, wire_s), track.listing.minTick)

    def head_s(self, conId: int) -> float | None:
        first_s = self._by_id[conId].first_s
        return None if first_s == math.inf else self._wire_s(first_s, 0)

    def previous_close(self, conId: int) -> float | None:
        return self._by_id[conId].close

    def quotes_are_real(self, conId: int) -> bool:
        return self._by_id[conId].has_quotes

    def open_since_s(self) -> float:
        """A played market never closes: its hours are not those of the exchange."""
        return -math.inf

    def _change(self, due: _Due, wire_s: float) -> Change:
        track = self._tracks[due.track]
        if due.kind == _HALT:
            return Change(track.conId, None, None, due.new_day, halted=track.halts[due.row][1])
        if due.kind == _TRADE:
            return track.change(None, track.trades.at(due.row, wire_s), due.new_day)
        return track.change(track.quotes.at(due.row, wire_s), None, due.new_day)

    def _all_due(self) -> Iterator[_Due]:
        for cycle in count() if self._loop_s else range(1):
            yield from heapq.merge(*(self._track_due(number, cycle) for number in range(len(self._tracks))))

    def _track_due(self, number: int, cycle: int) -> Iterator[_Due]:
        track = self._tracks[number]
        rows = heapq.merge(*(self._from_zero(times_s, kind) for times_s, kind in _columns(track)))
        days_s = iter(track.days_s)
        day_s = next(days_s, math.inf)
        for axis_s, kind, row in rows:
            new_day = axis_s >= day_s
            while axis_s >= day_s:
                day_s = next(days_s, math.inf)
            yield _Due(axis_s, cycle, number, row, kind, new_day)

    def _from_zero(self, times_s: Sequence[float], kind: int) -> Iterator[tuple[float, int, int]]:
        return ((times_s[row], kind, row) for row in range(bisect_left(times_s, self._zero_s), len(times_s)))

    def _rows(self, times_s: "array[float]", start_s: float, end_s: float) -> Iterator[tuple[int, float]]:
        """Rows with their wire times in `[start, end)`, all cycles of a loop in turn."""
        for cycle in self._cycles(start_s, end_s):
            low_s, high_s = (self._axis_s(wire_s, cycle) for wire_s in (start_s - _SLACK_S, end_s + _SLACK_S))
            first_s = low_s if cycle == 0 else max(low_s, self._zero_s)
            for row in range(bisect_left(times_s, first_s), bisect_left(times_s, high_s)):
                wire_s = self._wire_s(times_s[row], cycle)
                if start_s <= wire_s < end_s:
                    yield row, wire_s

    def _cycles(self, start_s: float, end_s: float) -> range:
        if not self._loop_s:
            return range(1)
        first, last = (int(max(0.0, self._axis_s(at_s, 0) - self._zero_s) // self._loop_s) for at_s in (start_s, end_s))
        return range(first, last + 1)

    def _wire_s(self, axis_s: float, cycle: int) -> float:
        return self._start_s + (axis_s - self._zero_s + cycle * self._loop_s) / self._speed

    def _axis_s(self, wire_s: float, cycle: int) -> float:
        return (wire_s - self._start_s) * self._speed + self._zero_s - cycle * self._loop_s


def _columns(track: Track) -> tuple[tuple[Sequence[float], int], ...]:
    return (
        ([at_s for at_s, _ in track.halts], _HALT),
        (track.quotes.times_s, _QUOTE),
        (track.trades.times_s, _TRADE),
    )
