"""The prints of one field of an instrument on their way to the rules that read it: most of them change nothing."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

from rules_engine.evaluation.levels import Levels
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.quote import Feed, Quote
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.watch import Watch
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment, Stretch
from rules_engine.model.tick import Tick

PENDING_MAX = 512
"""So many prints wait at most before they are put into windows, all at once."""


class _Rest:
    """A stretch in which a watch need not look; ``last`` is the number of its last print."""

    __slots__ = ("high", "last", "low", "until_s", "watch")

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.low = self.high = self.until_s = 0.0
        self.last = 0

    def set(self, stretch: Stretch, number: int) -> None:
        """Goes on from the print of that number."""
        self.low, self.high, self.until_s, prints = stretch
        self.last = number + prints


class Lane:
    """Folds what all its watches can sleep through into one price band, one time and one number of prints.

    A watch is *awake*, to be judged at the next print; or rests in a stretch of its own, after which it is asked for
    another one before it is judged; or sleeps until the price touches one of its levels. While none is awake, a print
    within the fold costs a few comparisons however many watches there are; it waits, with at most ``PENDING_MAX``
    others, until somebody wants to know.
    """

    __slots__ = (
        "_at_levels",
        "_awake",
        "_ceiling",
        "_due",
        "_feed",
        "_floor",
        "_high",
        "_is_folded",
        "_left",
        "_levels",
        "_low",
        "_market",
        "_quote",
        "_resting",
        "_rests",
        "_timers",
        "_times",
        "_until_s",
        "_values",
        "_watches",
        "field",
    )

    def __init__(
        self, instrument: str, field: Field, watches: Iterable[Watch], market: Market, timers: Timers[Any]
    ) -> None:
        self.field = field
        self._market = market
        self._timers = timers
        self._feed: Feed = market.feed(instrument)
        self._quote: Quote = self._feed.quote(field)
        self._watches = tuple(watches)
        self._awake = dict.fromkeys(self._watches)
        self._rests = {watch: _Rest(watch) for watch in self._watches}
        self._resting: dict[Watch, _Rest] = {}
        self._levels: Levels[Watch] = Levels(
            (level, watch) for watch in self._watches if watch.is_single for level in watch.judge.levels() or ()
        )
        self._at_levels = {watch for watch in self._watches if watch.is_single and watch.judge.levels() is not None}
        self._times: list[float] = []
        self._values: list[float] = []
        self._left = 0
        self._low = self._high = self._until_s = 0.0
        self._floor = self._ceiling = 0.0
        """Between which prices no level is touched."""
        self._is_folded = False
        """Whether every watch rests or sleeps at a level, and nothing but prints has happened since."""
        self._due: Sequence[Watch] = ()
        """Who is to be judged at a print that was taken already."""
        for watch in self._watches:
            watch.lanes.append(self)

    @property
    def value(self) -> float | None:
        """The newest value."""
        return self._values[-1] if self._values else self._quote.value

    def take(self, time_s: float, value: float) -> bool:
        """Whether it was a print at which nothing can happen. If not, the lane is to `hear` it at once."""
        if (
            self._left
            and self._low < value < self._high
            and self._market.now_s <= time_s < self._until_s
            and time_s < self._timers.first_s
        ):
            self._left -= 1
            self._market.now_s = time_s
            self._times.append(time_s)
            self._values.append(value)
            return True
        return self._is_folded and self._look(time_s, value)

    def _look(self, time_s: float, value: float) -> bool:
        """A print outside the fold, that touches no level: those whose rest is over look, and perhaps nobody wakes."""
        if not (self._floor < value < self._ceiling and self._market.now_s <= time_s < self._timers.first_s):
            return False
        self._market.now_s = time_s
        self._times.append(time_s)
        self._values.append(value)
        self.settle()
        self._due = _in_order(self._unrested())
        if self._due:
            self._is_folded = False
            self._left = 0
            return False
        self._fold()
        return True

    def settle(self) -> None:
        """Puts the prints that wait where they are read."""
        times, values = self._times, self._values
        if not times:
            return
        quote = self._quote
        quote.prints += len(times)
        quote.time_s, quote.value = times[-1], values[-1]
        self._feed.hear(times[-1])
        for stream in quote.streams:
            stream.extend(times, values)
        times.clear()
        values.clear()

    def hear(self, tick: Tick, moment: Moment) -> Iterable[Watch]:
        """Takes a tick that somebody may have to look at; who is to be judged at it, in their order.

        A late one changes nothing.
        """
        if self._due:
            due, self._due = self._due, ()
            return due
        quote, before = self._quote, self.value
        if tick.time_s < (self._times[-1] if self._times else quote.time_s):
            quote.late += 1
            return ()
        if self._is_plain and not tick.snapshot and quote.is_usable(tick.value) and quote.covered_from_s <= tick.time_s:
            self._times.append(tick.time_s)
            self._values.append(tick.value)
            self.settle()
        else:
            self.settle()
            self._record(tick)
        if before is None or quote.value is None or moment is not Moment.PRINT:
            return self._watches
        return _in_order([*self._awake, *self._levels.touched(before, quote.value), *self._unrested()])

    def _record(self, tick: Tick) -> None:
        quote = self._quote
        self._feed.hear(tick.time_s)
        quote.take(tick.time_s, tick.value)
        for derived in quote.derived:
            if derived.work_out() and not tick.snapshot:
                derived.quote.record(tick.size)
        if not tick.snapshot:
            quote.record(tick.size)

    def wake(self, watch: Watch) -> None:
        """It looks at the next print, whatever that is."""
        self._awake[watch] = None
        self._resting.pop(watch, None)
        self.close()

    def close(self) -> None:
        """The next print is looked at."""
        self._left = 0
        self._is_folded = False

    def rest(self, judged: Iterable[Watch], moment: Moment) -> None:
        """After a print: who of those that were judged at it can sleep, and how long all can."""
        self.close()
        if moment is not Moment.PRINT:
            return
        for watch in judged:
            self._lay_down(watch)
        value = self._quote.value
        if self._awake or value is None or not self._is_plain:
            return
        if not self._floor < value < self._ceiling:
            self._floor, self._ceiling = self._levels.around(value)
            if self._quote.is_price:
                self._floor = max(self._floor, 0.0)
        self._is_folded = self._floor < value < self._ceiling
        self._fold()

    def _unrested(self) -> list[Watch]:
        """Those who may say otherwise at the newest print; the others' rests go on beyond it."""
        quote = self._quote
        value, time_s, number = quote.value, quote.time_s, quote.prints
        assert value is not None
        due = []
        for rest in self._resting.values():
            if rest.low < value < rest.high and time_s < rest.until_s and number <= rest.last:
                continue
            stretch = rest.watch.judge.calm()
            if stretch is None:
                due.append(rest.watch)
            else:
                rest.set(stretch, number)
        return due

    def _fold(self) -> None:
        low, high, until_s = self._floor, self._ceiling, inf
        number = self._quote.prints
        last = number + PENDING_MAX
        for rest in self._resting.values():
            if rest.low > low:
                low = rest.low
            if rest.high < high:
                high = rest.high
            if rest.until_s < until_s:
                until_s = rest.until_s
            if rest.last < last:
                last = rest.last
        self._low, self._high, self._until_s = low, high, until_s
        self._left = max(last - number, 0)

    @property
    def _is_plain(self) -> bool:
        """Whether nothing but windows of its own price is built from a print."""
        quote = self._quote
        return not quote.derived and not quote.bars and quote.streams_are_plain

    def _lay_down(self, watch: Watch) -> None:
        self._awake.pop(watch, None)
        self._resting.pop(watch, None)
        if not watch.run.listens(watch):
            return
        can_sleep = watch.is_settled()
        if can_sleep and watch in self._at_levels:
            return
        stretch = watch.judge.calm() if can_sleep else None
        if stretch is None:
            self._awake[watch] = None
        else:
            rest = self._resting[watch] = self._rests[watch]
            rest.set(stretch, self._quote.prints)


def _in_order(found: Sequence[Watch]) -> Sequence[Watch]:
    return found if len(found) < 2 else sorted(dict.fromkeys(found), key=lambda watch: watch.order)
