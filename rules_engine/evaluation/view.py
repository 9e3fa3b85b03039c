"""What the judges of one rule read: the market, as that rule's words make it look."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from rules_engine.evaluation.arithmetic import compile_size, compile_value
from rules_engine.evaluation.bars import BarSeries, component
from rules_engine.evaluation.guard import Guard, guard_on
from rules_engine.evaluation.market import BarKey, Market, StreamKey
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.series import ExtremeWindow, MomentsWindow, OverBars, unnamed
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.windows import Window
from rules_engine.model.expression import (
    AccountReading,
    Expression,
    Function,
    Named,
    Position,
    Reading,
    Series,
    WorkingOrders,
    walk,
)
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.judging import Bars, Earlier, Order, Readings, Value
from rules_engine.model.tolerance import EDGE_S
from rules_engine.model.trigger_method import TriggerMethod

Key = tuple[str, Field | None]
"""What changes: a field of an instrument, any tick of it (None), or something named, such as `account.equity`."""

_IN_BARS = frozenset({Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.VOLUME})


@dataclass(slots=True)
class Uses:
    """What a rule reads, noted while its judges are made."""

    keys: set[Key] = field(default_factory=set)
    quotes: set[Quote] = field(default_factory=set)
    streams: set[StreamKey] = field(default_factory=set)
    windows: set[tuple[Stream, Window]] = field(default_factory=set)
    bars: set[BarKey] = field(default_factory=set)
    guards: list[Guard] = field(default_factory=list)

    def join(self, *others: "Uses") -> "Uses":
        """Itself, with the series and windows that these read too."""
        self.streams.update(*(one.streams for one in others))
        self.windows.update(*(one.windows for one in others))
        self.bars.update(*(one.bars for one in others))
        return self

    def part(self, other: "Uses") -> None:
        """Leaves out the series and windows that this one reads too."""
        self.streams -= other.streams
        self.windows -= other.windows
        self.bars -= other.bars


@dataclass(frozen=True, slots=True)
class View:
    """Implements Readings. ``bar_s`` and ``method`` replace an instrument's own value, as their words say."""

    market: Market
    uses: Uses
    keeps: bool = False
    stale_after_s: float | None = None
    bar_s: float | None = None
    method: TriggerMethod = TriggerMethod.DEFAULT
    rising: bool = True

    def value(self, of: Expression) -> Value:
        return compile_value(of, self._leaf)

    def size(self, *of: Expression) -> Callable[[], float]:
        return compile_size(of, self._leaf)

    def prints(self, of: Expression) -> Callable[[], int]:
        quotes = [
            self._quote(part.instrument, self._field(part))
            for part in walk(of)
            if isinstance(part, Reading) and part.bar_s is None
        ]
        return lambda: sum(quote.prints for quote in quotes)

    def extreme(self, of: Expression, window_s: float, highest: bool) -> ExtremeWindow:
        stream = self.stream(of)
        extreme = stream.extreme(window_s, highest, self.market.now_s)
        self.uses.windows.add((stream, extreme))
        return ExtremeWindow(self.market, stream, extreme)

    def before(self, of: Expression, window_s: float) -> Value:
        stream, market = self.stream(of), self.market
        window = stream.before(window_s, market.now_s)
        self.uses.windows.add((stream, window))
        return lambda: window.at(market.now_s)

    def is_print(self, of: Expression) -> bool:
        """Whether it is a quote's own value, at each of its prints."""
        if isinstance(of, Named):
            return self.is_print(of.of)
        if not isinstance(of, Reading) or (of.bar_s or self.bar_s) is not None:
            return False
        return self.stale_after_s is None and self._field(of) is of.field

    def order(self, left: Expression | Earlier, right: Expression | Earlier) -> Order | None:
        guard = guard_on(self, left, right)
        if guard is not None:
            self.uses.guards.append(guard)
        return guard

    def quiet_since_s(self, instrument: Instrument) -> Value:
        self.uses.keys.add((instrument.name, None))
        return self.market.feed(instrument.name).quiet_since_s

    def executions(self, instrument: Instrument) -> Callable[[], int]:
        self.uses.keys.add((execution_key(instrument.name), None))
        feed = self.market.feed(instrument.name)
        return lambda: feed.executions

    def on_bars(self, bar_s: float) -> Readings:
        return replace(self, bar_s=bar_s)

    def using(self, method: TriggerMethod, rising: bool) -> Readings:
        return replace(self, method=method, rising=rising)

    def bars(self, of: Iterable[Expression], bar_s: float) -> Bars:
        read = {part for expression in of for part in walk(expression) if isinstance(part, Reading)}
        return _BarsOf(self.market, [self._bars(part, bar_s) for part in read if part.bar_s is None])

    def _leaf(self, of: Expression) -> Value:
        match of:
            case Reading():
                return self._reading(of)
            case Series():
                return self._series(of)
            case AccountReading(name):
                self.uses.keys.add((str(of), None))
                return partial(self.market.account.get, str(name))
            case Position(instrument):
                self.uses.keys.add((str(of), None))
                return partial(self.market.positions.get, instrument.name)
            case WorkingOrders(instrument):
                self.uses.keys.add((str(of), None))
                return partial(self.market.working.get, instrument.name)
            case _:
                raise AssertionError(f"not a value: {of!r}")

    def _field(self, of: Reading) -> Field:
        """The field that a bare name stands for under this rule's trigger method."""
        if self.method is TriggerMethod.DEFAULT or of.field is not of.instrument.default_field:
            return of.field
        return self.method.quote(self.rising) or of.field

    def _reading(self, of: Reading) -> Value:
        bar_s = of.bar_s or self.bar_s
        if bar_s is not None:
            return self._bar_reading(of, bar_s)
        quote = self._quote(of.instrument, self._field(of))
        if self.stale_after_s is None:
            return lambda: quote.value
        market, limit_s = self.market, self.stale_after_s - EDGE_S

        def read() -> float | None:
            now_s = market.now_s if market.armed_s is None else market.armed_s
            return quote.value if now_s - quote.time_s < limit_s else None

        return read

    def _bar_reading(self, of: Reading, bar_s: float) -> Value:
        series, market = self._bars(of, bar_s), self.market

        def read() -> float | None:
            series.roll(market.now_s)
            return component(series.completed[-1], of.field) if series.completed else None

        return read

    def _quote(self, instrument: Instrument, of: Field) -> Quote:
        quote = self.market.feed(instrument.name).quote(of)
        self.uses.keys.add((instrument.name, of))
        self.uses.quotes.add(quote)
        return quote

    def _bars(self, of: Reading, bar_s: float) -> BarSeries:
        source = of.instrument.default_field if of.field in _IN_BARS else of.field
        self._quote(of.instrument, source)
        self.uses.bars.add((of.instrument.name, source, bar_s, self.keeps))
        return self.market.bar_series(of.instrument.name, source, bar_s, self.keeps)

    def _series(self, of: Series) -> Value:
        if of.duration_s is None:
            return self._over_bars(of)
        newest, window = self.value(of.of), self._window(of, of.duration_s)

        def read() -> float | None:
            return window.value() if newest() is not None and window.is_covered() else None

        return read

    def _window(self, of: Series, window_s: float) -> ExtremeWindow | MomentsWindow:
        if of.function in (Function.HIGHEST, Function.LOWEST):
            return self.extreme(of.of, window_s, of.function is Function.HIGHEST)
        stream = self.stream(of.of)
        moments = stream.moments(window_s, self.market.now_s)
        self.uses.windows.add((stream, moments))
        return MomentsWindow(self.market, stream, moments, of.function)

    def _over_bars(self, of: Series) -> Value:
        assert of.bar_count is not None and of.bar_s is not None, of
        readings = sorted({part for part in walk(of.of) if isinstance(part, Reading)}, key=str)
        legs = [self._bars(part, part.bar_s or of.bar_s) for part in readings]
        for leg in legs:
            leg.need(of.bar_count if len(legs) == 1 else 2 * of.bar_count)
        return OverBars(of, readings, legs, self.market).value

    def stream(self, of: Expression) -> Stream:
        """The series of prints that all windows over this expression share."""
        of = unnamed(of)
        plain = View(self.market, self.uses, self.keeps)
        value = plain.value(of)
        key = (of, self.keeps)
        self.uses.streams.add(key)
        stream = self.market.streams.get(key)
        if stream is None:
            legs = dict.fromkeys(
                self._quote(part.instrument, part.field)
                for part in walk(of)
                if isinstance(part, Reading) and part.bar_s is None
            )
            stream = self.market.streams[key] = Stream(value, tuple(legs), self.keeps, isinstance(of, Reading))
        return stream


def execution_key(instrument: str) -> str:
    """Under which executions in an instrument are announced."""
    return f"any execution in {instrument}"


@dataclass(frozen=True, slots=True)
class _BarsOf:
    market: Market
    series: list[BarSeries]

    def completed(self) -> int:
        for series in self.series:
            series.roll(self.market.now_s)
        return sum(series.closed for series in self.series)

    def closing_s(self) -> float | None:
        return min((end for series in self.series if (end := series.closing_s()) is not None), default=None)
