"""Rows of a recording into the ticks that rules would have heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rules_engine.evaluation.bars import bar_bounds
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.tick import Tick
from rules_engine.recordings.slices import Row
from rules_engine.replay.assumptions import Charge
from rules_engine.replay.touch import touch_of

DAY_S = 86_400.0
_OF_THE_DAY = frozenset({Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.VOLUME, Field.CHANGE_TODAY})
_QUOTED = frozenset({Field.BID, Field.ASK, Field.MID})


@dataclass(slots=True)
class Day:
    """The figures of a trading day so far. It begins at midnight in New York, as daily bars do."""

    ends_s: float = float("-inf")
    last: float | None = None
    figures: dict[Field, float] = field(default_factory=dict)

    def take(self, time_s: float, price: float, size: float) -> dict[Field, float]:
        """The figures that this print changes."""
        before = self.figures
        if time_s >= self.ends_s:
            self.ends_s = bar_bounds(time_s, DAY_S)[1]
            before = {Field.OPEN: price, Field.HIGH: price, Field.LOW: price, Field.VOLUME: 0.0}
            if self.last is not None:
                before[Field.CLOSE] = self.last
            self.figures = {}
        after = {
            **before,
            Field.HIGH: max(before[Field.HIGH], price),
            Field.LOW: min(before[Field.LOW], price),
            Field.VOLUME: before[Field.VOLUME] + size,
        }
        changed = {of: value for of, value in after.items() if self.figures.get(of) != value}
        self.figures, self.last = after, price
        return changed


@dataclass(slots=True)
class Voice:
    """One recording as an instrument speaks. ``wanted`` are the fields that rules read of it.

    A print is its default value. Bids and asks are those of the data, or drawn around prints where rules read them;
    figures of the day follow from prints.
    """

    instrument: Instrument
    has_quotes: bool
    wanted: frozenset[Field]
    spread: Charge
    day: Day = field(default_factory=Day)

    @property
    def plain(self) -> Field | None:
        """The only field that a row has anything to say about; None where it says more."""
        speaks = self.has_quotes or self.wanted & (_OF_THE_DAY | _QUOTED | {Field.MARK}) - {self._default}
        return None if speaks else self._default

    @property
    def spoken(self) -> Sequence[Field]:
        """All that is heard of it."""
        if self.plain is not None:
            return (self.plain,)
        quoted = self.has_quotes or (self.wanted & _QUOTED and self._default is not Field.MID)
        marked = Field.MARK in self.wanted and (self.has_quotes or self._default is not Field.MARK)
        of_the_day = (
            tuple(sorted(_OF_THE_DAY - {Field.CHANGE_TODAY}))
            if self.wanted & _OF_THE_DAY and not self.has_quotes
            else ()
        )
        return (
            *((Field.BID, Field.ASK) if quoted else ()),
            *((Field.MARK,) if marked else ()),
            *(() if self.has_quotes else (self._default,)),
            *of_the_day,
        )

    @property
    def unspoken(self) -> Sequence[Field]:
        """What rules read of it, and its data cannot tell."""
        if not self.has_quotes:
            return [one for one in sorted(self.wanted) if one is Field.LAST and self._default is not Field.LAST]
        return [one for one in sorted(self.wanted) if one is Field.LAST or one in _OF_THE_DAY]

    def ticks(self, row: Row) -> Iterator[Tick]:
        """What is heard of the row, in order: the day's figures before it, quotes, the print, the day's figures."""
        name, time_s = self.instrument.name, row[0]
        touch = touch_of(row[2], row[3], self.spread, self.has_quotes)
        if self.has_quotes or (self.wanted & _QUOTED and self._default is not Field.MID):
            yield Tick(name, time_s, Field.BID, touch.bid)
            yield Tick(name, time_s, Field.ASK, touch.ask)
        if Field.MARK in self.wanted and (self.has_quotes or self._default is not Field.MARK):
            yield Tick(name, time_s, Field.MARK, touch.middle)
        if not self.has_quotes:
            yield from self._printed(name, row)

    def _printed(self, name: str, row: Row) -> Iterator[Tick]:
        time_s, _, price, size = row
        figures = self.day.take(time_s, price, size) if self.wanted & _OF_THE_DAY else {}
        close = figures.pop(Field.CLOSE, None)
        if close is not None:
            yield Tick(name, time_s, Field.CLOSE, close)
        yield Tick(name, time_s, self._default, price, size)
        for of, value in figures.items():
            yield Tick(name, time_s, of, value)

    @property
    def _default(self) -> Field:
        return self.instrument.default_field
