"""Recorded CSV files (ticks, quotes or bars) into tracks on their original time axis."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.files import MarketError, read_lines
from rules_engine.gateway.market.history import DAY_S
from rules_engine.gateway.market.tape import Track

_TIME_NAMES = ("timestamp", "datetime", "date", "time")
_SIZE_NAMES = ("size", "volume", "quantity")
_ACCEPTED = "a time column (timestamp, datetime, date or time) with bid,ask or price,size or open,high,low,close,volume"
_DEFAULT_SIZE = 100.0
_WEEKEND_S = 4.05 * DAY_S
"""A long weekend, with an hour for the change to winter time."""
_BAR_ALONE_S = 60.0
"""Length of the bar of a file that has a single one."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a recording: when, and its numbers in the order of the wanted columns."""

    place: str
    at_s: float
    values: tuple[float, ...]


def read_recording(path: Path, listing: Listing) -> Track:
    """The track of one CSV file. Times without a zone are the exchange's own."""
    lines = enumerate(_cells(path), start=1)
    header = [name.strip().lower() for name in next(lines, (1, []))[1]]
    wanted, fill = _kind(path, header)
    hours = CALENDARS[listing.calendar]
    rows = list(_rows(path, lines, header, wanted, ZoneInfo(hours.zone)))
    if not rows:
        raise MarketError(f"{path}: no prices in this file")
    _check_order(rows, strictly=fill is _fill_bars)
    if fill is _fill_bars and _bar_length_s(rows) >= DAY_S:
        rows = [_from_evening(row, hours) for row in rows]
    track = Track(listing)
    fill(track, rows)
    _mark_days(track, rows)
    return track


def _kind(path: Path, header: Sequence[str]) -> tuple[tuple[str, ...], Callable[[Track, list[_Row]], None]]:
    names = set(header)
    size = next((name for name in _SIZE_NAMES if name in names), "")
    if len(names) < len(header):
        raise MarketError(f"{path}:1: a column occurs twice in: {', '.join(header)}")
    if not names.isdisjoint(_TIME_NAMES):
        if {"open", "high", "low", "close"} <= names:
            return ("open", "high", "low", "close", *(("volume",) if "volume" in names else ())), _fill_bars
        if {"bid", "ask"} <= names:
            sizes = ("bid_size", "ask_size")
            return ("bid", "ask", *(sizes if names.issuperset(sizes) else ())), _fill_quotes
        if "price" in names:
            return ("price", *((size,) if size else ())), _fill_trades
    raise MarketError(f"{path}:1: columns are {', '.join(header) or 'missing'}; wanted {_ACCEPTED}")


def _cells(path: Path) -> Iterator[list[str]]:
    try:
        yield from csv.reader(read_lines(path), strict=True)
    except csv.Error as error:
        raise MarketError(f"{path}: not CSV: {error}") from error


def _rows(
    path: Path, lines: Iterator[tuple[int, list[str]]], header: Sequence[str], wanted: Sequence[str], zone: ZoneInfo
) -> Iterator[_Row]:
    time_column = next(header.index(name) for name in _TIME_NAMES if name in header)
    columns = [header.index(name) for name in wanted]
    for number, cells in lines:
        if not cells:
            continue
        place = f"{path}:{number}"
        if len(cells) != len(header):
            raise MarketError(f"{place}: {len(cells)} values under {len(header)} columns")
        values = tuple(_number(place, header[column], cells[column]) for column in columns)
        yield _Row(place, _instant(place, cells[time_column].strip(), zone), values)


def _number(place: str, name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise MarketError(f"{place}: {name} '{text}' is not a number") from None
    quantity = name in _SIZE_NAMES or name.endswith("_size")
    if not math.isfinite(number) or number < 0 or (number == 0 and not quantity):
        raise MarketError(f"{place}: {name} '{text}' is not a {'quantity' if quantity else 'price'}")
    return number


def _instant(place: str, text: str, zone: ZoneInfo) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _epoch(place, text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()


def _epoch(place: str, text: str) -> float:
    """Seconds since 1970, or milli-, micro- or nanoseconds, told apart by their magnitude."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise MarketError(f"{place}: time '{text}' is neither ISO 8601 (2030-12-20 09:30:00) nor seconds since 1970")
    while number > 1e11:
        number /= 1000
    return number


def _check_order(rows: Sequence[_Row], *, strictly: bool) -> None:
    for before, row in pairwise(rows):
        if row.at_s < before.at_s:
            raise MarketError(f"{row.place}: earlier than the row above; sort the file by time")
        if strictly and row.at_s == before.at_s:
            raise MarketError(f"{row.place}: a second bar of the same time")


def _fill_trades(track: Track, rows: list[_Row]) -> None:
    for row in rows:
        track.trades.add(row.at_s, row.values[0], row.values[1] if len(row.values) > 1 else _DEFAULT_SIZE)


def _fill_quotes(track: Track, rows: list[_Row]) -> None:
    for row in rows:
        bid, ask, *sizes = row.values
        if bid > ask:
            raise MarketError(f"{row.place}: bid {bid:g} is above ask {ask:g}")
        bid_size, ask_size = sizes or (track.listing.quoted_size, track.listing.quoted_size)
        track.quotes.add(row.at_s, bid, ask, bid_size, ask_size)


def _fill_bars(track: Track, rows: list[_Row]) -> None:
    """A bar becomes four prints, at 0, 1/4, 1/2 and 3/4 of it; its volume is shared among them."""
    usual_s = _bar_length_s(rows)
    for number, row in enumerate(rows):
        open_, high, low, close, *volume = row.values
        if low > high:
            raise MarketError(f"{row.place}: low {low:g} is above high {high:g}")
        middle = (low, high) if close >= open_ else (high, low)
        length_s = min(usual_s, rows[number + 1].at_s - row.at_s) if number + 1 < len(rows) else usual_s
        for quarter, price in enumerate((open_, *middle, close)):
            track.trades.add(row.at_s + quarter * length_s / 4, price, volume[0] / 4 if volume else _DEFAULT_SIZE)


def _from_evening(row: _Row, hours: Hours) -> _Row:
    """A bar of a date begins with that trade date: on the evening before where trading does."""
    day = datetime.fromtimestamp(row.at_s, ZoneInfo(hours.zone)).date()
    return replace(row, at_s=hours.day_start_s(day)) if row.at_s == hours.midnight_s(day) else row


def _bar_length_s(rows: Sequence[_Row]) -> float:
    """The usual spacing, the shorter one where two are as usual. A spacing of two to four days is a weekend."""
    spacings = Counter(row.at_s - before.at_s for before, row in pairwise(rows))
    if not spacings:
        return _BAR_ALONE_S
    usual_s = max(spacings, key=lambda spacing_s: (spacings[spacing_s], -spacing_s))
    return DAY_S if DAY_S < usual_s <= _WEEKEND_S else usual_s


def _mark_days(track: Track, rows: Sequence[_Row]) -> None:
    hours = CALENDARS[track.listing.calendar]
    following_s = math.inf
    for row in rows:
        if row.at_s >= following_s:
            track.days_s.append(row.at_s)
        if row.at_s >= following_s or following_s == math.inf:
            following_s = hours.day_start_s(hours.trade_date(row.at_s) + timedelta(days=1))
