"""The names of a file's columns into what its rows are."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_TIME_NAMES = ("timestamp", "datetime", "date", "time")
_SIZE_NAMES = ("size", "volume", "quantity")
_PRINT = ("price",)
_BAR = ("open", "high", "low", "close")
_QUOTE = ("bid", "ask")
_QUOTE_SIZES = ("bid_size", "ask_size")
ACCEPTED = "a time column (timestamp, datetime, date or time) with bid,ask or price,size or open,high,low,close,volume"
SIZE_DEFAULT = 100.0
"""Of prints whose file has no column of sizes."""


class Shape(StrEnum):
    """What one row tells."""

    PRINTS = "prints"
    QUOTES = "quotes"
    BARS = "bars"


_WANTED = {Shape.PRINTS: _PRINT, Shape.QUOTES: _QUOTE, Shape.BARS: _BAR}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row the time and the values stand; the other columns are nobody's business.

    ``columns`` are price and size, bid and ask and their sizes, or open, high, low, close and volume, as far as the
    file has them;
    the first ``prices`` of them are prices, the rest quantities.
    """

    shape: Shape
    header: tuple[str, ...]
    time: int
    columns: tuple[int, ...]
    prices: int

    def name(self, value: int) -> str:
        """What the file calls its ``value``-th value."""
        return self.header[self.columns[value]]


def layout_of(header: Sequence[str]) -> Layout | str:
    """The layout of a file with these columns, in whatever order and case, or why there is none."""
    names = tuple(name.strip().lower() for name in header)
    twice = next((name for number, name in enumerate(names) if name and name in names[:number]), None)
    if twice is not None:
        return f"there are two columns '{twice}'"
    time = next((names.index(name) for name in _TIME_NAMES if name in names), None)
    size = next((name for name in _SIZE_NAMES if name in names), None)
    if time is not None and names[time] == "date" and "time" in names:
        return "date and time are two columns; write them as one, such as 2030-12-20 09:30:00"
    if time is not None:
        shapes = [shape for shape, wanted in _WANTED.items() if set(wanted) <= set(names)]
        if len(shapes) > 1:
            said = " and of ".join(f"{shape} ({', '.join(_WANTED[shape])})" for shape in shapes)
            return f"the columns are of {said}; a row is one of them, so leave out the columns of the others"
        if Shape.BARS in shapes:
            return _layout(Shape.BARS, names, time, _BAR, ("volume",) if "volume" in names else ())
        if Shape.QUOTES in shapes:
            sizes = _QUOTE_SIZES if set(_QUOTE_SIZES) <= set(names) else ()
            return _layout(Shape.QUOTES, names, time, _QUOTE, sizes)
        if Shape.PRINTS in shapes:
            return _layout(Shape.PRINTS, names, time, _PRINT, (size,) if size else ())
    return f"the columns are {', '.join(names) if any(names) else 'missing'}"


def _layout(shape: Shape, names: tuple[str, ...], time: int, prices: tuple[str, ...], sizes: tuple[str, ...]) -> Layout:
    return Layout(shape, names, time, tuple(names.index(name) for name in (*prices, *sizes)), len(prices))
