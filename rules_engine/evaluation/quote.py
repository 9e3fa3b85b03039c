"""The newest value of each field of an instrument, and whether its feed is up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, TypeGuard

from rules_engine.evaluation.bars import BarSeries
from rules_engine.evaluation.past import NEVER
from rules_engine.model.instrument import Field

if TYPE_CHECKING:
    from rules_engine.evaluation.lane import Lane
    from rules_engine.evaluation.stream import Stream

NOT_YET = float("inf")
_NOT_PRICES = frozenset({Field.VOLUME, Field.CHANGE_TODAY})
_SOURCES = {Field.MID: (Field.BID, Field.ASK), Field.CHANGE_TODAY: (Field.LAST, Field.CLOSE)}


class Quote:
    """One field of one instrument, and what is built from its prints."""

    __slots__ = (
        "bars",
        "covered_from_s",
        "derived",
        "is_derived",
        "is_price",
        "kept_from_s",
        "lane",
        "late",
        "prints",
        "streams",
        "streams_are_plain",
        "time_s",
        "value",
    )

    def __init__(self, of: Field, up_since_s: float | None) -> None:
        self.is_derived = of in _SOURCES
        """Whether it may change with the ticks of other fields."""
        self.is_price = of not in _NOT_PRICES
        self.value: float | None = None
        self.time_s = NEVER
        self.prints = 0
        self.late = 0
        self.covered_from_s = NOT_YET if up_since_s is None else up_since_s
        """Every print since then has been seen."""
        self.kept_from_s = self.covered_from_s
        """The same for those who ignore gaps."""
        self.streams: list[Stream] = []
        self.streams_are_plain = True
        """Whether each of them is this value and nothing else."""
        self.bars: list[BarSeries] = []
        self.derived: list[Derived] = []
        self.lane: Lane | None = None
        """Where its newest prints may wait."""

    def take(self, time_s: float, value: float | None) -> None:
        """A new value; nothing, a NaN, and a price that is not positive are unknown."""
        self.time_s = time_s
        self.prints += 1
        self.value = value if self.is_usable(value) else None

    def is_usable(self, value: float | None) -> TypeGuard[float]:
        """Nothing, a NaN, and a price that is not positive say nothing."""
        return value is not None and isfinite(value) and (value > 0 or not self.is_price)

    def record(self, size: float) -> None:
        """The newest value as a print in every window and bar."""
        if self.value is None:
            return
        self.covered_from_s = min(self.covered_from_s, self.time_s)
        self.kept_from_s = min(self.kept_from_s, self.time_s)
        for stream in self.streams:
            stream.push(self.time_s)
        for bars in self.bars:
            bars.push(self.time_s, self.value, size, self.kept_from_s if bars.keeps else self.covered_from_s)

    def unfold(self) -> None:
        """Before more is built from its prints: those that wait belong to what was there before, and the next one is
        heard out."""
        if self.lane is not None:
            self.lane.unfold()

    def join(self, stream: "Stream") -> None:
        self.unfold()
        self.streams.append(stream)
        self._check_streams()

    def leave(self, stream: "Stream") -> None:
        self.streams.remove(stream)
        self._check_streams()

    def _check_streams(self) -> None:
        self.streams_are_plain = all(stream.is_plain for stream in self.streams)

    def lose(self) -> None:
        """Its feed is down: the value is unknown, and what follows is a new past."""
        self.value = None
        self.covered_from_s = NOT_YET
        for stream in self.streams:
            if not stream.keeps:
                stream.clear()
        for bars in self.bars:
            if not bars.keeps:
                bars.clear()

    def begin_anew(self) -> None:
        """Its prints were another contract's."""
        self.value, self.time_s, self.prints = None, NEVER, 0
        self.covered_from_s = self.kept_from_s = NOT_YET
        for stream in self.streams:
            stream.clear()
        for bars in self.bars:
            bars.clear()


@dataclass(frozen=True, slots=True)
class Derived:
    """A field that follows two others where nobody sends it: the midpoint, the day's change."""

    quote: Quote
    first: Quote
    second: Quote
    formula: Callable[[float, float], float]

    def work_out(self) -> bool:
        """Whether there is a print; nothing is said before both sources have been heard."""
        if not (self.first.prints and self.second.prints):
            return False
        first, second = self.first.value, self.second.value
        value = None if first is None or second is None else self.formula(first, second)
        self.quote.take(max(self.first.time_s, self.second.time_s), value)
        return True


@dataclass(slots=True)
class Feed:
    """The data of one instrument."""

    quotes: dict[Field, Quote] = field(default_factory=dict)
    down: bool = False
    up_since_s: float | None = None
    """When it was said to have come up; None where nobody says so and the first tick shows it."""
    heard_s: float | None = None
    """The newest tick of any field."""
    executions: int = 0

    def quote(self, of: Field) -> Quote:
        quote = self.quotes.get(of)
        if quote is None:
            quote = self.quotes[of] = Quote(of, self.up_since_s)
            self._derive(of, quote)
        return quote

    def _derive(self, of: Field, quote: Quote) -> None:
        sources = _SOURCES.get(of)
        if sources is not None:
            first, second = (self.quote(source) for source in sources)
            derived = Derived(quote, first, second, _midpoint if of is Field.MID else _change)
            for source in (first, second):
                source.unfold()
                source.derived.append(derived)

    def hear(self, time_s: float) -> None:
        """A tick shows that the feed is up."""
        if self.heard_s is None or time_s > self.heard_s:
            self.heard_s = time_s
        self.down = False

    def quiet_since_s(self) -> float | None:
        """Since when no tick has come while the feed was up."""
        if self.down:
            return None
        return max((time_s for time_s in (self.up_since_s, self.heard_s) if time_s is not None), default=None)

    def lose(self) -> None:
        self.down = True
        for quote in self.quotes.values():
            quote.lose()

    def restore(self, time_s: float, *, anew: bool = False) -> None:
        """Data can be trusted again from now on. ``anew``: what was heard was another contract's, and nothing of it is
        left, also for those who ignore gaps."""
        self.down, self.up_since_s = False, time_s
        if anew:
            self.heard_s = None
        for quote in self.quotes.values():
            if anew:
                quote.begin_anew()
            quote.covered_from_s = min(quote.covered_from_s, time_s)
            quote.kept_from_s = min(quote.kept_from_s, time_s)


def _midpoint(bid: float, ask: float) -> float:
    return (bid + ask) / 2


def _change(last: float, close: float) -> float:
    return last / close - 1
