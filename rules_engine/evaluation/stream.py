"""An expression as a series of prints, and the windows over it that rules share."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from math import isfinite

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.past import NEVER, Print
from rules_engine.evaluation.quote import Quote
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Before, Extreme, Moments, Window
from rules_engine.model.judging import Value
from rules_engine.model.tolerance import EDGE_S

Take = Callable[[float, float], None]
"""Takes one print: time and value."""


class Stream:
    """One print whenever something that the expression reads prints. ``keeps``: gaps in data are ignored.

    ``is_plain``: the expression is the one leg itself. All windows share one pair of stacks and one list of sums.
    Memory: that of `Extremes` and of `Sums`, where windows read them, as the longest window needs; up to 250 bytes for
    each length and kind of window; and until its last leg has a history, those of the others, some 110 bytes a print.
    """

    __slots__ = (
        "_before",
        "_extreme",
        "_history",
        "_last_s",
        "_moments",
        "_value",
        "extremes",
        "is_plain",
        "keeps",
        "legs",
        "sums",
        "takers",
    )

    def __init__(self, value: Value, legs: Sequence[Quote], keeps: bool, is_plain: bool) -> None:
        self._value = value
        self.is_plain = is_plain
        self.legs = tuple(legs)
        self.keeps = keeps
        self._last_s = NEVER
        self.extremes: Extremes | None = None
        self.sums: Sums | None = None
        self.takers: list[Take] = []
        """What takes each of its prints."""
        self._extreme: dict[tuple[float, bool], Extreme] = {}
        self._moments: dict[float, Moments] = {}
        self._before: dict[float, Before] = {}
        self._history: dict[Quote, Sequence[Print]] = {}
        for leg in legs:
            leg.join(self)

    def extreme(self, window_s: float, highest: bool, now_s: float) -> Extreme:
        key = (window_s, highest)
        if self.extremes is None:
            self._unfold()
            self.extremes = Extremes()
            self.takers.append(self.extremes.take)
        if key not in self._extreme:
            self._extreme[key] = Extreme(self.extremes, window_s, highest, self._since_s(now_s))
        return self._extreme[key]

    def moments(self, window_s: float, now_s: float) -> Moments:
        if window_s not in self._moments:
            self._moments[window_s] = Moments(self._summed(), window_s, self._since_s(now_s))
        return self._moments[window_s]

    def before(self, window_s: float, now_s: float) -> Before:
        if window_s not in self._before:
            self._before[window_s] = Before(self._summed(), window_s, self._since_s(now_s))
        return self._before[window_s]

    def _summed(self) -> Sums:
        if self.sums is None:
            self._unfold()
            self.sums = Sums()
            self.takers.append(self.sums.take)
        return self.sums

    def forget(self, windows: AbstractSet[Window]) -> None:
        """Nobody reads these windows any more."""
        self._extreme = {key: window for key, window in self._extreme.items() if window not in windows}
        self._moments = {key: window for key, window in self._moments.items() if window not in windows}
        self._before = {key: window for key, window in self._before.items() if window not in windows}
        if self.extremes is not None:
            if self._extreme:
                self.extremes.need_only(max(window_s for window_s, _ in self._extreme))
            else:
                self.takers.remove(self.extremes.take)
                self.extremes = None
        if self.sums is not None:
            if self._moments or self._before:
                self.sums.keep_readers([*self._moments.values(), *self._before.values()])
            else:
                self.takers.remove(self.sums.take)
                self.sums = None

    def _unfold(self) -> None:
        for leg in self.legs:
            leg.unfold()

    def _since_s(self, now_s: float) -> float:
        """A window that joins later has not seen what came before."""
        return now_s if any(leg.prints for leg in self.legs) else NEVER

    def push(self, time_s: float) -> None:
        value = self._value()
        if value is not None and isfinite(value):
            self._last_s = max(time_s, self._last_s)
            for take in self.takers:
                take(self._last_s, value)

    def extend(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes prints, oldest first."""
        self._last_s = times[-1]
        if self.extremes is not None:
            self.extremes.extend(times, values)
        if self.sums is not None:
            self.sums.extend(times, values)

    def covered_at_s(self, window: Extreme | Moments) -> float:
        """From when on all prints in (now - window_s, now] have been seen by this window, if no data is lost."""
        first_s = window.since_s
        for leg in self.legs:
            beginning_s = leg.kept_from_s if self.keeps else leg.covered_from_s
            if beginning_s > first_s:
                first_s = beginning_s
        return first_s + window.window_s - EDGE_S

    def clear(self) -> None:
        """The past is lost."""
        self._last_s = NEVER
        self._history.clear()
        for extreme in self._extreme.values():
            extreme.since_s = NEVER
        if self.extremes is not None:
            self.extremes.clear()
        if self.sums is not None:
            self.sums.clear()

    def backfill(self, leg: Quote, history: Sequence[Print], complete_from_s: float) -> None:
        """Takes the past of one leg; prints come of it once the pasts of all legs are there."""
        self._history[leg] = history
        if len(self._history) < len(self.legs):
            return
        past = self._replay()
        for extreme in self._extreme.values():
            extreme.since_s = min(extreme.since_s, complete_from_s)
        if self.extremes is not None:
            self.extremes.prepend(past)
        if self.sums is not None:
            self.sums.prepend(past, complete_from_s)
        self._history.clear()

    def _replay(self) -> list[Print]:
        """The expression over the histories of its legs. The legs get their present values back afterwards."""
        events = sorted(
            (entry[0], index, entry[1]) for index, leg in enumerate(self.legs) for entry in self._history[leg]
        )
        present = [leg.value for leg in self.legs]
        past: list[Print] = []
        for leg in self.legs:
            leg.value = None
        for time_s, leg_index, leg_value in events:
            self.legs[leg_index].value = leg_value
            value = self._value()
            if value is not None:
                past.append((time_s, value))
        for leg, value in zip(self.legs, present, strict=True):
            leg.value = value
        return past
