"""An expression as a series of prints, and the windows over it that rules share."""

from collections.abc import Sequence

from rules_engine.evaluation.quote import NOT_YET, Quote
from rules_engine.evaluation.windows import NEVER, Before, Extreme, Moments, Print, Prints
from rules_engine.model.judging import Value
from rules_engine.model.tolerance import EDGE_S


class Stream:
    """One print whenever something that the expression reads prints. ``keeps``: gaps in data are ignored."""

    __slots__ = ("_before", "_extremes", "_history", "_last_s", "_moments", "_prints", "_value", "keeps", "legs")

    def __init__(self, value: Value, legs: Sequence[Quote], keeps: bool) -> None:
        self._value = value
        self.legs = tuple(legs)
        self.keeps = keeps
        self._last_s = NEVER
        self._extremes: dict[tuple[float, bool], Extreme] = {}
        self._prints: Prints | None = None
        self._moments: dict[float, Moments] = {}
        self._before: dict[float, Before] = {}
        self._history: dict[Quote, Sequence[Print]] = {}
        for leg in legs:
            leg.streams.append(self)

    def extreme(self, window_s: float, highest: bool, now_s: float) -> Extreme:
        key = (window_s, highest)
        if key not in self._extremes:
            self._extremes[key] = Extreme(window_s, highest, self._since_s(now_s))
        return self._extremes[key]

    def moments(self, window_s: float, now_s: float) -> Moments:
        if window_s not in self._moments:
            self._moments[window_s] = Moments(self._past(), window_s, self._since_s(now_s))
        return self._moments[window_s]

    def before(self, window_s: float, now_s: float) -> Before:
        if window_s not in self._before:
            self._before[window_s] = Before(self._past(), window_s, self._since_s(now_s))
        return self._before[window_s]

    def _past(self) -> Prints:
        if self._prints is None:
            self._prints = Prints()
        return self._prints

    def _since_s(self, now_s: float) -> float:
        """A window that joins later has not seen what came before."""
        return now_s if any(leg.prints for leg in self.legs) else NEVER

    def push(self, time_s: float) -> None:
        value = self._value()
        if value is None:
            return
        self._last_s = time_s = max(time_s, self._last_s)
        for extreme in self._extremes.values():
            extreme.push(time_s, value)
        if self._prints is not None:
            self._prints.push(time_s, value)

    def is_covered(self, window: Extreme | Moments, window_s: float, now_s: float) -> bool:
        """Whether all prints in (now - window_s, now] have been seen by this window."""
        start_s = now_s - window_s + EDGE_S
        if window.since_s > start_s:
            return False
        # A list, not a generator: this is asked at every print.
        beginnings = [leg.kept_from_s if self.keeps else leg.covered_from_s for leg in self.legs]
        return max(beginnings, default=NOT_YET) <= start_s

    def clear(self) -> None:
        """The past is lost."""
        self._last_s = NEVER
        self._history.clear()
        for extreme in self._extremes.values():
            extreme.clear()
        if self._prints is not None:
            self._prints.clear()

    def backfill(self, leg: Quote, history: Sequence[Print], complete_from_s: float) -> None:
        """Takes the past of one leg; prints come of it once the pasts of all legs are there."""
        self._history[leg] = history
        if len(self._history) < len(self.legs):
            return
        past = self._replay()
        for extreme in self._extremes.values():
            extreme.prepend(past, complete_from_s)
        if self._prints is not None:
            self._prints.prepend(past, complete_from_s)
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
