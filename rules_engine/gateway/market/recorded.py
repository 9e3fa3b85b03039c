"""Recorded CSV files (ticks, quotes or bars) into tracks on their original time axis."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.files import MarketError
from rules_engine.gateway.market.history import DAY_S
from rules_engine.gateway.market.tape import Track
from rules_engine.recordings.bars import Spacings, prints_of_bars
from rules_engine.recordings.columns import Block, Column, with_sizes
from rules_engine.recordings.csv_file import CsvFile
from rules_engine.recordings.layout import Shape
from rules_engine.recordings.location import Location
from rules_engine.recordings.problems import Problems


def read_recording(path: Path, listing: Listing) -> Track:
    """The track of one CSV file. Times without a zone are the exchange's own. Raises MarketError."""
    hours = CALENDARS[listing.calendar]
    shape, rows = _read(path, ZoneInfo(hours.zone))
    track = Track(listing)
    match shape:
        case Shape.PRINTS:
            _fill_trades(track, with_sizes(shape, rows))
        case Shape.QUOTES:
            _fill_quotes(track, rows)
        case Shape.BARS:
            spacings = Spacings()
            spacings.add(rows.times_s)
            if spacings.bar_s() >= DAY_S:
                rows = Block(_from_evening(rows.times_s, hours), rows.values)
            for prints in prints_of_bars([with_sizes(shape, rows)], spacings.bar_s()):
                _fill_trades(track, prints)
    _mark_days(track, rows.times_s.tolist())
    return track


def _read(path: Path, zone: ZoneInfo) -> tuple[Shape, Block]:
    problems = Problems(str(path))
    file = CsvFile(Location(str(path)), zone, problems)
    blocks = list(file.blocks())
    if problems.found:
        lines = (f"{one.place.file}:{one.place.line}: {one.message}" for one in problems.found)
        raise MarketError("\n".join(lines))
    if file.layout is None or not blocks:
        raise MarketError(f"{path}: no prices in this file")
    columns = zip(*(block.values for block in blocks), strict=True)
    times_s = np.concatenate([block.times_s for block in blocks])
    return file.layout.shape, Block(times_s, tuple(map(np.concatenate, columns)))


def _fill_trades(track: Track, prints: Block) -> None:
    for at_s, price, size in zip(prints.times_s.tolist(), *(column.tolist() for column in prints.values), strict=True):
        track.trades.add(at_s, price, size)


def _fill_quotes(track: Track, rows: Block) -> None:
    bids, asks, *sizes = (column.tolist() for column in rows.values)
    usual = [track.listing.quoted_size] * len(rows)
    for row in zip(rows.times_s.tolist(), bids, asks, *(sizes or (usual, usual)), strict=True):
        track.quotes.add(*row)


def _from_evening(times_s: Column, hours: Hours) -> Column:
    """A bar of a date begins with that trade date: on the evening before where trading does."""
    found = []
    for at_s in times_s.tolist():
        day = datetime.fromtimestamp(at_s, ZoneInfo(hours.zone)).date()
        found.append(hours.day_start_s(day) if at_s == hours.midnight_s(day) else at_s)
    return np.array(found)


def _mark_days(track: Track, times_s: Sequence[float]) -> None:
    hours = CALENDARS[track.listing.calendar]
    following_s = math.inf
    for at_s in times_s:
        if at_s >= following_s:
            track.days_s.append(at_s)
        if at_s >= following_s or following_s == math.inf:
            following_s = hours.day_start_s(hours.trade_date(at_s) + timedelta(days=1))
