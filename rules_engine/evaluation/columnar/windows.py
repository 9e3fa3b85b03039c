"""Windows of the streaming evaluator that read columns: nothing is copied, however long they are."""

from array import array
from collections.abc import Callable, Sequence

from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Before, Extreme, Moments
from rules_engine.model.tolerance import EDGE_S


class PastStream(Stream):
    """Prints that are all in a past already; ``past.heard`` says how many count. Its windows ask nothing but that."""

    __slots__ = ("_source", "_units")

    def __init__(self, legs: Sequence[Quote], past: Past, keeps: bool) -> None:
        super().__init__(_unasked, legs, keeps, True)
        self._source = past
        self._units = Sums()

    def push(self, time_s: float) -> None:
        """The columns have it already."""

    def extreme(self, window_s: float, highest: bool, now_s: float) -> Extreme:
        key = (window_s, highest)
        if key not in self._extreme:
            self._extreme[key] = _PastExtreme(self._source, window_s, highest, self._since_s(now_s))
        return self._extreme[key]

    def moments(self, window_s: float, now_s: float) -> Moments:
        if window_s not in self._moments:
            since_s = self._since_s(now_s)
            self._moments[window_s] = PastMoments(self._source, self._units, window_s, since_s)
        return self._moments[window_s]

    def before(self, window_s: float, now_s: float) -> Before:
        if window_s not in self._before:
            since_s = self._since_s(now_s)
            self._before[window_s] = _PastBefore(self._source, self._units, window_s, since_s)
        return self._before[window_s]


def _unasked() -> float | None:
    raise AssertionError("columns have its values")


def past_extreme(past: Past, window_s: float, highest: bool) -> Callable[[float], float | None]:
    """Reads the highest (or lowest) of the prints heard in (now - window_s, now]; None when there is none."""

    def read(now_s: float) -> float | None:
        values = past.values[past.begins(now_s - window_s + EDGE_S) : past.heard]
        if not len(values):
            return None
        return float(values.max() if highest else values.min())

    return read


class _PastExtreme(Extreme):
    __slots__ = ("_read",)

    def __init__(self, past: Past, window_s: float, highest: bool, since_s: float) -> None:
        super().__init__(_PastExtremes(past), window_s, highest, since_s)
        self._read = past_extreme(past, window_s, highest)

    def at(self, now_s: float) -> float | None:
        return self._read(now_s)


class _PastExtremes(Extremes):
    __slots__ = ("_source",)

    def __init__(self, past: Past) -> None:
        super().__init__()
        self._source = past

    def need(self, window_s: float) -> None:
        self._source.need(window_s)


class PastMoments(Moments):
    """Mean and spread over columns. ``units`` tell how the totals are counted: in which steps, and from which base."""

    __slots__ = ("_source", "_span_s")

    def __init__(self, past: Past, units: Sums, window_s: float, since_s: float) -> None:
        super().__init__(units, window_s, since_s)
        self._source = past
        self._span_s = window_s
        past.need(window_s)

    def totals(self, now_s: float) -> tuple[int, int, int]:
        past, units = self._source, self._sums
        if not past.heard:
            return 0, 0, 0
        heard = past.heard
        units.places = places = past.places().data[heard - 1]
        units.scale = 10.0**places
        units.base = past.base(places)
        units.totals = array("q", (0, units.whole(past.values.data[heard - 1]) - units.base))
        start = past.begins((now_s - self._span_s) + EDGE_S)
        totals, squares = (each.data for each in past.totals(places))
        return heard - start, totals[heard] - totals[start], squares[heard] - squares[start]


class _PastBefore(Before):
    __slots__ = ("_source", "_span_s")

    def __init__(self, past: Past, units: Sums, window_s: float, since_s: float) -> None:
        super().__init__(units, window_s, since_s)
        self._source = past
        self._span_s = window_s
        past.need(window_s)

    def at(self, now_s: float) -> float | None:
        past = self._source
        count = past.begins((now_s - self._span_s) + EDGE_S)
        return float(past.values[count - 1]) if count else None
