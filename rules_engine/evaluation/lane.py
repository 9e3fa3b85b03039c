"""The prints of one field of an instrument on their way to the rules that read it: most of them change nothing."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from rules_engine.evaluation.levels import Levels
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.quote import Feed, Quote
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.judging import PRINTS_MAX, Moment, Stretch

PENDING_MAX = 512
"""So many prints wait at most before they are put into windows, all at once."""


Ask = Callable[["Lane", float, float, float], Sequence[Firing]]
"""Asked about a print of that time, value and size; gives what fires by it."""


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
        "_awake",
        "_due",
        "_feed",
        "_high",
        "_is_folded",
        "_last",
        "_levels",
        "_low",
        "_market",
        "_quote",
        "_rest_high",
        "_rest_low",
        "_resting",
        "_rests",
        "_room",
        "_timers",
        "_times",
        "_top",
        "_until_s",
        "_values",
        "_watches",
        "ask",
        "field",
        "instrument",
    )

    def __init__(
        self,
        instrument: str,
        field: Field,
        watches: Iterable[Watch],
        market: Market,
        timers: Timers[Any],
        ask: Ask,
    ) -> None:
        self.instrument = instrument
        self.field = field
        self._market = market
        self._timers = timers
        self.ask = ask
        self._feed: Feed = market.feed(instrument)
        self._quote: Quote = self._feed.quote(field)
        self._watches = tuple(watches)
        self._awake = dict.fromkeys(self._watches)
        self._rests = {watch: _Rest(watch) for watch in self._watches}
        self._resting: dict[Watch, _Rest] = {}
        self._levels = Levels(self._watches)
        self._times = [0.0] * (PENDING_MAX + 1)
        self._values = [0.0] * (PENDING_MAX + 1)
        """The prints that wait, the newest at ``_room + 1``, the oldest at ``_top``."""
        self._room = self._top = 0
        self._low = self._high = self._until_s = 0.0
        self._rest_low = self._rest_high = 0.0
        """The fold without the levels."""
        self._last = 0
        """The number of the last print in the fold."""
        self._is_folded = False
        """Whether every watch rests or sleeps at a level, and nothing but prints has happened since."""
        self._due: Sequence[Watch] = ()
        """Who is to be judged at a print that was taken already."""
        for watch in self._watches:
            watch.lanes.append(self)

    def hear(self, time_s: float, value: float, size: float = 0.0) -> Sequence[Firing]:
        """A print: what fires by it. Who made the lane is asked where a judge must be."""
        room, market = self._room, self._market
        if (
            room
            and self._low < value < self._high
            and market.now_s <= time_s < self._until_s
            and time_s < self._timers.first_s
        ):
            market.now_s = self._times[room] = time_s
            self._values[room] = value
            self._room = room - 1
            return ()
        if self._is_folded:
            fired = self._look(time_s, value)
            if fired is not None:
                return fired
        return self.ask(self, time_s, value, size)

    def _look(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """A print outside the fold. None if somebody must be judged."""
        market, levels = self._market, self._levels
        if not (market.now_s <= time_s < self._timers.first_s and 0.0 < value < inf):
            return None
        if not self._room:
            self._make_room()
        if levels.floor < value < levels.ceiling:
            return self._look_again(time_s, value)
        if not (self._room and self._rest_low < value < self._rest_high and time_s < self._until_s):
            return None
        fired = levels.walk(time_s, value)
        if fired is not None:
            market.now_s = time_s
            self._put(time_s, value)
            self._narrow()
        return fired

    def _look_again(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """No level is passed: those whose rest is over look how long they can go on, and perhaps nobody wakes."""
        self._market.now_s = time_s
        self._put(time_s, value)
        self.settle()
        self._due = _in_order(self._unrested())
        if self._due:
            self.close()
            return None
        self._fold()
        return ()

    def _put(self, time_s: float, value: float) -> None:
        if not self._room:
            self.settle()
            self._room = self._top = PENDING_MAX
        self._times[self._room], self._values[self._room] = time_s, value
        self._room -= 1

    def _make_room(self) -> None:
        """The waiting prints are put away, and the fold goes on."""
        self.settle()
        self._room = self._top = max(min(self._last - self._quote.prints, PENDING_MAX), 0)

    def settle(self) -> None:
        """Puts the prints that wait where they are read."""
        room, top = self._room, self._top
        if room == top:
            return
        times, values = self._times[top:room:-1], self._values[top:room:-1]
        self._top = room
        quote = self._quote
        quote.prints += len(times)
        quote.time_s, quote.value = times[-1], values[-1]
        self._feed.hear(times[-1])
        for stream in quote.streams:
            stream.extend(times, values)
        self._levels.settle(self._market.now_s)

    def take(self, time_s: float, value: float | None, size: float, moment: Moment) -> Iterable[Watch]:
        """Takes a tick that somebody may have to look at; who is to be judged at it, in their order.

        A late one changes nothing.
        """
        if self._due:
            due, self._due = self._due, ()
            return due
        self.settle()
        quote = self._quote
        before = quote.value
        if time_s < quote.time_s:
            quote.late += 1
            return ()
        if self._is_plain and moment is Moment.PRINT and quote.is_usable(value) and quote.covered_from_s <= time_s:
            self._put(time_s, value)
            self.settle()
        else:
            self._record(time_s, value, size, moment)
        if before is None or quote.value is None or moment is not Moment.PRINT:
            return self._watches
        return _in_order([*self._awake, *self._levels.touched(before, quote.value), *self._unrested()])

    def _record(self, time_s: float, value: float | None, size: float, moment: Moment) -> None:
        quote = self._quote
        self._feed.hear(time_s)
        quote.take(time_s, value)
        for derived in quote.derived:
            if derived.work_out() and moment is Moment.PRINT:
                derived.quote.record(size)
        if moment is Moment.PRINT:
            quote.record(size)

    def wake(self, watch: Watch) -> None:
        """It looks at the next print, whatever that is."""
        self.close()
        self._awake[watch] = None
        self._resting.pop(watch, None)
        self._levels.wake(watch)

    def close(self) -> None:
        """The next print is looked at."""
        self.settle()
        self._room = self._top = 0
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
        self._levels.stand_at(value)
        self._is_folded = True
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
        """What all can sleep through; never a price below zero, for that says nothing."""
        low, high, until_s, last = 0.0 if self._quote.is_price else -inf, inf, inf, PRINTS_MAX
        for rest in self._resting.values():
            if rest.low > low:
                low = rest.low
            if rest.high < high:
                high = rest.high
            if rest.until_s < until_s:
                until_s = rest.until_s
            if rest.last < last:
                last = rest.last
        self._rest_low, self._rest_high, self._until_s, self._last = low, high, until_s, last
        self._narrow()
        self._make_room()

    def _narrow(self) -> None:
        levels = self._levels
        self._low = levels.floor if levels.floor > self._rest_low else self._rest_low
        self._high = levels.ceiling if levels.ceiling < self._rest_high else self._rest_high

    @property
    def _is_plain(self) -> bool:
        """Whether nothing but windows of its own price is built from a print."""
        quote = self._quote
        return not quote.derived and not quote.bars and quote.streams_are_plain

    def _lay_down(self, watch: Watch) -> None:
        self._awake.pop(watch, None)
        self._resting.pop(watch, None)
        if not watch.run.listens(watch):
            self._levels.silence(watch)
            return
        can_sleep = watch.is_settled()
        if can_sleep and watch in self._levels:
            self._levels.lay_down(watch)
            return
        stretch = watch.judge.calm() if can_sleep else None
        if stretch is None:
            self._awake[watch] = None
        else:
            rest = self._resting[watch] = self._rests[watch]
            rest.set(stretch, self._quote.prints)


def _in_order(found: Sequence[Watch]) -> Sequence[Watch]:
    return found if len(found) < 2 else sorted(dict.fromkeys(found), key=lambda watch: watch.order)
