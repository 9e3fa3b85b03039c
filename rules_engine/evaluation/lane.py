"""The prints of one field of an instrument on their way to the rules that read it: most of them change nothing."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from rules_engine.evaluation.guard import NOWHERE, Sight
from rules_engine.evaluation.levels import Levels
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.quote import Feed, Quote
from rules_engine.evaluation.rest import Rests, folded
from rules_engine.evaluation.timers import Timers
from rules_engine.evaluation.watch import Watch
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment
from rules_engine.model.slices import Slices

PENDING_MAX = 512
"""So many prints wait at most before they are put into windows, all at once."""


Ask = Callable[["Lane", float, float, float], Sequence[Firing]]
"""Asked about a print of that time, value and size; gives what fires by it."""


class Lane:
    """Finds out which prints its watches can sleep through, and lets those wait.

    A watch is *awake*, to be judged at the next print; or *rests* in a stretch of its own, after which it is asked for
    another one before it is judged; or *sleeps* until the price touches one of its levels. While none is awake, what
    is within all stretches and between two levels is folded into one price band, one time and one number of prints.

    A print within the fold is *quiet*: it costs a few comparisons however many watches there are, and waits, with at
    most ``PENDING_MAX`` others, until somebody wants to know. Any other is heard out: perhaps all can go on sleeping.
    Where somebody must be judged, or that cannot be told, the evaluator is asked: it comes to `take` the print, judges,
    and lets those whom it judged `lay_down`.

    What it keeps, and what always holds of it. Where the fold may be narrower than need be, it is never wider:

    - ``_awake``, ``_rests``: every watch that listens is in one of them, or sleeps at its ``_levels``. ``_sights``
      compare what those that rest are held to.
    - ``_is_folded``: nobody is awake, and nothing but prints has happened since. Else there is no room.
    - ``_rest_low`` to ``_rest_high`` before ``_until_s``, up to the print numbered ``_last``: the fold without the
      levels, ``_low`` to ``_high`` with them. They count while there is room.
    - ``_due``: who is to be judged at a print that was taken already.
    - ``_room``: what is left of the room for prints that wait, at 1 to ``_top`` of ``_times`` and ``_values``, the
      newest at ``_room + 1``. Without room the next print is heard out; ``_room == _top``: none waits.
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
        "_rests",
        "_room",
        "_sights",
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
        watches: Sequence[Watch],
        levels: Levels,
        sights: Sequence[Sight[Watch]],
        market: Market,
        timers: Timers[Any],
        ask: Ask,
    ) -> None:
        self.instrument = instrument
        self.field = field
        self.ask = ask
        self._market = market
        self._timers = timers
        self._feed: Feed = market.feed(instrument)
        self._quote: Quote = self._feed.quote(field)
        self._quote.lane = self
        self._watches = tuple(watches)
        self._awake = dict.fromkeys(self._watches)
        # Prices below zero say nothing.
        self._rests = Rests(0.0 if self._quote.is_price else -inf)
        self._levels = levels
        self._sights = sights
        self._is_folded = False
        self._rest_low = self._rest_high = 0.0
        self._low = self._high = self._until_s = 0.0
        self._last = 0
        self._due: Sequence[Watch] = ()
        self._times = [0.0] * (PENDING_MAX + 1)
        self._values = [0.0] * (PENDING_MAX + 1)
        self._room = self._top = 0
        for watch in self._watches:
            watch.lanes.append(self)

    def hear(self, time_s: float, value: float, size: float = 0.0) -> Sequence[Firing]:
        """A print: what fires by it. Who made the lane is asked where a judge must be."""
        room, market = self._room, self._market
        if room and market.now_s <= time_s < self._until_s and time_s < self._timers.first_s:
            if self._low < value < self._high:
                market.now_s = self._times[room] = time_s
                self._values[room] = value
                self._room = room - 1
                return ()
            low, high = self._rest_low, self._rest_high
            if low < value < high:
                levels = self._levels
                fired = levels.walk(time_s, value)
                if fired is not None:
                    market.now_s = self._times[room] = time_s
                    self._values[room] = value
                    self._room = room - 1
                    self._low = levels.floor if levels.floor > low else low
                    self._high = levels.ceiling if levels.ceiling < high else high
                    return fired
        if self._is_folded:
            found = self._hear_out(time_s, value)
            if found is not None:
                return found
        return self.ask(self, time_s, value, size)

    def _hear_out(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """A print outside the fold, or one of a moment that the clock has passed. None if somebody must be judged."""
        market, levels = self._market, self._levels
        if time_s < market.now_s:
            return self._behind_the_clock(time_s, value)
        if not (market.now_s <= time_s < self._timers.first_s and 0.0 < value < inf):
            return None
        if levels.floor < value < levels.ceiling:
            return self._between_levels(time_s, value)
        if not self._room and self._make_room():
            return self.hear(time_s, value)
        return self._over_levels(time_s, value)

    def _behind_the_clock(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """The exchange's time of a print is mostly a little behind our clock: who sleeps through it at the clock's time
        sleeps through it."""
        room = self._room
        newest_s = self._times[room + 1] if room < self._top else self._quote.time_s
        if not (room and newest_s <= time_s and self._low < value < self._high and self._market.now_s < self._until_s):
            return None
        self._times[room], self._values[room] = time_s, value
        self._room = room - 1
        return ()

    def _between_levels(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """No level is passed: whose rest is over may be able to go on, and perhaps nobody need be judged."""
        before_s, self._market.now_s = self._market.now_s, time_s
        room = self._room
        if room:
            self._times[room], self._values[room] = time_s, value
            self._room = room - 1
            self._put_away()
        else:
            self._put_away()
            self._add(time_s, value)
        due = self._unrested(value)
        if due:
            self._call(due, before_s)
            return None
        self._fold()
        return ()

    def _over_levels(self, time_s: float, value: float) -> Sequence[Firing] | None:
        """The same where the price passes levels, which may be a walk for all of them."""
        self.settle()
        before = self._quote.value
        assert before is not None, "it stands between two levels"
        before_s, self._market.now_s = self._market.now_s, time_s
        self._add(time_s, value)
        due, levels = self._unrested(value), self._levels
        fired = None if due else levels.walk(time_s, value)
        if fired is None:
            self._call([*due, *levels.touched(before, value)], before_s)
            return None
        self._fold()
        return fired

    def _call(self, due: Sequence[Watch], before_s: float) -> None:
        """These are to be judged at a print that was taken. Time passes when they are: who is asked meanwhile what he
        remembers has not seen the print."""
        self._due = _in_order(due)
        self.unfold()
        self._market.now_s = before_s

    def take(self, time_s: float, value: float | None, size: float, moment: Moment) -> Sequence[Watch]:
        """Takes a tick at which somebody may have to be judged; who is to be judged at it, in their order.

        A late one changes nothing.
        """
        if self._due:
            due, self._due = self._due, ()
            return due
        self.unfold()
        quote = self._quote
        before = quote.value
        if time_s < quote.time_s:
            quote.late += 1
            return ()
        if self._is_plain and moment is Moment.PRINT and quote.is_usable(value) and quote.covered_from_s <= time_s:
            self._add(time_s, value)
        else:
            self._record(time_s, value, size, moment)
        if before is None or quote.value is None or moment is not Moment.PRINT:
            return self._watches
        return _in_order([*self._awake, *self._levels.touched(before, quote.value), *self._unrested(quote.value)])

    def _record(self, time_s: float, value: float | None, size: float, moment: Moment) -> None:
        quote = self._quote
        self._feed.hear(time_s)
        quote.take(time_s, value)
        for derived in quote.derived:
            if derived.work_out() and moment is Moment.PRINT:
                derived.quote.record(size)
        if moment is Moment.PRINT:
            quote.record(size)

    # Who sleeps, and until what.

    def wake(self, watch: Watch) -> None:
        """It is judged at the next print, whatever that is."""
        self.unfold()
        self._awake[watch] = None
        self._rests.end(watch)
        self._levels.wake(watch)

    def unfold(self) -> None:
        """The next print is heard out."""
        self.settle()
        self._room = self._top = 0
        self._is_folded = False

    def lay_down(self, judged: Sequence[Watch], moment: Moment) -> None:
        """After a print that it took: who of those that were judged at it can sleep, and how long all can."""
        if moment is Moment.PRINT:
            for watch in judged:
                self._find_sleep(watch)
            self._fold_if_all_sleep()

    def laying_down(self, judged: Sequence[Watch], moment: Moment) -> Slices[None]:
        """The same in slices."""
        if moment is Moment.PRINT:
            for watch in judged:
                self._find_sleep(watch)
                yield
            self._fold_if_all_sleep()

    def _find_sleep(self, watch: Watch) -> None:
        """At its levels, in a stretch of its own, or not at all."""
        self._awake.pop(watch, None)
        if not watch.run.listens(watch):
            self._rests.end(watch)
            self._levels.silence(watch)
            return
        is_settled = watch.is_settled()
        if is_settled and self._levels.lay_down(watch):
            return
        stretch = watch.judge.calm() if is_settled else None
        if stretch is None:
            self._rests.end(watch)
            self._awake[watch] = None
        else:
            self._rests.lay_down(watch, stretch)

    def _fold_if_all_sleep(self) -> None:
        value = self._quote.value
        if self._awake or value is None or not self._is_plain:
            return
        levels = self._levels
        if not levels.floor < value < levels.ceiling:
            levels.stand_at(value)
        self._is_folded = True
        self._fold()

    def _fold(self) -> None:
        """What all can sleep through; no room where something is to be compared at the next print."""
        for sight in self._sights:
            if sight.edges is NOWHERE:
                self._room = self._top = self._last = 0
                return
        low, high, self._until_s, self._last = folded(self._rests.fold(), self._sights)
        levels = self._levels
        self._rest_low, self._rest_high = low, high
        self._low = levels.floor if levels.floor > low else low
        self._high = levels.ceiling if levels.ceiling < high else high
        self._room = self._top = max(min(self._last - self._quote.prints, PENDING_MAX), 0)

    def _unrested(self, value: float) -> list[Watch]:
        """Who may say otherwise at the newest print; the others' rests go on beyond it."""
        # The print may be older than the moment at which it is judged.
        return self._rests.over(value, self._market.now_s) + self._loose(value)

    def _loose(self, value: float) -> list[Watch]:
        """Whose comparisons may come out otherwise."""
        time_s, number = self._market.now_s, self._quote.prints
        due: list[Watch] = []
        for sight in self._sights:
            low, high, until_s, last = sight.edges
            if not (low < value < high and time_s < until_s and number <= last):
                due += sight.loose()
        return due

    # Prints that wait, and where they are read.

    def settle(self) -> None:
        """Puts the prints that wait where they are read, and lets judges of levels see the newest one."""
        if self._room != self._top:
            self._put_away()
        self._levels.settle(self._market.now_s)

    def _put_away(self) -> None:
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

    def _make_room(self) -> int:
        """The waiting prints are put away; for how many more there is room."""
        self._put_away()
        self._room = self._top = max(min(self._last - self._quote.prints, PENDING_MAX), 0)
        return self._room

    def _add(self, time_s: float, value: float) -> None:
        """Puts a print where it is read, at once."""
        quote = self._quote
        quote.prints += 1
        quote.time_s, quote.value = time_s, value
        self._feed.hear(time_s)
        for stream in quote.streams:
            for take in stream.takers:
                take(time_s, value)

    @property
    def _is_plain(self) -> bool:
        """Whether nothing but windows of its own price is built from a print."""
        quote = self._quote
        return not quote.derived and not quote.bars and quote.streams_are_plain


def _in_order(found: Sequence[Watch]) -> Sequence[Watch]:
    return found if len(found) < 2 else sorted(dict.fromkeys(found), key=lambda watch: watch.order)
